"""The fit of priors that rewards are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.beliefs.empirical_bayes import Fit, unfitted
from windsock.core.beliefs.prior_fitter import PriorFitter

JUDGE_EVERY = 20
"""Rewards (or rows, if they are more) after which those to come are judged by a new fit."""


class JudgingFit:
    """Apart from the fit of the last look at the weights, and in the state: by that one, looking
    would change what is learnt, and a restart would not repeat it.

    kept        None before any reward was judged, and after evidence was changed
    judged      rewards that were judged by it
    expected    the same; where there is none, the fit of no rows at all
    """

    def __init__(self, fitter: PriorFitter) -> None:
        self._fitter = fitter
        self._unfitted = unfitted(fitter.unknown)
        self.kept: Fit | None = None
        self.judged = 0
        self.expected = self._unfitted

    def of_next(self, rows: int, as_of: float, changes: int) -> Fit:
        """The fit that the next reward is judged by, of so many rows."""
        self.judged += 1
        if self.kept is None or self.judged >= max(JUDGE_EVERY, rows):
            self.kept = self.expected = self._fitter.fit(as_of, changes)
            self.judged = 0
        return self.kept

    def drop(self) -> None:
        """Evidence was changed: the next reward is judged anew."""
        self.kept, self.expected = None, self._unfitted

    def from_state(self, fit: Mapping[str, Any] | None, judged: int) -> None:
        """Take over a fit as its `to_state` says it, None where there was none."""
        if fit:
            self.kept = self.expected = Fit.from_state(fit, self._fitter.unknown)
            self.judged = judged
