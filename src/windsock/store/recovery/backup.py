"""A whole copy of a SQLite store, made while it is written to."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from windsock.errors import ConfigError, StoreError
from windsock.store.recovery.set_aside import sqlite_path

PAGES_AT_ONCE = 1024
"""Between which writers have their turn."""


def back_up(url: str, to: Path) -> int:
    """Copy the store as of one moment; how many pages it has, all of which were read again.

    raises  ConfigError if it is no SQLite store or `to` is there, StoreError if the copy failed
    """
    path = sqlite_path(url)
    if path is None:
        raise ConfigError("only SQLite stores are copied so; use pg_dump for PostgreSQL")
    if not path.is_file():
        raise ConfigError(f"there is no store at {path}; check store.url")
    try:
        os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise ConfigError(f"{to} cannot be written: {error.strerror}; name a new file") from error
    try:
        return _copied(path, to)
    except sqlite3.Error as error:
        to.unlink(missing_ok=True)
        raise StoreError(f"the store could not be copied: {error}") from error


def _copied(path: Path, to: Path) -> int:
    source = f"{path.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(source, uri=True, timeout=10)) as store,
        contextlib.closing(sqlite3.connect(to)) as copy,
    ):
        store.backup(copy, pages=PAGES_AT_ONCE)
        if (found := copy.execute("PRAGMA quick_check(1)").fetchone()) != ("ok",):
            raise sqlite3.DatabaseError(str(found[0]))
        return int(copy.execute("PRAGMA page_count").fetchone()[0])
