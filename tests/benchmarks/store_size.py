"""Bytes that a request takes on the disk, before and now, and what writing it takes.

python -m tests.benchmarks.store_size [REQUESTS]

REQUESTS    written by the ledger's own writer, as 2 million a day come: three keys, six tasks of
            which the busiest has half, five deployments, a word on one request in twenty, weight
            tables as often as a service solves them. In the form of before a twentieth of them.

How soon a store of many answers: `store_views`.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import insert

from tests.store.old_rows import keep_old
from windsock.app.interpreter import shorten
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, Outcome
from windsock.core.model.decisions import ArmFacts, Decision, WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.units import Usage
from windsock.store.codec import encode
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.tables import FeedbackRow
from windsock.store.writing.writer import Writer

START = 1_790_000_000.25
EVERY_S = 86_400 / 2_000_000
TASKS = {"chat": 50, "sql": 20, "summary": 12, "code": 8, "extraction": 6, "translation": 4}
DEPLOYMENTS = ("deepseek/deepseek-chat", "google/gemini-2.5-flash", "openai/gpt-4o-mini",
               "groq/llama-3.3-70b", "anthropic/claude-haiku-4.5")  # fmt: skip
SHARES = (62, 20, 10, 5, 3)
BATCH = 2000
SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
SIZES = "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1"


def entries(chance: Random, start: float = START) -> Iterator[Any]:
    """Without end: requests as they come, with tables before and words after them."""
    number, version = 0, 0
    tables: dict[str, WeightTable] = {}
    while True:
        number += 1
        at = start + number * EVERY_S
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


def written_now(path: Path, requests: int, start: float = START) -> tuple[float, float]:
    """(seconds, microseconds of CPU an entry) of the writer, with collections of garbage as the
    service has them."""
    shorten()
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    writer = Writer(engine)
    stream, done, written, spent_s, cpu_s = entries(Random(1), start), 0, 0, 0.0, 0.0
    while done < requests:
        batch = list(islice(stream, BATCH))
        began, cpu = time.perf_counter(), time.thread_time()
        assert writer.write(batch) == 0
        spent_s += time.perf_counter() - began
        cpu_s += time.thread_time() - cpu
        written += BATCH
        done += sum(isinstance(each, Outcome) for each in batch)
    writer.close()
    engine.dispose()
    return spent_s, cpu_s / written * 1e6


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


def main(requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before, now = Path(folder) / "before.db", Path(folder) / "now.db"
        written_before(before, requests // 20)
        said("before", before, requests // 20)
        seconds, cpu_us = written_now(now, requests)
        said("now", now, requests)
        print(f"written: {requests / seconds:,.0f} requests/s, each with what belongs to it; "
              f"{cpu_us:.0f} us of CPU an entry")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
