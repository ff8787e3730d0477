"""Batches of entries into the database, each exactly once and in order."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlmodel import SQLModel

from windsock.store.compact.intake import Intake
from windsock.store.compact.tables import NameRow
from windsock.store.compact.transactions import begin_alone
from windsock.store.recovery.opened_file import FileGone, OpenedFile
from windsock.store.replicas.lease import keeps
from windsock.store.replicas.tables import DeltaRow
from windsock.store.replicas.waking import wake
from windsock.store.rows import Entry, Tables
from windsock.store.tables import FeedbackRow, SnapshotRow, WriterRow
from windsock.store.writing.batch import Batch, batch_of
from windsock.store.writing.writer_lock import WriterLock

MAX_SNAPSHOTS = 3
"""Snapshots kept; older ones go when a new one comes."""

MAX_WRITERS = 16
"""Processes whose last batch is remembered."""

ONCE = (FeedbackRow, NameRow, DeltaRow)
_writer = WriterRow.__table__  # type: ignore[attr-defined]
_snapshot = SnapshotRow.__table__  # type: ignore[attr-defined]

REACHED = select(
    select(_writer.c.batch).where(_writer.c.id == bindparam("writer")).scalar_subquery(),
    select(func.max(_writer.c.position)).scalar_subquery(),
)
ADVANCE = (
    update(_writer)
    .where(_writer.c.id == bindparam("writer"))
    .values(batch=bindparam("number"), position=bindparam("last"))
)
"""Composed once: a batch of a quarter of a second holds few entries."""

BAD_ROW: tuple[type[Exception], ...] = (
    UnicodeError,
    OverflowError,
    ValueError,
    TypeError,
    IntegrityError,
    DataError,
)
"""What a record that fits no row raises, as against a store that is away."""

BAD_ROWS: dict[str, tuple[type[Exception], ...]] = {
    "sqlite": (*BAD_ROW, InterfaceError, ProgrammingError),
    "postgresql": BAD_ROW,
}
"""The same with what the driver of a database raises."""

Rows = list[dict[str, Any]]


class Writer:
    """Writes batches over a connection of its own, one transaction each.

    A batch whose commit was not confirmed is found again by its number, so that writing it
    once more does not double it.

    prepare     brings the schema up to date: before the first batch, if it is not, and before the
                next where the file of a SQLite store has become another
    is_prepared it is up to date
    lock        keeps other processes out
    """

    def __init__(
        self,
        engine: Engine,
        *,
        prepare: Callable[[], None] | None = None,
        is_prepared: bool = False,
        lock: WriterLock | None = None,
    ) -> None:
        self._engine = engine
        self._prepare = prepare
        self._is_prepared = is_prepared
        self._file = OpenedFile(engine)
        self._writer_lock = lock
        self._connection: Connection | None = None
        self._id = secrets.token_hex(8)
        self._batch = 0
        self._inserts: dict[type[SQLModel], _Insert] = {}
        self._intake = Intake()

    def write(self, entries: Sequence[Entry | None]) -> int:
        """How many of them could not be put in a row and were given up.

        raises  SQLAlchemyError or OSError if the store would not take the batch; it may be tried
                again, unchanged
        """
        if self._prepare is not None and not self._is_prepared:
            self._prepare()
            self._is_prepared = True
        batch = batch_of(entries)
        try:
            self._file.check()
            connection = self.connect()
            lost = batch.lost + self._commit(connection, batch, len(entries))
        except BaseException as error:
            self._is_prepared = self._is_prepared and not isinstance(error, FileGone)
            self._intake.forget()
            self.close()
            raise
        self._batch += 1
        return lost

    def close(self) -> None:
        """Let go of the connection, broken or not; the next batch makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _quietly(connection.close)

    def connect(self) -> Connection:
        """The connection, made if there is none; raises StoreTaken and what the driver raises."""
        if self._connection is None:
            self._connection = self._engine.connect()
            self._file.note()
            if self._writer_lock is not None:
                self._acquire(self._writer_lock, self._connection)
        return self._connection

    def _acquire(self, lock: WriterLock, connection: Connection) -> None:
        """The lock is the session's: the connection must not go back to the pool alive."""
        connection.detach()
        try:
            lock.acquire_on(connection)
        except BaseException:
            self.close()
            raise

    def _commit(self, connection: Connection, batch: Batch, size: int) -> int:
        begin_alone(connection)
        mine, base = connection.execute(REACHED, {"writer": self._id}).one()
        if mine == self._batch:
            connection.rollback()
            return 0
        lost = self._insert(connection, _fenced(connection, batch), base or 0)
        self._intake.add(connection, batch.taken, batch.tally)
        self._advance(connection, (base or 0) + size, is_new=mine is None)
        connection.commit()
        return lost

    def _insert(self, connection: Connection, tables: Tables, base: int) -> int:
        for row in chain.from_iterable(tables.values()):
            row["position"] += base
        self._intake.number(connection, tables)
        parts = [(self._insert_into(table), found) for table, found in tables.items()]
        lost = (
            0 if _take(connection, parts) else sum(_given_up(connection, *each) for each in parts)
        )
        if SnapshotRow in tables:
            _drop_old_snapshots(connection)
        if DeltaRow in tables:
            wake(connection)
        return lost

    def _insert_into(self, table: type[SQLModel]) -> _Insert:
        if table not in self._inserts:
            self._inserts[table] = _Insert(table, self._engine)
        return self._inserts[table]

    def _advance(self, connection: Connection, position: int, *, is_new: bool) -> None:
        if not is_new:
            moved = {"writer": self._id, "number": self._batch, "last": position}
            connection.execute(ADVANCE, moved)
            return
        row = {"id": self._id, "batch": self._batch, "position": position}
        connection.execute(insert(_writer).values(row))
        newest = select(_writer.c.id).order_by(_writer.c.position.desc()).limit(MAX_WRITERS)
        connection.execute(delete(_writer).where(_writer.c.id.not_in(newest)))


class _Insert:
    """The insert of one table, compiled once and handed to the driver as it is."""

    def __init__(self, table: type[SQLModel], engine: Engine) -> None:
        dialect = engine.dialect
        own = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect.name]
        statement: Any = own(table)
        if table in ONCE:
            statement = statement.on_conflict_do_nothing()
        compiled: Any = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._shape = itemgetter(*compiled.positiontup) if compiled.positional else dict

    def __call__(self, connection: Connection, rows: Rows) -> None:
        connection.exec_driver_sql(self._sql, [self._shape(row) for row in rows])


def _take(connection: Connection, parts: Iterable[tuple[_Insert, Rows]]) -> bool:
    """Whether these rows could be inserted; none of them is otherwise."""
    connection.exec_driver_sql("SAVEPOINT part")
    try:
        for insert_rows, rows in parts:
            insert_rows(connection, rows)
    except BAD_ROWS[connection.dialect.name]:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
        return False
    connection.exec_driver_sql("RELEASE SAVEPOINT part")
    return True


def _given_up(connection: Connection, insert_rows: _Insert, rows: Rows) -> int:
    """How many of the rows of a table could not be inserted."""
    if _take(connection, [(insert_rows, rows)]):
        return 0
    return sum(
        not _take(connection, [(insert_rows, [row])])
        and not _take(connection, [(insert_rows, [_cleaned(row)])])
        for row in rows
    )


def _fenced(connection: Connection, batch: Batch) -> Tables:
    """Without the rows of one that led when it made them and does not any more."""
    over = {lease for lease in set(batch.led.values()) if not keeps(connection, lease)}
    return batch.without({n for n, lease in batch.led.items() if lease in over}).tables


def _drop_old_snapshots(connection: Connection) -> None:
    newest = select(_snapshot.c.position).order_by(_snapshot.c.position.desc()).limit(MAX_SNAPSHOTS)
    connection.execute(delete(_snapshot).where(_snapshot.c.position.not_in(newest)))


def _cleaned(row: dict[str, Any]) -> dict[str, Any]:
    """Without characters that a database refuses."""
    return {
        name: value.replace("\x00", "\ufffd").encode(errors="replace").decode()
        if isinstance(value, str)
        else value
        for name, value in row.items()
    }


def _quietly(close: Callable[[], None]) -> None:
    try:
        close()
    except (SQLAlchemyError, OSError):
        return
