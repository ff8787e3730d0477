"""A corrupt SQLite file, or log: noticed at start and set aside whole."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from windsock.store.recovery.write_ahead_log import damage_of

MAGIC = b"SQLite format 3\x00"
MAX_CHECKED_BYTES = 1024 * 1024 * 1024
"""Files up to this size are checked whole; of larger ones both ends of every table."""

SET_ASIDE = ".corrupt-"
"""Between the name of a broken file that was set aside, and when."""


def set_aside_if_corrupt(url: str, stamp: str, *, is_ours: bool = False) -> Path | None:
    """Rename a SQLite file that is broken, with its log; where it went, or None if it is sound.

    A file that cannot be opened now (locked, no right to) is left alone.

    is_ours     nobody writes to it: then its log is looked at too, of which SQLite would leave out
                what stands behind a damaged page without a word
    """
    path = sqlite_path(url)
    if path is None or not path.is_file():
        return None
    # The log first: whoever opens the file may clear it away.
    if not (is_ours and damage_of(path)) and not _is_corrupt(path):
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
    except (SQLAlchemyError, ValueError):
        return None
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return None
    name = parsed.database.removeprefix("file:")
    return None if name.startswith(":memory:") else Path(name)


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
