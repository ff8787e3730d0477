"""What a request costs by number of deployments, tasks and replicas: CPU, memory, rows and bytes.

    python -m tests.benchmarks.scale            # two minutes
    python -m tests.benchmarks.scale write      # and into docs/scale.md

In process, without HTTP: a decision drawn, its call reported, its outcome learnt. A solve is what a
table costs whenever evidence or a price has changed, once a second and cell at most.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, answered, request, router
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.replicas.deltas import Delta
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

AIM = Objective(kind="value", usd_per_success=0.02)
DEPLOYMENTS, TASKS, REPLICAS = (2, 8, 32, 128, 500), (1, 100, 1_000, 10_000, 100_000), (2, 10, 100)
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


def shown(row: list[str]) -> list[str]:
    print(*row, sep="  ", flush=True)
    return row


def main() -> None:
    first = markdown(
        ["Deployments of a route", "us a request", "ms a solve", "rows", "bytes", "in the table"],
        [shown(by_deployments(count)) for count in DEPLOYMENTS],
    )
    second = markdown(
        ["Tasks", "us its first request", "us a later one", "bytes of a snapshot a task"],
        [shown(by_tasks(count)) for count in TASKS],
    )  # fmt: skip
    third = markdown(
        ["Replicas", "bytes a delta", "KB/s taken in by each", "ms of CPU a second for that"],
        [shown(by_replicas(count)) for count in REPLICAS],
    )
    text = "\n\n".join((first, second, third))
    print(text)
    if "write" in sys.argv:
        write_between(DOCS / "scale.md", "scale", text)


if __name__ == "__main__":
    main()
