"""Opening the database."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from windsock.errors import ConfigError, StoreError
from windsock.store.rescue import set_aside_if_corrupt, sqlite_path

__all__ = ["open_engine", "reading", "set_aside_if_corrupt", "sqlite_path"]

WAL_LIMIT = 64 * 1024 * 1024
POSTGRES = {"connect_timeout": 5, "keepalives_idle": 10, "tcp_user_timeout": 10_000}


def open_engine(url: str) -> Engine:
    """An engine, with WAL and a patient lock on SQLite; nothing is connected yet.

    raises  ConfigError if the URL names no database that can be used
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":
            return _postgres(parsed)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
    except ImportError as error:
        raise ConfigError(
            f"store.url needs the module {error.name!r}; install windsock[postgres]"
        ) from error
    except SQLAlchemyError as error:
        raise ConfigError(f"store.url {url.split('@')[-1]!r} cannot be read: {error}") from error
    raise ConfigError(
        f"store.url: {parsed.get_backend_name()!r} is not supported; use sqlite or postgresql"
    )


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Failures of the database become StoreError, in one sentence."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(f"the store cannot be used: {cause}") from error


def _postgres(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    return create_engine(url, pool_pre_ping=True, connect_args=POSTGRES)


def _sqlite(url: URL) -> Engine:
    path = sqlite_path(url.render_as_string())
    if path is None:
        raise ConfigError("store.url: a database in memory is lost at every restart; name a file")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"store.url: the folder {path.parent} does not exist; make it")
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 5})
    event.listen(engine, "connect", _tune)
    return engine


def _tune(connection: sqlite3.Connection, _: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=5000")
    with contextlib.suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA journal_size_limit={WAL_LIMIT}")
    cursor.close()
