"""Kill -9 while writing: the file stays whole, and what was flushed is in it."""

import multiprocessing
import random
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from tests.store.crash_writer import write
from windsock.store import queries
from windsock.store.engine import open_engine

KILLS = 10
FLUSH_S = 0.05

STARTS = multiprocessing.get_context("forkserver")
STARTS.set_forkserver_preload(["tests.store.crash_writer"])
"""Each life is a process of its own; what they import is imported once."""


def kill_while_writing(file: Path, said: Path, first: int, after_s: float) -> list[list[str]]:
    """What the writer had to say until it was killed, some time after its first flush."""
    life = STARTS.Process(target=write, args=(f"sqlite:///{file}", str(said), first, FLUSH_S))
    said.unlink(missing_ok=True)
    life.start()
    try:
        while not said.exists() or "flushed" not in said.read_text():
            assert life.is_alive(), "the writer ended by itself"
            time.sleep(0.005)
        time.sleep(after_s)
    finally:
        life.kill()
        life.join()
    return [line.split() for line in said.read_text().splitlines(True) if line[-1] == "\n"]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_writer_leaves_all_that_was_flushed(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    file = tmp_path / "store.db"
    expected: list[int] = []
    for kill in range(KILLS):
        first = kill * 1_000_000
        wait_s = chance.uniform(0.0, 0.3)
        lines = kill_while_writing(file, tmp_path / "said", first, wait_s)
        durable = max(int(number) for word, number, _ in lines if word == "flushed")
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
