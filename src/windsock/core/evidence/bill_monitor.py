"""A price change that no feed announced shows in the bills: CUSUMs of billed over expected cost.

It is the quote that is doubted then, not the model. Expected cost is best the counted usage at the
quote in force; where only a bill comes, the learnt token mix will do, since each deployment's
natural spread is learnt along the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from windsock.core.beliefs.drift.cusum import Cusum

BASELINE = 500.0
"""Bills that the usual ratio and its spread are learnt from."""

LEAST_BILLS = 20.0
"""Bills from which on one is judged."""

LEAST_SPREAD = 0.02
"""Least standard deviation of the log ratio, whatever was seen."""

CAP = 3.0
"""Most standard deviations that one bill counts."""

SLOW = (0.15, 30.0)
FAST = (1.0, 8.0)
"""(allowance, alarm) in standard deviations: SLOW finds x1.3 in wildly varying bills, FAST x5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDrift:
    """A price change that shows in bills.

    factor      billed over expected since the change, relative to what was usual
    bills       since the change
    statistic   of the CUSUM that raised the alarm
    """

    factor: float
    bills: int
    statistic: float


class BillWatch:
    """The bills of one deployment."""

    def __init__(self) -> None:
        self.clear()

    def observe(self, billed_usd: float, expected_usd: float) -> BillDrift | None:
        """Judge one bill; both in dollars, above zero. Starts anew after an alarm."""
        if billed_usd <= 0 or expected_usd <= 0:
            return None
        ratio = math.log(billed_usd / expected_usd)
        found = self._judge(ratio) if self._count >= LEAST_BILLS else None
        if found is not None:
            self.clear()
            return found
        self._learn(ratio)
        return None

    def clear(self) -> None:
        """Forget everything; to be called when a new quote is in force."""
        self._count = self._mean = self._square = 0.0
        self._sums = [Cusum() for _ in range(4)]

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        sums = [each.to_state() for each in self._sums]
        return [self._count, self._mean, self._square, sums]

    def from_state(self, state: list[Any]) -> None:
        """Take over a state of `to_state`."""
        self._count, self._mean, self._square, sums = state
        self._sums = [Cusum(*fields) for fields in sums]

    def _judge(self, ratio: float) -> BillDrift | None:
        spread = max(LEAST_SPREAD, math.sqrt(max(0.0, self._square - self._mean**2)))
        spread *= math.sqrt(1 + LEAST_BILLS / self._count)
        excess = ratio - self._mean
        z = min(CAP, max(-CAP, excess / spread))
        tests = ((1, SLOW), (-1, SLOW), (1, FAST), (-1, FAST))
        for each, (side, (allowance, alarm)) in zip(self._sums, tests, strict=True):
            each.add(side * z - allowance, excess)
            if each.statistic > alarm:
                factor = math.exp(each.mean_excess())
                return BillDrift(factor=factor, bills=round(each.count), statistic=each.statistic)
        return None

    def _learn(self, ratio: float) -> None:
        self._count = min(BASELINE, self._count + 1.0)
        pace = 1.0 / self._count
        self._mean += pace * (ratio - self._mean)
        self._square += pace * (ratio * ratio - self._square)
