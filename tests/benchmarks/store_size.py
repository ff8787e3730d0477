"""Bytes that a request takes on the disk, before and now, and how long a store of many answers.

python -m tests.benchmarks.store_size [REQUESTS] [MANY]

REQUESTS    written by the ledger's own writer, as 2 million a day come: three keys, six tasks of
            which the busiest has half, five deployments, a word on one request in twenty, weight
            tables as often as a service solves them. In the form of before a twentieth of them.
MANY        to which that store is then grown by copying within the database; 0: not
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from tests.store.old_rows import keep_old
from windsock.app.state_recovery import prepared_engine
from windsock.clock import SystemClock
from windsock.config.settings import Settings
from windsock.config.store.settings import StoreSettings
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, Outcome
from windsock.core.model.decisions import ArmFacts, Decision, WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.units import Usage
from windsock.store import queries
from windsock.store.codec import encode
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.reports import report
from windsock.store.spending import spent_since
from windsock.store.tables import FeedbackRow
from windsock.store.writer import Writer

START = 1_790_000_000.25
EVERY_S = 86_400 / 2_000_000
TASKS = {"chat": 50, "sql": 20, "summary": 12, "code": 8, "extraction": 6, "translation": 4}
DEPLOYMENTS = ("deepseek/deepseek-chat", "google/gemini-2.5-flash", "openai/gpt-4o-mini",
               "groq/llama-3.3-70b", "anthropic/claude-haiku-4.5")  # fmt: skip
SHARES = (62, 20, 10, 5, 3)
BATCH = 2000
DAY_S = 86_400.0
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
SIZES = "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1"
LATER = (
    "INSERT INTO request SELECT position + ?, at + ?, shape, lasted_s, success_nano, body "
    "FROM request WHERE position <= ?"
)


def entries(chance: Random) -> Iterator[Any]:
    """Without end: requests as they come, with tables before and words after them."""
    number, version = 0, 0
    tables: dict[str, WeightTable] = {}
    while True:
        number += 1
        at = START + number * EVERY_S
        task = chance.choices(list(TASKS), TASKS.values())[0]
        if task not in tables or at - tables[task].at > 1 + chance.expovariate(
            TASKS[task] / 100 / EVERY_S
        ):
            version += 1
            tables[task] = table(chance, version, at, task)
            yield tables[task]
        made = request(chance, number, at, tables[task])
        yield made
        if chance.random() < 0.05:
            value = chance.choice([0.0, 1.0])
            reward = Reward(value=value, source="explicit", key_id=made.decision.key_id)
            yield Feedback(decision_id=made.decision.id, reward=reward, at=at + 20, weight=0.97)


def table(chance: Random, version: int, at: float, task: str) -> WeightTable:
    weights = [chance.random() for _ in DEPLOYMENTS]
    parts = tuple(each / sum(weights) for each in weights)
    return WeightTable(
        version=version,
        at=at,
        expires_at=at + 600,
        cell=Cell("default", "auto", task),
        policy="price_aware",
        deployments=DEPLOYMENTS,
        weights=parts,
        cumulative=tuple(accumulate(parts)),
        arms=tuple(
            arm(chance, at, name, weight) for name, weight in zip(DEPLOYMENTS, parts, strict=True)
        ),
        ruled_out={},
        value_usd=chance.random(),
        decided_by="quality",
    )


def arm(chance: Random, at: float, name: str, weight: float) -> ArmFacts:
    return ArmFacts(
        deployment=name,
        weight=weight,
        success_mean=chance.random(),
        success_low=chance.random(),
        success_high=chance.random(),
        effective_samples=chance.random() * 300,
        expected_usd=chance.random() / 1000,
        input_usd_per_mtok=Decimal("0.15"),
        output_usd_per_mtok=Decimal("0.60"),
        quote_feed="openrouter",
        quote_seen_at=START - 5000.5,
        price_age_s=at - START,
        limits=("floor",) if weight < 0.05 else (),
    )


def request(chance: Random, number: int, at: float, drawn_from: WeightTable) -> Outcome:
    name = chance.choices(DEPLOYMENTS, SHARES)[0]
    took_s, usage = 0.3 + chance.expovariate(1), used(chance)
    cost = (usage.input_tokens * Decimal("0.15") + usage.output_tokens * Decimal("0.6")) / 10**6
    decision = Decision(
        number=number,
        id=f"{chance.getrandbits(96):024x}",
        at=at,
        cell=drawn_from.cell,
        table_version=drawn_from.version,
        deployment=name,
        propensity=chance.random(),
        draw=chance.random(),
        requested_model="auto",
        prompt_tokens=usage.input_tokens,
        key_id=chance.choice(["k-7f2a9c", "k-18b3d0", "k-c92e11"]),
    )
    attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST,
                      started_at=at + 0.0008, timeout_s=60.0)  # fmt: skip
    result = CallResult(
        attempt=attempt,
        kind=CallKind.ANSWERED,
        latency_s=took_s,
        status=200,
        first_byte_s=took_s / 3,
        usage=usage,
        served_model=name.partition("/")[2],
        finish_reason="stop",
        response_id=f"chatcmpl-{chance.getrandbits(116):029x}",
        cost_usd=cost,
    )
    return Outcome(decision=decision, results=(result,), served=name, ok=True, cost_usd=cost,
                   finished_at=at + took_s + 0.0012, usage=usage)  # fmt: skip


def used(chance: Random) -> Usage:
    tokens = int(chance.lognormvariate(6.5, 1))
    return Usage(input_tokens=tokens, output_tokens=int(chance.lognormvariate(5, 1)),
                 cache_read_tokens=tokens // 2 if chance.random() < 0.3 else 0)  # fmt: skip


def written_now(path: Path, requests: int) -> float:
    """Requests a second that the writer took."""
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    writer = Writer(engine)
    stream, done, spent_s = entries(Random(1)), 0, 0.0
    while done < requests:
        batch = list(islice(stream, BATCH))
        began = time.perf_counter()
        assert writer.write(batch) == 0
        spent_s += time.perf_counter() - began
        done += sum(isinstance(each, Outcome) for each in batch)
    writer.close()
    engine.dispose()
    return done / spent_s


def written_before(path: Path, requests: int) -> None:
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    stream, left, kept, words = entries(Random(1)), requests, [], []
    while left > 0:
        entry = next(stream)
        (words if isinstance(entry, Feedback) else kept).append(entry)
        left -= isinstance(entry, Outcome)
    keep_old(engine, kept)
    with engine.begin() as store:
        for place, each in enumerate(words, len(kept) + 1):
            reward = each.reward
            row = {"position": place, "decision_id": each.decision_id, "at": each.at,
                   "value": reward.value, "source": reward.source, "metric": "",
                   "key_id": reward.key_id, "once": None, "body": encode(each)}  # fmt: skip
            store.execute(insert(FeedbackRow), row)
    engine.dispose()


def sizes(path: Path) -> tuple[int, dict[str, int]]:
    """Bytes of the file, and of each table with its indexes where SQLite tells."""
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        total = store.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        )
        (size,) = total.fetchone()
        try:
            rows = store.execute(SIZES).fetchall()
        except sqlite3.OperationalError:
            rows = []
    store.close()
    return size, dict(rows)


def said(name: str, path: Path, requests: int) -> None:
    size, tables = sizes(path)
    print(f"{name}: {size / requests:,.0f} bytes a request ({size / 1e6:,.0f} MB)")
    for table, bytes_ in sorted(tables.items(), key=lambda pair: -pair[1]):
        if bytes_ / requests >= 0.5:
            print(f"    {table:<16} {bytes_ / requests:8.1f}")


def grown(path: Path, many: int) -> None:
    """Copies of what is there, each later than the one before."""
    with sqlite3.connect(path) as store:
        store.executescript("PRAGMA cache_size=-1500000; PRAGMA synchronous=OFF")
        (rows, last, first, end) = store.execute(
            "SELECT count(*), max(position), min(at), max(at) FROM request"
        ).fetchone()
        span = int((end - first) // DAY_S + 1) * int(DAY_S)
        for turn in range(1, many // rows):
            store.execute(LATER, (turn * last, turn * span, last))
            store.execute("INSERT INTO request_name SELECT random(), position + ? FROM request_name"
                          " WHERE position <= ? ORDER BY 1", (turn * last, last))  # fmt: skip
            for table in ("request_sums", "call_sums", "delay_sums"):
                store.execute(
                    f"INSERT INTO {table} SELECT {shifted(store, table)} FROM {table}"
                    " WHERE at < ?", (turn * span, first - first % DAY_S + span),
                )  # fmt: skip
            store.commit()
        store.execute("UPDATE writer SET position = (SELECT max(position) FROM request)")
        store.commit()
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def shifted(store: sqlite3.Connection, table: str) -> str:
    names = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
    return ", ".join("at + ?" if name == "at" else name for name in names)


def timed(name: str, ask: Callable[[], object]) -> None:
    began = time.perf_counter()
    ask()
    print(f"    {name:<46} {(time.perf_counter() - began) * 1e3:8.1f} ms")


def asked(path: Path) -> None:
    url = f"sqlite:///{path}"
    settings = Settings(store=StoreSettings(url=url))
    timed(
        "open, schema, checked whole or at its ends",
        lambda: prepared_engine(settings, SystemClock()),
    )
    engine = open_engine(url)
    with engine.connect() as store:
        count, first, last = store.exec_driver_sql(
            "SELECT count(*), min(at), max(at) FROM request"
        ).one()
    print(f"    {count:,} requests over {(last - first) / DAY_S:.1f} days")
    for name, since in (
        ("an hour", 3600),
        ("a day", DAY_S),
        ("30 days", 30 * DAY_S),
        ("ever", 1e9),
    ):
        timed(f"report of {name}", lambda since=since: report(engine, since=last - since - 0.3))
    some = next(iter(queries.decisions(engine, since=last - 60, until=last, limit=1)))
    timed("spent since midnight", lambda: spent_since(engine, last // DAY_S * DAY_S))
    timed("a decision by its id", lambda: queries.decision(engine, some.decision.id))
    timed("a table by its version", lambda: queries.table(engine, some.decision.table_version))
    timed("1,000 decisions of a day ago", lambda: list(
        queries.decisions(engine, since=last - DAY_S, until=last, limit=1000)))  # fmt: skip
    timed("the tail after the last snapshot (20,000 entries)", lambda: list(
        queries.tail(engine, count - 20_000)))  # fmt: skip
    engine.dispose()


def main(requests: int, many: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, now = Path(folder) / "before.db", Path(folder) / "now.db"
        written_before(before, requests // 20)
        said("before", before, requests // 20)
        rate = written_now(now, requests)
        said("now", now, requests)
        print(f"written: {rate:,.0f} requests/s, each with what belongs to it")
        asked(now)
        if many:
            grown(now, many)
            asked(now)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]] + [1_000_000, 0][len(sys.argv) - 1 :]
    main(*numbers)
