"""A corrupt file is set aside whole, what is readable is carried over, and work goes on."""

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.builders import CHEAP, FLAGSHIP, START, quote
from tests.store.samples import keep, last_position, outcome
from windsock.store import queries
from windsock.store.engine import open_engine
from windsock.store.keys import VirtualKey
from windsock.store.migrations import upgrade_engine
from windsock.store.recovery.rescue import rescue
from windsock.store.recovery.set_aside import MAX_CHECKED_BYTES, set_aside_if_corrupt
from windsock.store.rows import StateSnapshot

SPANS_OF_500_S = sum(
    len({at // span for at in range(int(START), int(START) + 500)}) for span in (60, 3600, 86_400)
)
STAMP = "20261124T120000Z"
QUOTES = [quote(CHEAP), quote(FLAGSHIP)]
KEY = VirtualKey(
    id="k1", name="ci", sha256="ab", namespace="default", scopes=("infer", "read"), created_at=1.0
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with prices, a key, a snapshot and 500 requests."""
    path = tmp_path / "store.db"
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    queries.add_key(engine, KEY)
    queries.set_meta(engine, "seed", "7")
    keep(engine, [*QUOTES, *(outcome(n) for n in range(500)), StateSnapshot(START, b"state")])
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def overwrite(path: Path, start: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * size)


def page_of(path: Path, table: str) -> int:
    """Where the root page of a table or an index begins."""
    with sqlite3.connect(path) as store:
        query = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,) = store.execute(query, (table,)).fetchone()
        (size,) = store.execute("PRAGMA page_size").fetchone()
    store.close()
    return int((page - 1) * size)


def test_a_sound_file_stays_where_it_is(path: Path, tmp_path: Path) -> None:
    assert set_aside_if_corrupt(url_of(path), STAMP) is None
    assert set_aside_if_corrupt(url_of(tmp_path / "none.db"), STAMP) is None
    assert set_aside_if_corrupt("postgresql://localhost/x", STAMP) is None
    assert path.exists()


def test_a_locked_file_is_not_taken_for_a_corrupt_one(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert set_aside_if_corrupt(url_of(path), STAMP) is None
    other.close()


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(
            b"not a database at all, but long enough to look like one" * 9
        ),
        lambda path: overwrite(path, 0, 100),
        lambda path: overwrite(path, page_of(path, "request"), 2000),
        lambda path: overwrite(path, page_of(path, "request_at"), 2000),
        lambda path: path.write_bytes(path.read_bytes()[:-8192]),
    ],
    ids=["text", "header", "table", "index", "cut short"],
)
def test_a_corrupt_file_is_set_aside_and_the_store_starts_anew(path: Path, harm) -> None:
    harm(path)
    aside = set_aside_if_corrupt(url_of(path), STAMP)
    assert aside == path.with_name(f"store.db.corrupt-{STAMP}")
    assert aside.exists()
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    keep(engine, [outcome(1)])
    assert queries.decision(engine, "d1") == outcome(1)
    engine.dispose()


def test_the_log_of_a_corrupt_file_goes_with_it(path: Path) -> None:
    log = path.with_name("store.db-wal")
    log.write_bytes(b"log")
    overwrite(path, 0, 100)
    aside = set_aside_if_corrupt(url_of(path), STAMP)
    assert aside is not None
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"log"
    assert not log.exists()


def test_a_large_file_is_checked_at_the_ends_of_its_tables(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(MAX_CHECKED_BYTES + 4096)
    assert set_aside_if_corrupt(url_of(path), STAMP) is None
    overwrite(path, page_of(path, "feedback"), 2000)
    assert set_aside_if_corrupt(url_of(path), STAMP) is not None


def test_keys_prices_and_the_last_state_are_carried_over(path: Path) -> None:
    overwrite(path, page_of(path, "request"), 2000)
    before = position_of_snapshot(path)
    aside = set_aside_if_corrupt(url_of(path), STAMP)
    assert aside is not None
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    rescued = rescue(aside, engine)
    carried = {name: rows for name, rows in rescued.rows.items() if rows}
    assert carried == {
        **{"virtual_key": 1, "meta": 1, "quote": 2, "snapshot": 1, "series": 3, "shape": 1},
        **dict.fromkeys(("request_sums", "call_sums"), SPANS_OF_500_S),
        "delay_sums": 2,  # the hour and the day
    }
    assert rescued.lost["request"] == 500
    assert queries.report(engine, since=0, by=())[0]["requests"] == 500
    assert queries.keys(engine) == [KEY]
    assert queries.meta(engine, "seed") == "7"
    assert queries.all_quotes(engine) == QUOTES
    assert queries.latest_snapshot(engine) == (before, StateSnapshot(START, b"state"))
    keep(engine, [outcome(1)])
    assert last_position(engine) == before + 1
    assert list(queries.tail(engine, before)) == [outcome(1)]
    engine.dispose()


def position_of_snapshot(path: Path) -> int:
    engine = open_engine(url_of(path))
    found = queries.latest_snapshot(engine)
    engine.dispose()
    assert found is not None
    return found[0]


def test_of_a_file_that_is_no_database_nothing_is_carried_over(path: Path) -> None:
    path.write_bytes(b"\x00" * 5000)
    aside = set_aside_if_corrupt(url_of(path), STAMP)
    assert aside is not None
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    assert set(rescue(aside, engine).rows.values()) == {0}
    keep(engine, [outcome(1, cost_usd=Decimal(1))])
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


def page_holding(path: Path, word: bytes, *, after: float = 0.5) -> int:
    """Where a page begins that holds this word, from a part of the file on."""
    raw = path.read_bytes()
    at = raw.index(word, int(len(raw) * after))
    return at - at % 4096


@pytest.mark.parametrize("size", [4096, 8192])
def test_pages_damaged_amid_the_decisions_cost_those_that_stood_there(
    path: Path, size: int
) -> None:
    overwrite(path, page_holding(path, b"d250", after=0), size)
    aside = set_aside_if_corrupt(url_of(path), STAMP)
    assert aside is not None
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    rescued = rescue(aside, engine)
    lost = rescued.lost["request"]
    assert lost is not None
    assert 0 < lost <= 80 * size // 4096
    assert rescued.rows["request"] == 500 - lost
    found = [n for n in range(500) if queries.decision(engine, f"d{n}") == outcome(n)]
    assert len(found) == 500 - lost
    engine.dispose()


def with_log(path: Path, count: int) -> None:
    """A store whose last requests stand in its log only, as after a kill."""
    engine = open_engine(url_of(path))
    with engine.connect() as hold:
        hold.exec_driver_sql("PRAGMA wal_autocheckpoint=0")
        hold.exec_driver_sql("BEGIN")
        hold.exec_driver_sql("SELECT count(*) FROM request").scalar()
        for n in range(500, 500 + count):
            keep(engine, [outcome(n)])
        for name in ("store.db", "store.db-wal"):
            kept = path.with_name(name)
            kept.with_name("killed-" + name).write_bytes(kept.read_bytes())
    engine.dispose()
    for name in ("store.db", "store.db-wal"):
        path.with_name("killed-" + name).rename(path.with_name(name))
    path.with_name("store.db-shm").unlink(missing_ok=True)


LOG_HARM = {
    "its header": (0, 16),
    "the first page": (32 + 24 + 1000, 100),
    "a page in the middle": (32 + 40 * 4120 + 2000, 100),
    "the head of a page": (32 + 40 * 4120, 24),
    "many pages": (32 + 40 * 4120, 4120 * 5),
}


@pytest.mark.parametrize("kind", LOG_HARM)
def test_what_stands_behind_the_damage_of_a_log_is_found(path: Path, kind: str) -> None:
    with_log(path, 60)
    overwrite(path.with_name("store.db-wal"), *LOG_HARM[kind])
    aside = set_aside_if_corrupt(url_of(path), STAMP, is_ours=True)
    assert aside is not None
    engine = open_engine(url_of(path))
    upgrade_engine(engine)
    rescued = rescue(aside, engine)
    assert rescued.frames > 0
    assert rescued.rows["request"] >= 540
    assert queries.decision(engine, "d559") == outcome(559)
    engine.dispose()


def test_a_sound_log_and_one_that_ends_amid_a_write_are_left_alone(path: Path) -> None:
    with_log(path, 20)
    log = path.with_name("store.db-wal")
    whole, killed = log.read_bytes(), path.read_bytes()
    for raw in (whole, whole[:-3000], whole + whole[-4120:-2000]):
        log.write_bytes(raw)
        path.write_bytes(killed)  # whoever looked brought the log into it
        assert set_aside_if_corrupt(url_of(path), STAMP, is_ours=True) is None
        log.write_bytes(whole)


def test_a_log_that_another_process_writes_is_not_looked_at(path: Path) -> None:
    with_log(path, 20)
    overwrite(path.with_name("store.db-wal"), 32 + 10 * 4120 + 2000, 100)
    assert set_aside_if_corrupt(url_of(path), STAMP) is None
