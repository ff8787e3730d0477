"""Ending with the process that started this one, such as make."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

LOOK_S = 0.5
"""Between two looks."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The process that started this one, as it was when this was made: make that early.

    is_catching     it handles SIGINT itself
    """

    pid: int
    is_catching: bool

    @staticmethod
    def of_now() -> Parent:
        """Who it is now."""
        pid = os.getppid()
        return Parent(pid, _catches_interrupts(pid))

    async def ended(self) -> None:
        """Return once it is gone, or was told to end.

        make that is interrupted alone, not by a terminal, waits for its children and tells them
        nothing; all that shows is that it catches the signal no more (Linux: /proc/PID/status).
        """
        while not self._is_ending():  # noqa: ASYNC110 (nothing tells of another process)
            await asyncio.sleep(LOOK_S)

    def _is_ending(self) -> bool:
        is_told = self.is_catching and not _catches_interrupts(self.pid)
        return is_told or os.getppid() != self.pid


def _catches_interrupts(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGINT; False where nobody tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    caught = status.partition("SigCgt:")[2].split(maxsplit=1)[:1]
    return bool(caught and int(caught[0], 16) >> (signal.SIGINT - 1) & 1)
