"""What a request costs by number of deployments, tasks, replicas and keys: CPU, memory, bytes.

    python -m tests.benchmarks.scale            # two minutes
    python -m tests.benchmarks.scale write      # and into docs/scale.md
    python -m tests.benchmarks.scale keys       # of deployments, tasks, keys, replicas these only

In process, without HTTP: a decision drawn, its call reported, its outcome learnt. A solve is what a
table costs whenever evidence or a price has changed, once a second and cell at most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import insert

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, answered, request, router
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.replicas.deltas import Delta
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router
from windsock.service.auth import Access, digest_of, new_key
from windsock.store.engine import open_engine
from windsock.store.keys import keys, stamp_of_keys
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine
from windsock.store.tables import KeyRow

AIM = Objective(kind="value", usd_per_success=0.02)
ASKED = 500
"""Tasks whose first request is measured; the others are known by a reward."""


def world(deployments: int) -> Router:
    return router(prices={f"p/{k}": 0.1 + k for k in range(deployments)}, objective=AIM)


def finished(it: Router, task: str, now: float) -> Outcome:
    """A request of a task, answered and learnt."""
    exchange = it.open(request(task=task), now)
    exchange.report(answered(exchange.next_attempt(now)), now)
    outcome = exchange.outcome(now)
    it.learn_outcome(outcome, now)
    return outcome


def us_of(work: Callable[[int], object], times: int) -> float:
    """CPU of one, in microseconds."""
    begun = time.process_time()
    for number in range(times):
        work(number)
    return (time.process_time() - begun) / times * 1e6


def by_deployments(count: int) -> list[str]:
    it = world(count)
    finished(it, "t", START)
    per_request = us_of(lambda _: finished(it, "t", START), 300)
    cell = Cell("default", "auto", "t")

    def solve(number: int) -> None:
        now = START + 2.0 * (number + 1)
        it.beliefs.observe(cell, "p/0", 1.0, now=now)
        it.tables.count_evidence(cell, now)
        it.open(request(task="t"), now)

    solve_us = us_of(solve, 10 if count > 100 else 30)
    table = it.open(request(task="t"), START + 100).table
    rows, size = written([finished(it, "t", START + 100) for _ in range(500)])
    return [f"{count:,}", f"{per_request:.0f}", f"{solve_us / 1000:.2f}", f"{rows:.1f}",
            f"{size:.0f}", f"{len(table.weights):,}"]  # fmt: skip


def written(outcomes: list[Outcome]) -> tuple[float, float]:
    """(rows, bytes) of a request in a SQLite file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "w.db"
        engine = open_engine(f"sqlite:///{file}")
        upgrade_engine(engine)
        before, tables = file.stat().st_size, counted(engine)
        ledger = Ledger(engine)
        ledger.open()
        for each in outcomes:
            ledger.append(each)
        ledger.close()
        rows = counted(engine) - tables
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return rows / len(outcomes), (file.stat().st_size - before) / len(outcomes)


def counted(engine: object) -> int:
    """Rows of all tables."""
    with engine.connect() as connection:  # type: ignore[attr-defined]
        named = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in named]
        return sum(
            connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in names
        )


def by_tasks(count: int) -> list[str]:
    """Of 8 deployments; those beyond ASKED have one reward of one of them."""
    it = world(8)
    asked = min(count, ASKED)
    first = us_of(lambda number: finished(it, f"t{number}", START), asked)
    for number in range(asked, count):
        it.beliefs.observe(Cell("default", "auto", f"t{number}"), "p/0", 1.0, now=START)
    again = us_of(lambda number: finished(it, f"t{number % asked}", START), 500)
    state = len(json.dumps(it.beliefs.to_state())) / count
    return [f"{count:,}", f"{first:.0f}", f"{again:.0f}", f"{state:.0f}"]


def by_replicas(count: int) -> list[str]:
    """What one of so many takes in every second, where each answers 100 requests of 10 tasks."""
    one, other = (Replica(world(8), name) for name in ("a", "b"))
    for number in range(100):
        finished(one.router, f"t{number % 10}", START + number / 100)
    delta = one.cut(START + 1)
    assert delta is not None
    told = json.dumps(delta.to_state())
    copies = [Delta.from_state({**json.loads(told), "number": n + 1}) for n in range(30)]
    absorbed = us_of(lambda number: other.absorb(copies[number], START + 1), 30)
    others = count - 1
    return [f"{count:,}", f"{len(told):,}", f"{others * len(told) / 1000:,.0f}",
            f"{others * absorbed / 1000:.0f}"]  # fmt: skip


def by_keys(count: int) -> list[str]:
    """Of a SQLite file: each key has limits, every tenth a budget."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/w.db")
        upgrade_engine(engine)
        made = [new_key() for _ in range(count)]
        rows = [key_row(number, *facts) for number, facts in enumerate(made)]
        with engine.begin() as connection:
            connection.execute(insert(KeyRow), rows)
        access = Access(mode="required")
        tracemalloc.start()
        access.replace_keys(keys(engine))
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        read_ms = us_of(lambda _: access.replace_keys(keys(engine)), 1) / 1000
        stamp_ms = us_of(lambda _: stamp_of_keys(engine), 5) / 1000
        step = max(1, count // 1000)
        credentials = [made[number][0] for number in range(0, count, step)]
        found = us_of(
            lambda n: access.admit(digest_of(credentials[n % len(credentials)]), "infer", 1.0), 2000
        )
        engine.dispose()
    return [f"{count:,}", f"{found:.1f}", f"{held / count / 1000:.1f}", f"{held / 1e6:.1f}",
            f"{read_ms:,.1f}", f"{stamp_ms:.1f}"]  # fmt: skip


def key_row(number: int, credential: str, key_id: str, digest: str) -> dict[str, object]:
    return {
        "id": key_id, "name": f"key {number}", "sha256": digest, "namespace": "default",
        "scopes": "infer feedback", "created_at": float(number), "expires_at": None,
        "revoked_at": None, "continues": None, "models": "", "rpm": 60, "tpm": 10_000,
        "budget_usd": "10" if number % 10 == 0 else None, "is_private": None,
        "budget_period": "day" if number % 10 == 0 else None,
    }  # fmt: skip


def shown(row: list[str]) -> list[str]:
    print(*row, sep="  ", flush=True)
    return row


PARTS: dict[str, tuple[Callable[[int], list[str]], tuple[int, ...], list[str]]] = {
    "deployments": (
        by_deployments,
        (2, 8, 32, 128, 500),
        ["Deployments of a route", "us a request", "ms a solve", "rows", "bytes", "in the table"],
    ),
    "tasks": (
        by_tasks,
        (1, 100, 1_000, 10_000, 100_000),
        ["Tasks", "us its first request", "us a later one", "bytes of a snapshot a task"],
    ),
    "keys": (
        by_keys,
        (1, 100, 10_000, 100_000),
        ["Keys", "us a look-up", "KB a key", "MB", "ms to read all", "ms to see that none changed"],
    ),
    "replicas": (
        by_replicas,
        (2, 4, 8, 100),
        ["Replicas", "bytes a delta", "KB/s taken in by each", "ms of CPU a second for that"],
    ),
}


def main() -> None:
    for name in [each for each in PARTS if each in sys.argv] or PARTS:
        measure, counts, head = PARTS[name]
        text = markdown(head, [shown(measure(count)) for count in counts])
        print(text)
        if "write" in sys.argv:
            write_between(DOCS / "scale.md", f"scale {name}", text)


if __name__ == "__main__":
    main()
