"""Kill -9 while writing: the file stays whole, and only the last moment may be missing."""

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from windsock.store import queries
from windsock.store.engine import open_engine

KILLS = 10
FLUSH_S = 0.05
SLACK_S = 0.4
"""A commit and a busy machine, on top of the flush interval."""

WRITER = """
import asyncio, os, sys, time
from tests.store.samples import outcome
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

async def main(url, first):
    engine = open_engine(url)
    upgrade_engine(engine)
    ledger = Ledger(engine, flush_s=float(sys.argv[3]))
    ledger.open()
    number = first
    while True:
        for _ in range(20):
            ledger.append(outcome(number))
            os.write(1, f"appended {number} {time.monotonic()}\\n".encode())
            number += 1
        if number % 200 == 0:
            await ledger.flushed()
            os.write(1, f"flushed {number - 1} {time.monotonic()}\\n".encode())
        await asyncio.sleep(0.001)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def kill_while_writing(
    file: Path, said: Path, first: int, after_s: float
) -> tuple[list[list[str]], float]:
    """What the writer had to say for itself, and when it was killed."""
    command = [sys.executable, "-c", WRITER, f"sqlite:///{file}", str(first), str(FLUSH_S)]
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            while not said.stat().st_size:
                assert process.poll() is None, "the writer ended by itself"
                time.sleep(0.005)
            time.sleep(after_s)
            killed = time.monotonic()
        finally:
            process.kill()
            process.wait()
    return [line.split() for line in said.read_text().splitlines(True) if line[-1] == "\n"], killed


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_writer_leaves_all_but_the_last_moment(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    file = tmp_path / "store.db"
    expected: list[int] = []
    for kill in range(KILLS):
        first = kill * 1_000_000
        wait_s = FLUSH_S + SLACK_S + chance.uniform(0.02, 0.2)
        lines, killed = kill_while_writing(file, tmp_path / "said", first, wait_s)
        durable = max(
            int(number)
            for word, number, at in lines
            if word == "flushed" or float(at) < killed - FLUSH_S - SLACK_S
        )
        with closing(connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            engine = open_engine(f"sqlite:///{file}")
            written = [each.decision.number for each in queries.tail(engine, 0)]
            engine.dispose()
        mine = written[len(expected) :]
        assert written[: len(expected)] == expected, "an earlier life's rows changed"
        assert mine == list(range(first, first + len(mine))), "a gap or a doubled row"
        assert mine[-1] >= durable
        expected = written
