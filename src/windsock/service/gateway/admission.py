"""The door of the data plane: how many requests are worked on at a time, and in how many bytes.

What comes in excess waits in a short queue; what finds it full is refused at once, with a
Retry-After. Health, metrics and inspection do not pass this door.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from windsock.core.routing.exchange import Exchange
from windsock.service.error_responses import overloaded
from windsock.service.gateway.call import Call, Endpoint
from windsock.service.key_limits import NO_LIMITS

LEAST_LIMIT = 64
"""Requests worked on at a time, however late the event loop is."""

LEAST_WAITING = 8
"""Requests that may wait, however slowly they are served."""

QUEUE_SHARE = 0.5
"""What can be served in this part of the longest wait may wait: so none waits for nothing, though
the pace is known to a factor of two only.
"""

LATE_S = 0.1
"""An event loop that wakes this late has more to do than it can; below a fifth of that, not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """What the door lets through.

    max_concurrent  requests worked on at a time, at most
    max_waiting     requests that wait for their turn, and no more than are worked on, than are
                    served in QUEUE_SHARE of `wait_s` or than 8
    wait_s          longest wait
    max_bytes       of request bodies held at a time
    """

    max_concurrent: int = 1024
    max_waiting: int = 256
    wait_s: float = 1.0
    max_bytes: int = 512 * 1024 * 1024


class Load(NamedTuple):
    """Requests worked on, that may be, that wait, and that were refused since the start."""

    running: int
    limit: int
    waiting: int
    refused: int


class Limits:
    """Admits requests: in order while all that wait are served in time, else newest first.

    Under overload a queue in order of arrival makes everybody wait until nobody is served in time;
    newest first (Facebook's adaptive LIFO) serves some at once and refuses the oldest early. In a
    short queue it would only starve the oldest.

    running     requests worked on
    admitted, refused   since the start
    capacity    calls that the providers take at a time, inf where they set no limit
    elsewhere   the loads of other processes at this port, by name
    """

    def __init__(
        self, rules: LimitRules, *, capacity: Callable[[], float] = lambda: math.inf
    ) -> None:
        self.rules = rules
        self.running = 0
        self.admitted = 0
        self.refused = 0
        self.elsewhere: dict[str, Load] = {}
        self._bytes = 0
        self._capacity = capacity
        self._limit = float(rules.max_concurrent)
        self._peak = 0
        self._left = 0
        self._per_s = 0.0
        self._waiting: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    @property
    def limit(self) -> int:
        """Requests worked on at a time, just now."""
        return max(1, int(min(self._limit, self._capacity())))

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._waiting)

    @property
    def load(self) -> Load:
        """Of this process."""
        return Load(self.running, self.limit, self.waiting, self.refused)

    def load_of_all(self) -> Load:
        """Of every process at this port."""
        return Load(*map(sum, zip(self.load, *self.elsewhere.values(), strict=True)))

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint behind this door, after which its key's limits hold what it has used."""

        async def behind(call: Call) -> None:
            if not self._waiting and self.running < self.limit:
                self._admit()
                self.admitted += 1
            elif not await self.enter():
                await call.refuse(overloaded())
                return
            try:
                await endpoint(call)
            finally:
                self.leave()
                if call.allowance is not NO_LIMITS:
                    call.allowance.settle()

        return behind

    async def enter(self) -> bool:
        """Wait for a place; False if there is none. Every True needs a `leave`."""
        if self._waiting or self.running >= self.limit:
            if not await self._wait():
                self.refused += 1
                return False
        else:
            self._admit()
        self.admitted += 1
        return True

    @property
    def most_waiting(self) -> int:
        """Requests that may wait, just now."""
        return min(self.rules.max_waiting, max(self.limit, LEAST_WAITING, self._soon))

    @property
    def _soon(self) -> int:
        """Requests that are served in time if they wait."""
        return int(self._per_s * QUEUE_SHARE * self.rules.wait_s)

    def leave(self) -> None:
        """A request is over: whoever waits may come in."""
        self.running -= 1
        self._left += 1
        while self._waiting and self.running < self.limit:
            turn, _ = self._waiting.popitem(last=len(self._waiting) > self._soon)
            if not turn.done():
                self._admit()
                turn.set_result(True)

    def hold(self, size: int) -> bool:
        """Reserve memory for a body; False if there is none. Every True needs a `release`."""
        if self._bytes + size > self.rules.max_bytes:
            self.refused += 1
            return False
        self._bytes += size
        return True

    def release(self, size: int) -> None:
        """Give back what `hold` reserved."""
        self._bytes -= size

    def adapt(self, late_s: float, since_s: float) -> None:
        """Adapt to the event loop, which woke this many seconds late: less work, or more again.

        since_s     since the last time; 0 or less where a clock stood still, which tells no pace
        """
        if since_s > 0:
            per_s = self._left / since_s
            self._per_s = max(per_s, 0.5 * (self._per_s + per_s))
            self._left = 0
        most = float(self.rules.max_concurrent)
        if late_s > LATE_S:
            busy = 0.8 * min(self._limit, float(self._peak))
            self._limit = min(most, max(float(LEAST_LIMIT), busy))
        elif late_s < LATE_S / 5:
            self._limit = min(most, self._limit * 1.1 + 1)
        self._peak = self.running

    def _admit(self) -> None:
        self.running += 1
        if self.running > self._peak:
            self._peak = self.running

    async def _wait(self) -> bool:
        """Wait as one of the queue; the oldest leaves when it is full."""
        if not self.rules.max_waiting:
            return False
        if len(self._waiting) >= self.most_waiting:
            oldest, _ = self._waiting.popitem(last=False)
            _refuse(oldest)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        self._waiting[turn] = None
        timer = loop.call_later(self.rules.wait_s, _refuse, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(turn, None)


def settled(endpoint: Endpoint) -> Endpoint:
    """The endpoint, after which a key's limits hold what its call has used."""

    async def behind(call: Call) -> None:
        try:
            await endpoint(call)
        finally:
            call.allowance.settle()

    return behind


def used_tokens(exchange: Exchange) -> int:
    """Of all its calls, prompts and answers, as far as they are known."""
    used = (result.usage for result in exchange.calls.ended if result.usage is not None)
    return sum(each.prompt_tokens + each.completion_tokens for each in used)


def _refuse(turn: asyncio.Future[bool]) -> None:
    if not turn.done():
        turn.set_result(False)
