"""Replicas of two versions on one database: a revision adds, so that the code before it goes on."""

import gzip
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData, text

from tests.builders import START
from tests.store.conftest import Postgres
from tests.store.samples import keep, outcome
from windsock.errors import ConfigError, StoreError
from windsock.store import migrations, queries
from windsock.store.compact.conversion import Conversion
from windsock.store.engine import open_engine
from windsock.store.migrations import HEAD, revision_of, upgrade, upgrade_engine

DATA = Path(__file__).parent / "data" / "every"
STORES = json.loads((DATA / "stores.json").read_text())
REVISIONS = [f"{number:04}" for number in range(1, int(HEAD) + 1)]
OF_REVISION = {e["revision"]: name for name, e in STORES.items() if e["revision"] != "0003"}
"""The newest store that we have of each revision before this one; that of 0003 is one of those that
were called so and were none (rev_0004)."""


def schema(of: Engine | Connection) -> MetaData:
    found = MetaData()
    found.reflect(of)
    return found


def taken_away(before: MetaData, after: MetaData) -> list[str]:
    """What code that knows `before` would miss or be refused in `after`."""
    found = [name for name in before.tables if name not in after.tables]
    for name in before.tables.keys() & after.tables.keys():
        found += [f"{name}.{each}" for each in _columns(before.tables[name], after.tables[name])]
        found += _unique(after.tables[name]) - _unique(before.tables[name])
    return found


def _columns(before: sa.Table, after: sa.Table) -> Iterator[str]:
    for column in before.columns:
        kept = after.columns.get(column.name)
        if kept is None or str(kept.type) != str(column.type) or (
            column.nullable and not kept.nullable
        ):  # fmt: skip
            yield column.name
    for column in after.columns:
        if column.name not in before.columns and not column.nullable and not column.server_default:
            yield column.name


def _unique(table: sa.Table) -> set[str]:
    """Names of indexes and constraints that may refuse a row."""
    indexes = {f"{table.name}: {each.name}" for each in table.indexes if each.unique}
    kinds = (sa.UniqueConstraint, sa.CheckConstraint, sa.ForeignKeyConstraint)
    return indexes | {f"{table.name}: {c.name}" for c in table.constraints if isinstance(c, kinds)}


def test_every_revision_since_the_second_only_adds(url: str) -> None:
    upgrade(url, REVISIONS[1])
    engine = open_engine(url)
    before = schema(engine)
    for revision in REVISIONS[2:]:
        upgrade_engine(engine, revision)
        after = schema(engine)
        if revision[0] == HEAD[0]:
            assert taken_away(before, after) == [], revision
        before = after
    engine.dispose()


CHANGES = {
    "DROP TABLE held": "held",
    "ALTER TABLE held RENAME TO kept": "held",
    "ALTER TABLE held DROP COLUMN reason": "held.reason",
    "ALTER TABLE held RENAME COLUMN reason TO why": "held.reason",
    "ALTER TABLE held ADD COLUMN why VARCHAR NOT NULL": "held.why",
    "ALTER TABLE held ALTER COLUMN seen_at TYPE INTEGER": "held.seen_at",
    "ALTER TABLE virtual_key ALTER COLUMN rpm SET NOT NULL": "virtual_key.rpm",
    "CREATE UNIQUE INDEX one_source ON held (source)": "held: one_source",
    "ALTER TABLE held ADD CONSTRAINT short CHECK (length(reason) < 9)": "held: short",
}


def test_a_change_that_takes_away_is_seen(postgres: Postgres) -> None:
    url = postgres.new_database()
    upgrade(url)
    engine = open_engine(url)
    before = schema(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE held ADD COLUMN more VARCHAR"))
        connection.execute(text("ALTER TABLE held ADD COLUMN ever VARCHAR NOT NULL DEFAULT ''"))
        connection.execute(text("CREATE INDEX any_number ON held (source, reason)"))
    assert taken_away(before, schema(engine)) == [], "these only add"
    for change, seen in CHANGES.items():
        with engine.connect() as connection:
            connection.execute(text(change))
            assert seen in taken_away(before, schema(connection)), change
            connection.rollback()
    engine.dispose()


@pytest.fixture(params=sorted(OF_REVISION))
def old_rows(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, dict[str, list[Any]]]:
    """(revision, rows by table), as the code of then has written them; not what a revision did."""
    revision = str(request.param)
    file = tmp_path / "old.db"
    file.write_bytes(gzip.decompress((DATA / f"{OF_REVISION[revision]}.db.gz").read_bytes()))
    with sqlite3.connect(file) as store:
        store.row_factory = sqlite3.Row
        names = [
            row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {
            name: [dict(row) for row in store.execute(f"SELECT * FROM {name}")] for name in names
        }
    store.close()
    rows["writer"] = [row for row in rows.get("writer", []) if row["id"] != "0001"]
    return revision, {k: v for k, v in rows.items() if k != "alembic_version" and v}


def put(engine: Engine, rows: dict[str, list[Any]]) -> None:
    """With the columns of then, and no others."""
    tables = schema(engine).tables
    with engine.begin() as connection:
        for name, found in rows.items():
            connection.execute(
                sa.insert(tables[name]), [_typed(tables[name], row) for row in found]
            )


def _typed(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite has 0 and 1 where others have booleans."""
    are = {name for name in row if isinstance(table.columns[name].type, sa.Boolean)}
    return {k: bool(v) if k in are and v is not None else v for k, v in row.items()}


def everything(engine: Engine) -> list[Any]:
    """What reports say, and the keys."""
    conversion = Conversion(engine)
    while conversion.step():
        pass
    report = queries.report(engine, since=0.0, by=("task", "deployment"), namespace="default")
    return [sorted(map(str, report)), queries.keys(engine), queries.all_quotes(engine)]


def test_a_postgresql_of_every_revision_is_upgraded_and_keeps_what_a_file_keeps(
    old_rows: tuple[str, dict[str, list[Any]]], postgres: Postgres, tmp_path: Path
) -> None:
    revision, rows = old_rows
    told = []
    for url in (postgres.new_database(), f"sqlite:///{tmp_path}/new.db"):
        upgrade(url, revision)
        engine = open_engine(url)
        put(engine, rows)
        upgrade_engine(engine)
        told.append(everything(engine))
        engine.dispose()
    assert told[0] == told[1] and told[0][1], "the key is there"


def test_code_of_every_revision_since_the_second_writes_to_the_schema_of_today(
    old_rows: tuple[str, dict[str, list[Any]]], url: str
) -> None:
    revision, rows = old_rows
    if revision < REVISIONS[1]:
        return
    upgrade(url)
    engine = open_engine(url)
    put(engine, rows)
    assert everything(engine)[1], "the key is there"
    engine.dispose()


def test_what_is_written_during_the_upgrade_is_kept(postgres: Postgres) -> None:
    url = postgres.new_database()
    upgrade(url, "0007")
    engine = open_engine(url)
    writing, ended = threading.Event(), threading.Event()
    written: list[int] = []

    def write() -> None:
        while not ended.is_set() or not written:
            with engine.begin() as connection:
                values = {"position": len(written) + 1, "at": START}
                connection.execute(
                    text("INSERT INTO health (position, subject, source, state, seen_at, body) "
                         "VALUES (:position, 'a/m', 'x', 'up', :at, '{}')"), values,
                )  # fmt: skip
            written.append(1)
            writing.set()

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(20)
    upgrade(url)
    ended.set()
    thread.join()
    with engine.connect() as connection:
        assert revision_of(connection) == HEAD
        assert connection.execute(text("SELECT count(*) FROM health")).scalar() == len(written)
    engine.dispose()


def test_replicas_that_start_at_once_upgrade_once(url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            upgrade(url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    engine = open_engine(url)
    keep(engine, [outcome(1)])
    assert queries.decision(engine, "d1") == outcome(1)
    engine.dispose()


def test_an_upgrade_does_not_keep_others_waiting_for_a_table_in_use(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "100ms")
    url = postgres.new_database()
    upgrade(url, "0007")
    engine = open_engine(url)
    with engine.connect() as busy:
        busy.execute(text("SELECT count(*) FROM uncalled"))
        with pytest.raises(StoreError, match="lock timeout"):
            upgrade(url)
        assert revision_of(busy) == "0007"
    upgrade(url)
    engine.dispose()


def a_store_of(revision: str, url: str) -> Engine:
    upgrade(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    return engine


def test_code_goes_on_where_a_later_version_has_only_added(url: str) -> None:
    engine = a_store_of(f"{HEAD[0]}999", url)
    upgrade_engine(engine)
    keep(engine, [outcome(1)])
    assert queries.decision(engine, "d1") == outcome(1)
    with engine.connect() as connection:
        assert revision_of(connection) == f"{HEAD[0]}999"
    engine.dispose()


def test_code_stops_where_a_later_version_has_taken_away(url: str) -> None:
    engine = a_store_of(f"{int(HEAD[0]) + 1}001", url)
    with pytest.raises(ConfigError, match="of a later windsock"):
        upgrade_engine(engine)
    engine.dispose()
