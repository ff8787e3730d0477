"""Whether one kind of error has become more frequent at a deployment than it was there before."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt

from windsock.core.beliefs.drift.cusum import Cusum

RISEN, FALLEN = log(1e7), log(1e3)
"""Levels of the sum: a rise that is none is told once in ten million calls or less often (Lorden
1971), an end that is none once in a thousand calls of a share half way between."""

LEAST_PAST = 100.0
"""Calls from which on a deployment has a past to compare with."""

HORIZON = 10_000.0
"""Calls of the past that are remembered; when there are more, all count half."""

LEAST_RISE, TIMES = 0.1, 3.0
"""A rise worth telling: to three times the share, at least a tenth more of all calls."""


@dataclass(slots=True)
class KindRise:
    """Page's CUSUM (1954) of the log-likelihood ratio of a call: the share of `risen` against the
    past's; of its end the past's against the one half way, so that it does not flicker.

    calls, errors   of the past: all before the likely rise
    has_risen       and not fallen
    """

    calls: float
    errors: float = 0.0
    has_risen: bool = False
    _sum: Cusum = field(default_factory=Cusum)
    _steps: tuple[float, float] = (0.0, 0.0)

    @property
    def before(self) -> float:
        """Share of the calls of the past that ended so."""
        return self.errors / self.calls if self.calls else 0.0

    @property
    def usual(self) -> float:
        """The share that is held for usual: one standard error above (Agresti and Coull 1998)."""
        calls = self.calls + 4.0
        share = (self.errors + 2.0) / calls
        return share + sqrt(share * (1.0 - share) / calls)

    def count(self, is_error: bool) -> tuple[float, int] | None:
        """One more call; (share, calls) since the likely change if it rose or fell with it."""
        if self.has_risen:
            return self._add(is_error, FALLEN)
        if not self._sum.count:
            if not is_error or self.calls < LEAST_PAST or self.usual >= 0.5:
                self._learn(1.0, float(is_error))
                return None
            self._steps = _steps(self.usual, risen(self.usual))
        calls, errors = self._sum.count + 1.0, self._sum.excess + is_error
        found = self._add(is_error, RISEN)
        if found is None and not self._sum.count:
            self._learn(calls, errors)
        return found

    def _add(self, is_error: bool, level: float) -> tuple[float, int] | None:
        self._sum.add(self._steps[is_error], float(is_error))
        if self._sum.statistic < level:
            return None
        found = self._sum.mean_excess(), round(self._sum.count)
        self._sum.clear()
        self.has_risen = not self.has_risen
        self._steps = _steps((self.usual + risen(self.usual)) / 2, self.usual)
        return found

    def _learn(self, calls: float, errors: float) -> None:
        self.calls, self.errors = self.calls + calls, self.errors + errors
        if self.calls > HORIZON:
            self.calls, self.errors = self.calls / 2, self.errors / 2


def risen(usual: float) -> float:
    """The share to which a rise from a usual one, below a half, is looked for."""
    return max(usual + LEAST_RISE, min(TIMES * usual, (1.0 + usual) / 2))


def _steps(usual: float, other: float) -> tuple[float, float]:
    """Log-likelihood ratios of a call that did not end so, and of one that did: other to usual."""
    return log((1.0 - other) / (1.0 - usual)), log(other / usual)
