"""How far each run of a sweep is, and the word to stop: a few numbers that processes share."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

DONE, TOTAL = 0, 1


@dataclass(frozen=True, slots=True)
class Board:
    """One row a run: steps done and steps in all. Row 0 says in its first column to stop.

    On a machine that does not share the file nothing is told, and nothing is lost but the news.
    """

    path: Path
    runs: int
    owner: int

    @classmethod
    @contextlib.contextmanager
    def opened(cls, runs: int) -> Iterator[Board]:
        """A board of so many runs, in a file that goes with the block."""
        with tempfile.TemporaryDirectory(prefix="windsock-") as folder:
            path = Path(folder) / "board"
            path.write_bytes(bytes(16 * (runs + 1)))
            yield cls(path, runs, os.getpid())

    def rows(self) -> Any:
        """(runs + 1, 2) of int64, shared."""
        shape = (self.runs + 1, 2)
        if not self.path.is_file():
            return np.zeros(shape, dtype=np.int64)
        return np.memmap(self.path, dtype=np.int64, mode="r+", shape=shape)

    def news(self, run: int) -> News:
        """For the process that makes the run; Ctrl-C is then for the owner alone to handle."""
        is_child = os.getpid() != self.owner
        if is_child and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return News(self.rows(), run + 1)

    @contextlib.contextmanager
    def stops_on_interrupt(self) -> Iterator[None]:
        """The first Ctrl-C lets every run end where it is, the second ends at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        rows = self.rows()

        def stop(number: int, frame: FrameType | None) -> None:
            rows[0, DONE] = 1
            signal.signal(signal.SIGINT, before)

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class News:
    """What one run tells the board."""

    def __init__(self, rows: Any, row: int) -> None:
        self._rows = rows
        self._row = row

    @property
    def is_stopped(self) -> bool:
        """True if the sweep was told to end."""
        return bool(self._rows[0, DONE])

    def begin(self, total: int) -> None:
        """The run will take `total` steps."""
        self._rows[self._row, TOTAL] = total

    def __call__(self, done: int) -> None:
        """Raises KeyboardInterrupt if the owner wants the run to end here."""
        self._rows[self._row, DONE] += done
        if self._rows[0, DONE]:
            raise KeyboardInterrupt
