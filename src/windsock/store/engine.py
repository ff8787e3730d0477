"""Opening the database."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from windsock.errors import ConfigError
from windsock.store.compact.transactions import reading
from windsock.store.recovery.set_aside import set_aside_if_corrupt, sqlite_path

__all__ = [
    "open_engine",
    "reading",
    "set_aside_if_corrupt",
    "sqlite_path",
]

MAX_WAL_BYTES = 64 * 1024 * 1024
"""To which SQLite cuts its log at a checkpoint."""

POSTGRES = {"keepalives_idle": 10, "tcp_user_timeout": 10_000}


def open_engine(url: str, *, patience_s: float = 5.0) -> Engine:
    """An engine, with WAL on SQLite; nothing is connected yet.

    patience_s  how long to wait for another's lock (SQLite) or for a connection (PostgreSQL)

    raises  ConfigError if the URL names no database that can be used
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            return _postgres(parsed, patience_s)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed, patience_s)
    except ImportError as error:
        raise ConfigError(
            f"store.url needs the module {error.name!r}; install windsock[postgres]"
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigError(
            f"store.url ({_scheme(url)}) cannot be read; write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        ) from error
    raise ConfigError(
        f"store.url: {parsed.get_backend_name()!r} is not supported; use sqlite or postgresql"
    )


def _scheme(url: str) -> str:
    """All of an address that surely holds no secret."""
    scheme, mark, _ = url.partition("://")
    return f"{scheme}://..." if mark else "without a scheme"


def _postgres(url: URL, patience_s: float) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    arguments = {**POSTGRES, "connect_timeout": max(2, round(patience_s))}
    return create_engine(url, pool_pre_ping=True, connect_args=arguments)


def _sqlite(url: URL, patience_s: float) -> Engine:
    path = sqlite_path(url.render_as_string())
    if path is None:
        raise ConfigError("store.url: a database in memory is lost at every restart; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"store.url: the folder {path.parent} does not exist; make it")
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": patience_s})
    event.listen(engine, "connect", _tune)
    return engine


@contextlib.contextmanager
def by_one_connection(engine: Engine) -> Iterator[Engine]:
    """The same SQLite store by a connection that is kept: many small reads in half the time.

    Other databases keep theirs anyway.
    """
    if engine.dialect.name != "sqlite":
        yield engine
        return
    kept = create_engine(engine.url, poolclass=StaticPool)
    event.listen(kept, "connect", _tune)
    try:
        yield kept
    finally:
        kept.dispose()


def make_private(engine: Engine) -> None:
    """A new SQLite file is for its owner only, its log, which SQLite makes alike, with it; and it
    gives back what is freed."""
    path = sqlite_path(engine.url.render_as_string())
    if path is not None:
        with contextlib.suppress(OSError):  # it is there, or cannot be made: said when it is used
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with contextlib.closing(sqlite3.connect(path)) as new:
                new.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that it can shrink, while empty
                new.execute("VACUUM")


def _tune(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    with contextlib.suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA journal_size_limit={MAX_WAL_BYTES}")
    cursor.close()
