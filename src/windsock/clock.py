"""Wall time as an argument: the one place that asks the machine for it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time of day, and the time that has passed."""

    def now(self) -> float:
        """Unix seconds, UTC."""
        ...

    def elapsed(self) -> float:
        """Seconds that never step back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clocks, without a function of ours between: a request asks ten times."""

    now = staticmethod(time.time)
    elapsed = staticmethod(time.monotonic)


class ManualClock:
    """A clock that moves when told, and never back."""

    def __init__(self, start_at: float = 0.0) -> None:
        self._now = start_at

    def now(self) -> float:
        """Seconds, as it was last told."""
        return self._now

    def elapsed(self) -> float:
        """The same."""
        return self._now

    def advance_to(self, at: float) -> None:
        """Raises ValueError if `at` lies in the past."""
        if at < self._now:
            raise ValueError(f"the clock stands at {self._now} and cannot go back to {at}")
        self._now = at
