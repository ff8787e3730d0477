"""Deadlines that are moved often and missed seldom."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

from windsock.providers.transport import Pass, Reply

T = TypeVar("T")

LINGER_S = 2.0
"""How long a complete stream is waited on for its usage and its end mark."""

END_S = 0.1
"""How long the end of an answer is waited on after its end mark."""

HELD_UP_S = 0.1
"""A look that comes so late tells that the process itself was held up: what came meanwhile is read
before anybody is given up for it."""

GRAIN_S = 0.02
"""What is due within it has one timer together, and is late by so much at most. A timer each would
be set and taken back with every call."""


@dataclass(slots=True)
class _Due:
    timer: asyncio.TimerHandle
    deadlines: set[Deadline] = field(default_factory=set)


class Deadlines:
    """Watches those of one event loop, by the GRAIN_S in which they are to be looked at."""

    def __init__(self) -> None:
        self._due: dict[int, _Due] = {}

    def add(self, deadline: Deadline, place: int, loop: asyncio.AbstractEventLoop) -> None:
        """Look at it after so many times GRAIN_S, in loop time."""
        due = self._due.get(place)
        if due is None:
            due = self._due[place] = _Due(loop.call_at(place * GRAIN_S, self._look, place))
        due.deadlines.add(deadline)

    def drop(self, deadline: Deadline, place: int) -> None:
        """Do not look at it; the last one leaves no timer behind."""
        due = self._due[place]
        due.deadlines.remove(deadline)
        if not due.deadlines:
            due.timer.cancel()
            del self._due[place]

    def _look(self, place: int) -> None:
        for each in self._due.pop(place).deadlines:
            each.look()


class Deadline:
    """Like `asyncio.timeout_at`, of the task that makes it, which enters it again and again with
    `with`. Moving it later costs nothing until it is looked at.

    shared  who looks at it
    """

    __slots__ = ("_cancelling", "_is_over", "_is_spared", "_loop", "_place", "_shared", "_task",
                 "_until")  # fmt: skip

    def __init__(self, shared: Deadlines, seconds: float | None = None) -> None:
        """Enter it; raises TimeoutError if it is not left in so many seconds from now."""
        self._shared = shared
        self._loop = loop = asyncio.get_running_loop()
        self._task = asyncio.current_task(loop)
        self._until = None if seconds is None else loop.time() + seconds
        self._place: int | None = None
        self._cancelling = 0
        self._is_over = self._is_spared = False

    def at(self, until: float | None) -> Deadline:
        """Enter what is returned; raises TimeoutError if it is not left by `until` (loop time)."""
        self._until = until
        return self

    def move(self, seconds: float) -> None:
        """From within: so many seconds from now instead."""
        self.move_to(self._loop.time() + seconds)

    def move_to(self, until: float) -> None:
        """The same, at this loop time. Looked at too early it is looked at again.

        Without an end (infinite, or no number) nobody looks.
        """
        self._until = until if until < math.inf else None
        if self._until is None:
            return
        place = int(until / GRAIN_S) + 1
        if self._place is not None:
            if place >= self._place:
                return
            self._shared.drop(self, self._place)
        self._place = place
        self._shared.add(self, place, self._loop)

    def close(self) -> None:
        """It is entered no more."""
        if self._place is not None:
            self._shared.drop(self, self._place)
            self._place = None

    def look(self) -> None:
        """Is anybody late?"""
        self._place = None
        if self._task is None or self._until is None:
            return
        late_s = self._loop.time() - self._until
        if late_s < 0:
            self.move_to(self._until)
        elif late_s > HELD_UP_S and not self._is_spared:
            self._is_spared = True
            self.move(GRAIN_S)
        else:
            self._is_over = True
            self._task.cancel()

    def __enter__(self) -> None:
        self._is_over = self._is_spared = False
        if self._until is not None and self._task is not None:
            self._cancelling = self._task.cancelling()
            self.move_to(self._until)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._until = None
        if self._is_over and self._task is not None:
            self._is_over = False
            if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error


class StreamTimeouts:
    """Seconds that a provider may still be silent. Waiting for the client does not count.

    Only content is progress: a line kept open with comments runs out of time.

    first_s     until the first content
    stall_s     between contents
    until       loop time at which all patience ends
    """

    __slots__ = ("_begun", "_deadline", "_is_passing", "_is_past", "_left_s", "_loop", "_stall_s",
                 "_until")  # fmt: skip

    def __init__(
        self, shared: Deadlines, *, first_s: float | None, stall_s: float, until: float | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline(shared)
        self._begun = 0.0
        self._is_passing = self._is_past = False
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
            if self._is_past or begun - end <= HELD_UP_S:
                raise TimeoutError
            self._is_past = True
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
        self._is_past = False
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
