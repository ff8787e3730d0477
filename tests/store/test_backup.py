"""A copy made while a service writes is whole; a store is for its owner only."""

import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.store.samples import keep, outcome
from windsock.errors import ConfigError
from windsock.store import queries
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine
from windsock.store.recovery.backup import back_up


def test_a_copy_made_while_it_is_written_to_is_whole(tmp_path: Path) -> None:
    url, to = f"sqlite:///{tmp_path}/store.db", tmp_path / "copy.db"
    engine = open_engine(url)
    upgrade_engine(engine)
    keep(engine, [outcome(n) for n in range(300)])
    goes_on = threading.Event()

    def write() -> None:
        for n in range(300, 400):
            keep(engine, [outcome(n)])
            goes_on.set()

    writing = threading.Thread(target=write)
    writing.start()
    goes_on.wait(10)
    assert back_up(url, to) > 10
    writing.join()
    copy = open_engine(f"sqlite:///{to}")
    assert queries.decision(copy, "d299") == outcome(299)
    copy.dispose()
    with sqlite3.connect(to) as made:
        (count,) = made.execute("SELECT count(*) FROM request").fetchone()
    made.close()
    assert 300 <= count <= 400
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    engine.dispose()


def test_what_cannot_be_copied_says_why_and_nothing_is_overwritten(tmp_path: Path) -> None:
    url, to = f"sqlite:///{tmp_path}/store.db", tmp_path / "copy.db"
    with pytest.raises(ConfigError, match="no store at"):
        back_up(url, to)
    engine = open_engine(url)
    upgrade_engine(engine)
    engine.dispose()
    to.write_text("mine")
    with pytest.raises(ConfigError, match="name a new file"):
        back_up(url, to)
    assert to.read_text() == "mine"
    with pytest.raises(ConfigError, match="pg_dump"):
        back_up("postgresql://localhost/x", tmp_path / "other.db")


def test_a_new_store_and_its_log_are_for_their_owner_only(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    upgrade_engine(engine)
    with engine.connect() as connection:
        keep(engine, [outcome(1)])
        connection.exec_driver_sql("SELECT count(*) FROM request").scalar()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    engine.dispose()
    assert {"store.db", "store.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}
