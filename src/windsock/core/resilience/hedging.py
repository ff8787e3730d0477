"""When a call is late, and whether a second one may be made beside it (Dean & Barroso 2013).

Off by default. What hedging may add is bounded twice over a window: in calls and in dollars, since
the second deployment may be the dearer one.
"""

from __future__ import annotations

from collections import deque

from windsock.core.model.calls import TIMED, CallResult
from windsock.core.model.decisions import WeightTable
from windsock.core.resilience.measures import ByRoute
from windsock.core.resilience.retry_budget import RetryBudget

MAX_TIMES = 200
LEAST_TIMES = 20
LATE_QUANTILE = 0.95
LATE_MARGIN = 1.2
"""Of those just above the quantile most end by themselves a moment later."""

SORT_EVERY = 10
"""New times after which the quantile is looked up anew."""

BUDGET_WINDOW_S = 60.0


class Hedging:
    """Times to an answer, by deployment and kind of call, and the budgets of each route."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, bool], ByRoute[_Times]] = {}
        self._budgets: dict[str, tuple[RetryBudget, RetryBudget]] = {}

    def late_after_s(self, deployment: str, *, is_stream: bool, route: str = "") -> float | None:
        """A fifth over the 95th percentile of the last 200 times there, of the route's own where
        they are 20; None below 20 of all."""
        times = self._times.get((deployment, is_stream))
        return None if times is None else times.read(route, _Times.late_s)

    def observe(self, deployment: str, seconds: float, *, is_stream: bool, route: str = "") -> None:
        """Seconds to the answer, or to the first content of a stream.

        A call that lost its race counts with the time until it was given up: it took at least that.
        """
        times = self._times.setdefault((deployment, is_stream), ByRoute(_Times))
        for each in times.both(route):
            each.add(seconds)

    def observe_call(self, result: CallResult, *, is_stream: bool) -> None:
        """Note how long a call took, or took at least, if it tells anything of that."""
        if result.kind in TIMED:
            seconds = result.first_byte_s if is_stream else None
            seconds = result.latency_s if seconds is None else seconds
            name, route = result.attempt.deployment, result.about.route
            self.observe(name, seconds, is_stream=is_stream, route=route)

    def deposit(self, route: str, share: float, now: float) -> None:
        """A request that might be hedged."""
        for budget in self._budget(route, share):
            budget.deposit(now)

    def try_acquire(self, route: str, share: float, relative_cost: float, now: float) -> bool:
        """Spend a second call, if the budgets of calls and of dollars allow it.

        relative_cost   its expected cost over that of the route's usual request. Dollars as they
                        were expected when requests came would not do: before usage is learnt,
                        they are a guess that may be many times too high
        """
        calls, dollars = self._budget(route, share)
        if not dollars.allows(now, relative_cost) or not calls.try_acquire(now):
            return False
        return dollars.try_acquire(now, relative_cost)

    def _budget(self, route: str, share: float) -> tuple[RetryBudget, RetryBudget]:
        found = self._budgets.get(route)
        if found is None:
            calls, dollars = (
                RetryBudget(share=share, reserve=0, window_s=BUDGET_WINDOW_S) for _ in range(2)
            )
            found = self._budgets[route] = calls, dollars
        return found


def relative_cost(table: WeightTable, deployment: str) -> float:
    """What one such request is expected to cost there, over the mean of the table's weights.

    1 where that mean is 0, 0 for a deployment that is not in the table
    """
    usd = next((arm.expected_usd for arm in table.arms if arm.deployment == deployment), 0.0)
    usual = sum(arm.weight * arm.expected_usd for arm in table.arms)
    return usd / usual if usual > 0 else 1.0


class _Times:
    """A window of times whose quantile is looked up anew every tenth time."""

    __slots__ = ("_late_s", "_new", "_seconds")

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=MAX_TIMES)
        self._late_s: float | None = None
        self._new = 0

    def add(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self._new += 1

    def late_s(self) -> float | None:
        if len(self._seconds) < LEAST_TIMES:
            return None
        if self._late_s is None or self._new >= SORT_EVERY:
            self._new = 0
            last = len(self._seconds) - 1
            self._late_s = LATE_MARGIN * sorted(self._seconds)[round(last * LATE_QUANTILE)]
        return self._late_s
