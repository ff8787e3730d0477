"""The price-quality frontier: what every value of a success would cost and deliver."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf, sqrt

import numpy as np

from windsock.core.model.arrays import FloatArray, Indices
from windsock.core.policies.contest.best_arm import CROWD, Contest, best_weights, weigh
from windsock.core.policies.restraint.bisection import first_true
from windsock.core.policies.restraint.bounds import Floors, above, below
from windsock.core.policies.restraint.damping import Damping
from windsock.core.policies.restraint.incumbent import kept
from windsock.core.policies.restraint.search import cheapest_pair, cheapest_that_holds
from windsock.core.policies.rungs import Arms, Rung, rung_values

AT_STAKE = 0.5
"""Most that probes may cost, as a part of what the route's successes are worth."""


class Ladder:
    """Rungs of one cell, each solved when it is first asked for.

    best_buys   by V, (arms,) chance of each to be the best buy
    """

    def __init__(self, arms: Arms, values: FloatArray | None = None) -> None:
        self.arms = arms
        self._values = values
        self.contest = Contest(arms.a, arms.b, arms.usd)
        self._mean, self._spread = arms.mean, arms.spread
        self._floors = Floors(arms.usd, arms.explore, arms.probe)
        self._damping = Damping(self._mean, arms.a + arms.b, arms.usd, arms.labels)
        self.best_buys: dict[float, FloatArray] = {}
        self._rungs: dict[float, Rung] = {}
        self._rough: dict[float, Rung] = {}
        self._roughly: dict[float, tuple[FloatArray, float, float, float]] = {}

    @property
    def values(self) -> FloatArray:
        """(rungs,) V of each, rising; laid out when they are first asked for."""
        if self._values is None:
            self._values = rung_values(self.arms.usd)
        return self._values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Rung:
        return self.at(float(self.values[index]))

    def of(self, size: int | None) -> Ladder:
        """That of a class of prompt size: here there is one class."""
        return self

    def rungs(self) -> list[Rung]:
        """All of them, from cheapest to best."""
        values = self.values.tolist()
        prepare((self, value) for value in values)
        return [self.at(value) for value in values]

    def at(self, value_usd: float) -> Rung:
        """The rung of any V, on the ladder's grid or between."""
        rung = self._rungs.get(value_usd)
        if rung is None:
            prepare([(self, value_usd)])
            rung = self._rungs[value_usd] = self._solve(value_usd)
        return rung

    def unprepared(self, value_usd: float) -> Iterable[Ladder]:
        """The ladders of which is not known yet who is the best buy at V."""
        return () if value_usd in self.best_buys else (self,)

    def rough(self, value_usd: float, along: FloatArray | None = None) -> Rung:
        """The rung of any V to a few percent, for a tenth of the time and without bounds.

        along   values of V that will be asked for next, `values` if left out
        """
        rung = self._rough.get(value_usd)
        if rung is None:
            if value_usd not in self._roughly:
                self._weigh_roughly(value_usd, self.values if along is None else along)
            weights, usd, success, error = self._roughly[value_usd]
            rung = self._rough[value_usd] = Rung(
                value_usd=value_usd, weights=weights, usd=usd, success=success, error=error
            )
        return rung

    def _weigh_roughly(self, value_usd: float, along: FloatArray) -> None:
        is_small = len(self.arms.usd) <= CROWD
        values = along if is_small and value_usd in along else np.array([value_usd])
        weights = self.contest.rough(values)
        usd, success = (weights @ self.arms.usd).tolist(), (weights @ self._mean).tolist()
        error = np.sqrt(weights**2 @ self._spread**2).tolist()
        told = zip(weights, usd, success, error, strict=True)
        self._roughly |= zip(values.tolist(), told, strict=True)

    def roughly_lowest(self, reaches: Callable[[Rung], bool]) -> int:
        """`lowest` by rough rungs."""
        values = self.values.tolist()
        return first_true(len(self), lambda index: reaches(self.rough(values[index])))

    def lowest(
        self, reaches: Callable[[Rung], bool], *, besides: Iterable[int] = (), beyond: float = inf
    ) -> int:
        """The lowest rung that `reaches`, by bisection; `len` if none does.

        Success need not rise all the way up (an unknown dear arm may take share from a known
        good one), so the search starts from no earlier result but from rough rungs: the same
        arms, the same rung.

        besides, beyond     rungs, and a V where none reaches, that are likely to be asked for next
        """
        near = self.roughly_lowest(reaches)
        likely = {*range(max(0, near - 1), min(near + 1, len(self))), *besides}
        values = self.values[sorted(likely)].tolist()
        if near == len(self) and beyond < inf:
            values.append(beyond)
        prepare((self, value) for value in values)
        return first_true(len(self), lambda index: reaches(self[index]), near=near)

    def best(self, worth: Callable[[Rung], float]) -> Rung:
        """The rung worth most of the highest and the one that is roughly so, higher of equals.

        Never of those that were looked at: what else is asked of a ladder changes no answer.
        """
        values = self.values.tolist()
        near = max(range(len(self)), key=lambda index: (worth(self.rough(values[index])), index))
        likely = sorted({near, len(self) - 1})
        prepare((self, values[index]) for index in likely)
        return max(
            (self[index] for index in likely), key=lambda rung: (worth(rung), rung.value_usd)
        )

    def sought(self, floor: float, value_usd: float, searched_usd: float) -> Rung:
        """Where nothing surely reaches the floor: the cheapest that may, as long as it may.

        value_usd       V of the part that none reaches it
        searched_usd    V of the part that one does: what it may cost to find it
        """
        prepare([(self, value_usd)])
        arms, best = self.arms, self.best_buys[value_usd]
        found, none = cheapest_that_holds(arms.a, arms.b, arms.usd, floor)
        damped = self._damping.damped
        looked = damped(found / max(1 - none, 1e-12), searched_usd)
        weights = (1 - none) * looked + none * damped(best, value_usd)
        return self._rung(found + none * best, weights, value_usd)

    def least(self, weights: FloatArray, value_usd: float) -> FloatArray:
        """(arms,) floors of the weights, for exploration and probing.

        Where no budget is kept, probes may cost half of what the route's successes are worth at V.
        """
        arms, worth = self.arms, 0.0
        if arms.probe is not None and not arms.is_paced and np.isfinite(value_usd):
            worth = AT_STAKE * value_usd * float(weights.dot(self._mean))
        return self._floors.least(weights, worth)

    def paired(self, floor: float, value_usd: float) -> Rung | None:
        """The cheapest mixture of two arms that are expected to give the floor; None if none."""
        weights = cheapest_pair(self._mean, self.arms.usd, floor)
        return None if weights is None else self._rung(weights, weights, value_usd)

    def _solve(self, value_usd: float) -> Rung:
        best = self.best_buys[value_usd]
        return self._rung(best, self._damping.damped(best, value_usd), value_usd)

    def _rung(self, wanted: FloatArray, weights: FloatArray, value_usd: float) -> Rung:
        """What weights cost and deliver, once they are within all bounds.

        wanted      (arms,) the weights before looks were weighed against what they earn
        """
        arms, looked = self.arms, weights
        if arms.most is not None:
            weights = below(weights, arms.most, lambda free: self._among(free, value_usd))
        bounded = weights = above(weights, self.least(weights, value_usd))
        steps = (wanted, looked, bounded)
        if arms.incumbent is None:
            return self._told(value_usd, weights, (*steps, weights))
        weights = kept(weights, arms.incumbent, self._mean, self._spread, arms.usd, value_usd)
        found = self._told(value_usd, weights, (*steps, weights))
        return replace(found, unheld=self._told(value_usd, bounded, steps))

    def _told(self, value_usd: float, weights: FloatArray, steps: tuple[FloatArray, ...]) -> Rung:
        off = weights * self._spread
        return Rung(
            value_usd=value_usd,
            weights=weights,
            usd=float(weights.dot(self.arms.usd)),
            success=float(weights.dot(self._mean)),
            error=sqrt(float(off.dot(off))),
            steps=steps,
        )

    def _among(self, free: Indices, value_usd: float) -> FloatArray:
        """The contest of some arms, as if the others were not there."""
        arms = self.arms
        return best_weights(arms.a[free], arms.b[free], arms.usd[free], value_usd)


def prepare(asked: Iterable[tuple[Ladder, float]]) -> None:
    """Find the best buys of ladders at values of V together, sooner done than one by one."""
    each = ((part, value) for ladder, value in asked for part in ladder.unprepared(value))
    parts = list(dict.fromkeys(each))
    found = weigh([(part.contest, value) for part, value in parts])
    for (part, value), weights in zip(parts, found, strict=True):
        part.best_buys[value] = weights
