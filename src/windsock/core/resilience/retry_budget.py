"""How many extra calls may be made: a share of the requests of the last seconds, never more."""

from __future__ import annotations

from collections import deque

MARK_S = 1.0
"""Requests are told apart to so many seconds."""


class RetryBudget:
    """Extra calls over a sliding window: at most `share` of its requests, or `reserve` if more.

    share       of the requests opened in the window
    reserve     extra calls that a window may always hold, for when there is little traffic
    window_s    length; requests are told apart by `MARK_S`

    A budget over active requests would grow with the very slowness that causes retries; over
    a window it cannot (Finagle's RetryBudget; Envoy's retry budget is of the first kind).
    """

    __slots__ = ("_mark_at", "_marks", "_requests", "_reserve", "_share", "_spent", "_window_s")

    def __init__(self, *, share: float = 0.2, reserve: float = 10, window_s: float = 10.0) -> None:
        self._share = share
        self._reserve = reserve
        self._window_s = window_s
        self._requests: float = 0
        self._spent: float = 0
        self._mark_at = 0.0
        self._marks: deque[tuple[float, float, float]] = deque([(0.0, 0, 0)])

    def deposit(self, now: float, amount: float = 1) -> None:
        """A request was opened, or dollars were committed: what extra calls are a share of."""
        if now >= self._mark_at:
            self._mark(now)
        self._requests += amount

    def try_acquire(self, now: float, amount: float = 1) -> bool:
        """Spend one extra call, or its dollars, if the window allows it."""
        if not self.allows(now, amount):
            return False
        self._spent += amount
        return True

    def allows(self, now: float, amount: float = 1) -> bool:
        """True if so much more may be spent in the window that ends now."""
        if now >= self._mark_at:
            self._mark(now)
        _, requests, spent = self._marks[0]
        allowed = max(self._reserve, self._share * (self._requests - requests))
        return self._spent - spent + amount <= allowed

    def _mark(self, now: float) -> None:
        """Note the sums so far, once a second, and drop those from before the window."""
        marks = self._marks
        marks.append((now, self._requests, self._spent))
        self._mark_at = now + MARK_S
        while len(marks) > 1 and marks[0][0] < now - self._window_s:
            marks.popleft()
