"""Histories of a writer that is killed: what it was told is durable, and what the store holds."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import select
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.store.samples import feedback, outcome, table
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

BURST = 5


@dataclass(slots=True)
class Found:
    histories: int = 0
    acknowledged: int = 0
    violations: int = 0


def histories(path: Path, count: int, seed: int = 7) -> Found:
    """So many writers one after another, each killed within 40 ms of its first acknowledgement.

    One in four is killed before, if it is slow enough.

    A violation is an acknowledged record that is missing or doubled, records out of order, an
    earlier writer's record that went, a table whose version does not lie above the one before it,
    or a file that is not sound.
    """
    engine = open_engine(f"sqlite:///{path}")
    upgrade_engine(engine)
    engine.dispose()
    chance = random.Random(seed)
    found = Found()
    settled: list[str] = []
    for number in range(count):
        patience_s = chance.uniform(0.0, 0.05) if number % 4 == 3 else 20.0
        durable = _killed(path, number * 1_000_000, patience_s, chance.uniform(0.0, 0.04))
        written = _written(path, is_checked=number % 50 == 0)
        mine = [f"d{number * 1_000_000 + place}" for place in range(len(written) - len(settled))]
        is_right = written == [*settled, *mine] and len(mine) >= durable
        found.violations += not is_right
        found.histories += 1
        found.acknowledged += durable
        settled = written
    return found


def _killed(path: Path, first: int, patience_s: float, after_s: float) -> int:
    """Fork a writer, kill it; how many records it was told were durable."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        asyncio.run(_write(path, first, theirs))
        os._exit(0)
    os.close(theirs)
    select.select([ours], [], [], patience_s)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open(ours, "rb") as pipe:  # noqa: PTH123
        lines = pipe.read().split(b"\n")
    return max((int(line) for line in lines[:-1]), default=0)


async def _write(path: Path, first: int, out: int) -> None:
    """Outcomes, feedback and tables for ever; says how many of the first two are durable."""
    ledger = Ledger(open_engine(f"sqlite:///{path}"), flush_s=0.002)
    ledger.open()
    count = 0
    while True:
        for _ in range(BURST):
            ledger.append(outcome(first + count))
            ledger.append(feedback(first + count))
            count += 1
        ledger.append(table(first + count))
        await ledger.flushed()
        os.write(out, b"%d\n" % count)


def _written(path: Path, *, is_checked: bool) -> list[str]:
    """Decisions with feedback, in order of their position; [] if the file is not sound, or if the
    version of a table went back."""
    with closing(sqlite3.connect(path)) as store:
        if is_checked and store.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            return []
        rows = store.execute("SELECT decision_id FROM feedback ORDER BY position").fetchall()
        versions = store.execute("SELECT version FROM weights ORDER BY position").fetchall()
    if any(later <= sooner for sooner, later in itertools.pairwise(versions)):
        return []
    return [name for (name,) in rows]
