"""A deadline that is moved often and missed seldom."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """Like `asyncio.timeout_at`, entered again and again by one task, with `with`.

    One timer serves them all: moving the deadline later costs nothing until the timer fires.
    """

    __slots__ = ("_cancelling", "_is_over", "_loop", "_task", "_timer", "_until")

    def __init__(self, seconds: float | None = None) -> None:
        """Enter it; raises TimeoutError if it is not left in so many seconds from now."""
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._until = None if seconds is None else self._loop.time() + seconds
        self._cancelling = 0
        self._is_over = False

    def at(self, until: float | None) -> Deadline:
        """Enter what is returned; raises TimeoutError if it is not left by `until` (loop time)."""
        self._until = until
        return self

    def move(self, seconds: float) -> None:
        """From within: so many seconds from now instead."""
        self.move_to(self._loop.time() + seconds)

    def move_to(self, until: float) -> None:
        """The same, at this loop time."""
        self._until = until
        if self._timer is None or self._timer.when() > until:
            self._arm(until)

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __enter__(self) -> None:
        self._task = asyncio.current_task(self._loop)
        self._is_over = False
        if self._until is None or self._task is None:
            return
        self._cancelling = self._task.cancelling()
        self._arm(self._until)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        task, self._task, self._until = self._task, None, None
        if self._is_over and task is not None:
            self._is_over = False
            if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _arm(self, until: float) -> None:
        """A timer that fires too early looks again; one that fires too late will not do."""
        if self._timer is not None and self._timer.when() > until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._look)

    def _look(self) -> None:
        """The timer fired: is anybody late?"""
        self._timer = None
        if self._task is None or self._until is None:
            return
        if self._loop.time() < self._until:
            self._timer = self._loop.call_at(self._until, self._look)
        else:
            self._is_over = True
            self._task.cancel()
