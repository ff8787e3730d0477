"""One process at a time writes to a store. Its lock goes when it dies, however it dies."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, text

from windsock.errors import ConfigError
from windsock.store.recovery.set_aside import sqlite_path

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
    """The right to write: SQLite's file and one beside it locked, a session's lock in PostgreSQL.

    The file itself is the same one under every name and link; the one beside it also guards a
    store that is not there yet, or was set aside. flock and SQLite's own locks do not meet.

    is_shared   others that share it may write as well, one that does not may not (PostgreSQL)
    """

    def __init__(self, url: str, *, is_shared: bool = False) -> None:
        self._take_lock = "pg_try_advisory_lock_shared" if is_shared else "pg_try_advisory_lock"
        path = sqlite_path(url)
        self._path = None if path is None else path.resolve()
        self._files: list[int] = []

    def acquire(self) -> None:
        """Raises StoreTaken. PostgreSQL's lock is a session's: see `acquire_on`."""
        if self._path is None or not self._path.parent.is_dir():
            return
        self._take(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT)
        self.acquire_file()

    def acquire_file(self) -> None:
        """Once more when the store is open: it may be another file, or there for the first time.

        raises  StoreTaken
        """
        if self._path is not None and not any(map(self._is_store, self._files)):
            self._take(self._path, os.O_RDWR)

    def _take(self, path: Path, flags: int) -> None:
        try:
            file = os.open(path, flags, 0o600)
        except OSError:  # not there, or in a folder that cannot be written to: nothing to guard
            return
        self._files.append(file)
        if not _locked(file):
            self.release()
            raise StoreTaken(str(self._path))

    def _is_store(self, file: int) -> bool:
        """Whether this open file is what the store's name stands for now."""
        try:
            return self._path is not None and os.path.samestat(os.fstat(file), self._path.stat())
        except OSError:
            return False

    def acquire_on(self, connection: Connection) -> None:
        """For as long as this connection lives; of SQLite, of the file that is there now.

        raises  StoreTaken
        """
        if connection.dialect.name != "postgresql":
            self.acquire_file()
            return
        taken = connection.execute(text(f"SELECT {self._take_lock}(:k)"), {"k": ADVISORY})
        is_mine = bool(taken.scalar())
        connection.rollback()
        if not is_mine:
            raise StoreTaken(str(connection.engine.url.database))

    def release(self) -> None:
        """Let others write; SQLite's only, the other ends with its session."""
        while self._files:
            os.close(self._files.pop())


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
