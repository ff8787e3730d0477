"""The store is away: appending goes on, what waits is bounded, and recovery loses nothing."""

import asyncio
import contextlib
import gc
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from tests.store.conftest import Postgres
from tests.store.samples import feedback, keep, ledger_on, outcome, shift
from tests.store.test_ledger import numbers
from windsock.core.model.events import EventKind
from windsock.errors import ConfigError, StoreError
from windsock.store import queries
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine
from windsock.store.rows import StateSnapshot


async def until_troubled(ledger: Ledger) -> str:
    """What stands in the way, once something does; an error after 60 s."""
    async with asyncio.timeout(60):
        while (error := ledger.stats().error) is None:
            await asyncio.sleep(0.01)
    return error


@pytest.fixture
def lock(file_engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection of somebody else's that can hold the file's lock."""
    with contextlib.closing(sqlite3.connect(file_engine.url.database or "")) as connection:
        yield connection


async def test_a_locked_store_is_waited_for(file_engine: Engine, lock: sqlite3.Connection) -> None:
    told: list[str | None] = []
    with ledger_on(file_engine, on_trouble=told.append) as ledger:
        lock.execute("BEGIN IMMEDIATE")
        for number in range(100):
            ledger.append(outcome(number))
        assert await until_troubled(ledger) == "database is locked"
        assert queries.decision(file_engine, "d1") is None
        lock.rollback()
        await asyncio.wait_for(ledger.flushed(), 20)
        assert numbers(file_engine) == list(range(100))
        assert ledger.stats().error is None
    assert told == ["database is locked", None]


async def test_what_waits_is_bounded_and_the_rest_is_counted(
    file_engine: Engine, lock: sqlite3.Connection
) -> None:
    with ledger_on(file_engine, max_pending=100) as ledger:
        lock.execute("BEGIN IMMEDIATE")
        ledger.append(outcome(0))
        await until_troubled(ledger)
        for number in range(1, 80):
            ledger.append(outcome(number))
        ledger.append(shift(1))
        ledger.append(replace(shift(2), kind=EventKind.CAP_RAISED))
        for number in range(80, 150):
            ledger.append(outcome(number))
        assert ledger.stats().pending == 100
        assert ledger.stats().dropped == 52
        lock.rollback()
        await asyncio.wait_for(ledger.flushed(), 20)
        assert numbers(file_engine) == list(range(99))
        (told,) = queries.events(file_engine, since=0.0)
        assert told.kind is EventKind.CAP_RAISED


async def test_of_snapshots_that_wait_only_the_last_is_written(
    file_engine: Engine, lock: sqlite3.Connection
) -> None:
    with ledger_on(file_engine) as ledger:
        lock.execute("BEGIN IMMEDIATE")
        ledger.append(outcome(0))
        await until_troubled(ledger)
        for number in range(1, 50):
            ledger.append(outcome(number))
            ledger.append(StateSnapshot(float(number), b"state"))
        ledger.append(outcome(50))
        while sum(isinstance(each, StateSnapshot) for each in gc.get_objects()) > 1:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ledger.flushed(), 0.1)
        lock.rollback()
        await asyncio.wait_for(ledger.flushed(), 20)
    with file_engine.connect() as connection:
        written = connection.exec_driver_sql("SELECT at FROM snapshot").scalars().all()
    assert written == [49.0]
    position, _ = queries.latest_snapshot(file_engine) or (0, None)
    assert numbers(file_engine, position) == [50]


async def test_closing_while_the_store_is_away_gives_up_after_its_patience(
    file_engine: Engine, lock: sqlite3.Connection
) -> None:
    told: list[str | None] = []
    lock.execute("BEGIN IMMEDIATE")
    ledger = Ledger(file_engine, on_trouble=told.append)
    ledger.open()
    for number in range(10):
        ledger.append(outcome(number))
    ledger.close(patience_s=1.0)
    async with asyncio.timeout(60):  # on a busy machine the writer's last words come later
        while "not written" not in (ledger.stats().error or ""):
            await asyncio.sleep(0.01)
    assert (ledger.stats().dropped, ledger.stats().pending) == (10, 0)
    assert told == ["database is locked"]
    assert ledger.stats().error == "10 entries were not written: database is locked"


async def test_a_read_only_store_is_still_read(tmp_path: Path) -> None:
    writable = open_engine(f"sqlite:///{tmp_path}/store.db")
    upgrade_engine(writable)
    keep(writable, [outcome(1)])
    engine = open_engine(f"sqlite:///file:{tmp_path}/store.db?mode=ro&uri=true")
    with ledger_on(engine) as ledger:
        ledger.append(outcome(2))
        assert "readonly" in await until_troubled(ledger)
        assert numbers(engine) == [1]
        ledger.close(patience_s=0.1)
    assert ledger.stats().dropped == 1
    writable.dispose()


@pytest.mark.parametrize("is_replaced", [False, True])
async def test_a_file_that_is_deleted_or_replaced_is_told_of_and_nothing_goes_after_it(
    tmp_path: Path, is_replaced: bool
) -> None:
    """SQLite would go on to write where nobody can read."""
    engine, other = (open_engine(f"sqlite:///{tmp_path}/{name}.db") for name in ("store", "other"))
    for each in (engine, other):
        upgrade_engine(each)
    keep(other, [outcome(7)])
    told: list[str | None] = []
    prepared = {"prepare": lambda: upgrade_engine(engine), "is_prepared": True}
    with ledger_on(engine, on_trouble=told.append, **prepared) as ledger:
        ledger.append(outcome(1))
        await asyncio.wait_for(ledger.flushed(), 20)
        for suffix in ("", "-wal", "-shm"):
            (tmp_path / f"store.db{suffix}").unlink(missing_ok=True)
        if is_replaced:
            (tmp_path / "other.db").rename(tmp_path / "store.db")
        else:
            engine.connect().close()  # a reader makes it, before the writer does
        ledger.append(outcome(2))
        await asyncio.wait_for(ledger.flushed(), 20)
        assert numbers(engine) == ([7, 2] if is_replaced else [2])
        assert {each.stat().st_mode & 0o777 for each in tmp_path.glob("store.db*")} == {0o600}
    assert [each and each.partition(" while")[0] for each in told] == [
        "the file was deleted or replaced",
        None,
    ]
    engine.dispose()
    other.dispose()


async def test_a_store_without_room_is_waited_for(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/store.db")
    upgrade_engine(engine)
    pages = [60]

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages[0]}").fetchone()

    with ledger_on(engine) as ledger:
        for number in range(1000):
            ledger.append(outcome(number))
        assert await until_troubled(ledger) == "database or disk is full"
        pages[0] = 100_000
        await asyncio.wait_for(ledger.flushed(), 20)
        assert numbers(engine) == list(range(1000))
        assert ledger.stats().dropped == 0
    engine.dispose()


@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk of one's own needs root")
async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    many = 8000
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False)
    if made.returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        engine = open_engine(f"sqlite:///{disk}/store.db")
        upgrade_engine(engine)
        with ledger_on(engine) as ledger:
            for number in range(many):
                ledger.append(outcome(number))
            assert "disk" in await until_troubled(ledger)
            assert queries.decision(engine, "none") is None
            subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
            await asyncio.wait_for(ledger.flushed(), 20)
            assert numbers(engine) == list(range(many))
            assert ledger.stats().dropped == 0
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        engine.dispose()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


async def test_a_server_that_is_down_at_start_is_waited_for(postgres: Postgres) -> None:
    url = postgres.new_database()
    postgres.stop()
    engine = open_engine(url, patience_s=2)
    try:
        with ledger_on(engine, prepare=lambda: upgrade_engine(engine)) as ledger:
            for number in range(10):
                ledger.append(outcome(number))
            assert await until_troubled(ledger)
            with pytest.raises(StoreError):
                queries.decision(engine, "d1")
            postgres.start()
            await asyncio.wait_for(ledger.flushed(), 30)
            assert numbers(engine) == list(range(10))
    finally:
        engine.dispose()
        if not postgres.is_running():
            postgres.start()


async def test_a_server_that_goes_down_and_comes_back_has_everything_once(
    postgres: Postgres,
) -> None:
    engine = open_engine(postgres.new_database(), patience_s=2)
    upgrade_engine(engine)
    with ledger_on(engine) as ledger:
        for number in range(200):
            ledger.append(outcome(number))
        await asyncio.wait_for(ledger.flushed(), 20)
        await asyncio.to_thread(postgres.stop)
        for number in range(200, 400):
            ledger.append(outcome(number))
        assert await until_troubled(ledger)
        await asyncio.to_thread(postgres.start)
        await asyncio.wait_for(ledger.flushed(), 30)
        assert numbers(engine) == list(range(400))
    engine.dispose()


async def test_connections_cut_at_any_moment_lose_and_double_nothing(postgres: Postgres) -> None:
    engine = open_engine(postgres.new_database(), patience_s=2)
    upgrade_engine(engine)
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        f"WHERE datname = '{engine.url.database}'"
    )
    with ledger_on(engine, flush_s=0.005) as ledger:
        number = 0
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as other:
            for _ in range(30):
                for _ in range(40):
                    ledger.append(outcome(number))
                    ledger.append(feedback(number))
                    number += 1
                await asyncio.sleep(0.011)
                other.execute(cut.encode())
        await asyncio.wait_for(ledger.flushed(), 30)
        assert ledger.stats().dropped == 0
    assert numbers(engine) == list(range(number))
    assert len(list(queries.tail(engine, 0))) == 2 * number
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("sqlite://", "name a file"),
        ("sqlite:////no/such/folder/store.db", "does not exist; make it"),
        ("mysql://host/name", "use sqlite or postgresql"),
        ("windsock.db", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_says_how_to_mend_it(url: str, mend: str) -> None:
    with pytest.raises(ConfigError, match=mend):
        open_engine(url)
