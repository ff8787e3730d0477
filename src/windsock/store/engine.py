"""Opening the database; setting a corrupt file aside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool

from windsock.errors import ConfigError


def open_engine(url: str) -> Engine:
    """An engine with WAL and a patient lock on SQLite; raises ConfigError on a bad URL."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
        engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": 5})
    except Exception as error:
        raise ConfigError(f"store.url {url.split('@')[-1]!r} cannot be opened: {error}") from error
    event.listen(engine, "connect", _tune)
    return engine


def sqlite_path(url: str) -> Path | None:
    """The file behind a SQLite URL, or None."""
    parsed = make_url(url)
    if (
        parsed.get_backend_name() != "sqlite"
        or not parsed.database
        or parsed.database == ":memory:"
    ):
        return None
    return Path(parsed.database)


def set_aside_if_corrupt(url: str, stamp: str) -> Path | None:
    """Rename a SQLite file that is no database; where it went, or None if it is sound."""
    path = sqlite_path(url)
    if path is None or not path.exists():
        return None
    try:
        connection = sqlite3.connect(path, timeout=5)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError:
        aside = path.with_name(f"{path.name}.corrupt-{stamp}")
        path.rename(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return aside
    return None


def _tune(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.close()
