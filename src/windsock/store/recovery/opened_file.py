"""A SQLite store that is deleted or replaced while it is written to."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from stat import S_IMODE

from sqlalchemy import Engine

from windsock.store.recovery.set_aside import sqlite_path


class FileGone(OSError):
    """What is written would be lost with the last process that has the old file open."""


class OpenedFile:
    """The file that a connection writes to; of other databases nothing is asked."""

    def __init__(self, engine: Engine) -> None:
        self._path = sqlite_path(engine.url.render_as_string())
        self._opened: os.stat_result | None = None
        self._mode: int | None = None
        self._is_gone = False

    def note(self) -> None:
        """It has just been connected to."""
        if self._is_gone:
            self._make_as_private()
        self._opened, self._is_gone = self._found(), False
        self._mode = S_IMODE(self._opened.st_mode) if self._opened else None

    def check(self) -> None:
        """Raises FileGone, once, where its name stands for another file now, or for none."""
        opened, self._opened = self._opened, None
        if opened is not None:
            found = self._found()
            self._is_gone = found is None or not os.path.samestat(opened, found)
            if self._is_gone:
                raise FileGone(
                    "the file was deleted or replaced while in use; what is there now is gone on "
                    "with, or a new one begun"
                )
            self._opened = opened

    def _make_as_private(self) -> None:
        """As the one before: whoever looked first at a new one made it, for all to read."""
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self._path}{suffix}").chmod(self._mode or 0o600)

    def _found(self) -> os.stat_result | None:
        try:
            return None if self._path is None else self._path.stat()
        except OSError:
            return None
