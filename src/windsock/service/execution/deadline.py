"""Deadlines that are moved often and missed seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import TypeVar

from windsock.providers.transport import Pass, Reply

T = TypeVar("T")

LINGER_S = 2.0
"""How long a complete stream is waited on for its usage and its end mark."""

END_S = 0.1
"""How long the end of an answer is waited on after its end mark."""


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


class StreamTimeouts:
    """Seconds that a provider may still be silent. Waiting for the client does not count.

    Only content is progress: a line kept open with comments runs out of time.

    first_s     until the first content
    stall_s     between contents
    until       loop time at which all patience ends
    """

    __slots__ = ("_begun", "_deadline", "_is_passing", "_left_s", "_loop", "_stall_s",
                 "_until")  # fmt: skip

    def __init__(self, *, first_s: float | None, stall_s: float, until: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline()
        self._begun = 0.0
        self._is_passing = False
        self._left_s = first_s
        self._stall_s = stall_s
        self._until = until

    async def first(self, work: Awaitable[T]) -> T:
        """Spends the patience of the first content on what comes before the stream."""
        begun = self._loop.time()
        with self._deadline.at(self._end(begun)):
            done = await work
        self._spend(begun)
        return done

    async def next(self, reply: Reply) -> bytes:
        """What comes next, b"" at the end; raises TimeoutError."""
        begun = self._loop.time()
        end = self._end(begun)
        if end is not None and end <= begun:
            raise TimeoutError
        with self._deadline.at(end):
            chunk = await reply.take()
        self._spend(begun)
        return chunk

    async def pass_on(self, reply: Reply, pass_: Pass) -> None:
        """See `Reply.pass_on`; what it passes may renew the patience. Raises TimeoutError."""
        self._begun = self._loop.time()
        self._is_passing = True
        try:
            with self._deadline.at(self._end(self._begun)):
                await reply.pass_on(pass_)
        finally:
            self._is_passing = False
        self._spend(self._begun)

    def close(self) -> None:
        """Leave no timer behind."""
        self._deadline.close()

    def renew(self, *, is_complete: bool, is_done: bool) -> None:
        """There was progress, also in the midst of `pass_on`.

        is_done     the end mark came: the end of the answer, which frees the connection, follows
        """
        self._left_s = END_S if is_done else LINGER_S if is_complete else self._stall_s
        if self._is_passing:
            self._begun = now = self._loop.time()
            until = now + self._left_s
            self._deadline.move_to(until if self._until is None else min(until, self._until))

    def _end(self, now: float) -> float | None:
        end = None if self._left_s is None else now + self._left_s
        if self._until is None or end is None:
            return end if self._until is None else self._until
        return min(end, self._until)

    def _spend(self, begun: float) -> None:
        if self._left_s is not None:
            self._left_s -= self._loop.time() - begun
