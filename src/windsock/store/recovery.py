"""A corrupt SQLite file: noticed at start, set aside whole, and what is readable carried over."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from windsock.store.tables import HeldRow, KeyRow, MetaRow, QuoteRow, SnapshotRow, WriterRow

MAGIC = b"SQLite format 3\x00"
MAX_CHECKED_BYTES = 1024 * 1024 * 1024
"""Files up to this size are checked whole; of larger ones both ends of every table."""

SET_ASIDE = ".corrupt-"
"""Between the name of a broken file that was set aside, and when."""

CARRIED: dict[type[SQLModel], str] = {
    KeyRow: "rowid",
    MetaRow: "rowid",
    QuoteRow: "rowid",
    HeldRow: "rowid",
    SnapshotRow: "position DESC LIMIT 1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescued:
    """Rows carried over, by table."""

    rows: dict[str, int]


def set_aside_if_corrupt(url: str, stamp: str) -> Path | None:
    """Rename a SQLite file that is broken, with its log; where it went, or None if it is sound.

    A file that cannot be opened now (locked, no right to) is left alone.
    """
    path = sqlite_path(url)
    if path is None or not path.is_file() or not _is_corrupt(path):
        return None
    aside = path.with_name(f"{path.name}{SET_ASIDE}{stamp}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        log = path.with_name(path.name + suffix)
        if log.exists():
            log.rename(aside.with_name(aside.name + suffix))
    return aside


def sqlite_path(url: str) -> Path | None:
    """The file behind a SQLite URL, or None."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError:
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    name = parsed.database.removeprefix("file:")
    return None if name.startswith(":memory:") else Path(name)


def rescue(aside: Path, engine: Engine) -> Rescued:
    """Carry keys, prices, settings and the last snapshot of a broken file into a new store."""
    rows: dict[str, int] = {}
    position = 0
    with contextlib.closing(sqlite3.connect(aside, timeout=5)) as broken:
        broken.row_factory = sqlite3.Row
        for table, order in CARRIED.items():
            taken = [row for row in _readable(broken, table, order) if _carry(table, row, engine)]
            rows[str(table.__tablename__)] = len(taken)
            position = max([position, *(row.get("position", 0) for row in taken)])
    with engine.begin() as connection:
        connection.execute(insert(WriterRow).values(id="rescue", batch=0, position=position))
    return Rescued(rows=rows)


def _is_corrupt(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.read(100)
    if not header:
        return False
    if not header.startswith(MAGIC) or _is_cut_short(path, header):
        return True
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as connection:
            return not _looks_sound(connection, whole=path.stat().st_size <= MAX_CHECKED_BYTES)
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True


def _is_cut_short(path: Path, header: bytes) -> bool:
    """Fewer bytes than the header promises, and no log that could hold the rest."""
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return False
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    return pages * (65536 if page == 1 else page) > path.stat().st_size


def _looks_sound(connection: sqlite3.Connection, *, whole: bool) -> bool:
    if whole:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        for order in ("ASC", "DESC"):
            connection.execute(f'SELECT * FROM "{name}" ORDER BY 1 {order} LIMIT 1').fetchall()  # noqa: S608
    return True


def _readable(
    broken: sqlite3.Connection, table: type[SQLModel], order: str
) -> Iterator[dict[str, Any]]:
    """Rows up to the first that cannot be read."""
    known = set(table.__table__.c.keys())  # type: ignore[attr-defined]
    name = table.__tablename__
    with contextlib.suppress(sqlite3.Error):
        for row in broken.execute(f"SELECT * FROM {name} ORDER BY {order}"):  # noqa: S608
            yield {column: row[column] for column in row.keys() if column in known}  # noqa: SIM118


def _carry(table: type[SQLModel], row: dict[str, Any], engine: Engine) -> bool:
    try:
        with engine.begin() as connection:
            connection.execute(insert(table).values(**row))
    except SQLAlchemyError:
        return False
    return True
