"""One process at a time writes to a store."""

import os
import subprocess
import sys

import pytest
from sqlalchemy import Engine

from tests.store.samples import ledger_on, outcome
from tests.store.test_ledger import numbers
from windsock.store.ledger import Ledger
from windsock.store.writing.writer_lock import StoreTaken, WriterLock

HOLD = """
import sys
from windsock.store.writing.writer_lock import WriterLock
claim = WriterLock(sys.argv[1])
claim.acquire()
print("taken", flush=True)
sys.stdin.read()
"""


def claimed(url: str, engine: Engine) -> Ledger:
    """A ledger as `windsock serve` opens it; raises StoreTaken."""
    claim = WriterLock(url)
    claim.acquire()
    ledger = Ledger(engine, lock=claim, flush_s=0.02)
    ledger.open()
    return ledger


async def test_a_second_one_is_refused_until_the_first_is_closed(url: str, engine: Engine) -> None:
    first = claimed(url, engine)
    first.append(outcome(1))
    await first.flushed()
    with pytest.raises(StoreTaken, match="another windsock uses the store"):
        claimed(url, engine)
    first.close()
    second = claimed(url, engine)
    second.append(outcome(2))
    second.close()
    assert numbers(engine) == [1, 2]


def test_others_may_still_write_what_commands_write(url: str, engine: Engine) -> None:
    first = claimed(url, engine)
    with ledger_on(engine) as ledger:
        ledger.append(outcome(1))
    first.close()
    assert numbers(engine) == [1]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_the_lock_of_a_killed_process_is_free(tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    command = [sys.executable, "-c", HOLD, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"taken\n"
        with pytest.raises(StoreTaken):
            WriterLock(url).acquire()
        holder.kill()
    claim = WriterLock(url)
    claim.acquire()
    claim.release()


def test_a_store_under_another_name_is_the_same_store(tmp_path) -> None:
    (tmp_path / "real").mkdir()
    path = tmp_path / "real" / "store.db"
    path.touch()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "file.db").symlink_to(path)
    os.link(path, tmp_path / "hard.db")
    first = WriterLock(f"sqlite:///{path}")
    first.acquire()
    for name in ("linked/store.db", "file.db", "hard.db"):
        with pytest.raises(StoreTaken):
            WriterLock(f"sqlite:///{tmp_path}/{name}").acquire()
    first.release()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_lock_file_that_was_deleted_frees_nothing(tmp_path, is_there: bool) -> None:
    path = tmp_path / "store.db"
    if is_there:
        path.touch()
    first = WriterLock(f"sqlite:///{path}")
    first.acquire()
    path.touch()
    first.acquire_file()
    (tmp_path / "store.db.lock").unlink()
    with pytest.raises(StoreTaken):
        WriterLock(f"sqlite:///{path}").acquire()
    first.release()
    second = WriterLock(f"sqlite:///{path}")
    second.acquire()
    second.release()


def test_a_store_that_was_set_aside_and_made_anew_is_locked_too(tmp_path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    first = WriterLock(f"sqlite:///{path}")
    first.acquire()
    path.rename(tmp_path / "aside.db")
    path.touch()
    first.acquire_file()
    (tmp_path / "store.db.lock").unlink()
    with pytest.raises(StoreTaken):
        WriterLock(f"sqlite:///{path}").acquire()
    first.release()
