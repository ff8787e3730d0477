"""One process at a time writes to a store. Its lock goes when it dies, however it dies."""

from __future__ import annotations

import os

from sqlalchemy import Connection, text

from windsock.errors import ConfigError
from windsock.store.recovery import sqlite_path

ADVISORY = int.from_bytes(b"windsock")
"""Name of the lock among PostgreSQL's advisory locks, which are per database."""


class StoreTaken(ConfigError):
    """Another process has the store."""

    def __init__(self, store: str) -> None:
        super().__init__(
            f"another windsock uses the store {store}; stop it, or give this one a store.url "
            "of its own"
        )


class WriterLock:
    """The right to write: a locked file beside SQLite's, a session's lock in PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._path = sqlite_path(url)
        self._file: int | None = None

    def acquire(self) -> None:
        """Raises StoreTaken. PostgreSQL's lock is a session's: see `acquire_on`."""
        if self._path is None or not self._path.absolute().parent.is_dir():
            return
        try:
            name = self._path.with_name(self._path.name + ".lock")
            self._file = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # a folder that cannot be written to: nothing to guard
            return
        if not _locked(self._file):
            self.release()
            raise StoreTaken(str(self._path))

    def acquire_on(self, connection: Connection) -> None:
        """For as long as this connection lives; raises StoreTaken."""
        if connection.dialect.name != "postgresql":
            return
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:k)"), {"k": ADVISORY})
        is_mine = bool(taken.scalar())
        connection.rollback()
        if not is_mine:
            raise StoreTaken(str(connection.engine.url.database))

    def release(self) -> None:
        """Let others write; SQLite's only, the other ends with its session."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int) -> bool:
    """Whether the lock is ours now; where there are no such locks, it is."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no locks
        return True
    return True
