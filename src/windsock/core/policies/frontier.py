"""The price-quality frontier: what every value of a success would cost and deliver."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from windsock.core.model.arrays import FloatArray, Indices
from windsock.core.policies.best_arm import CROWD, Contest
from windsock.core.policies.restraint.bisection import first_true
from windsock.core.policies.restraint.bounds import above, below, least_shares
from windsock.core.policies.restraint.damping import Damping
from windsock.core.policies.restraint.incumbent import Incumbent, kept
from windsock.core.policies.restraint.search import cheapest_pair, cheapest_that_holds

RUNGS = 48
"""Values of V on a ladder."""

LOWEST = 0.5
"""First value of V after 0, in costs of the cheapest."""

HIGHEST = 400.0
"""Last value of V, in costs of the dearest."""

AT_STAKE = 0.5
"""Most that probes may cost, as a part of what the route's successes are worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The candidates of one cell.

    a, b        (arms,) Beta parameters of success
    usd         (arms,) expected dollars of one request
    explore     probability kept for learning, spread evenly but for arms that cost too much
    probe       (arms,) least share for a look at a suspect arm, less where it costs too much
    most        (arms,) greatest share of an arm, None if none is bounded
    is_paced    a budget is kept
    labels      how many are expected to come; inf: looks are not weighed against what they earn
    incumbent   what is left only as far as the loss is surely bounded
    """

    a: FloatArray
    b: FloatArray
    usd: FloatArray
    explore: float = 0.0
    probe: FloatArray | None = None
    most: FloatArray | None = None
    is_paced: bool = False
    labels: float = np.inf
    incumbent: Incumbent | None = None

    @property
    def mean(self) -> FloatArray:
        """(arms,) expected success."""
        return self.a / (self.a + self.b)

    @property
    def spread(self) -> FloatArray:
        """(arms,) standard deviations of success."""
        total = self.a + self.b
        spread: FloatArray = np.sqrt(self.a * self.b / (total + 1)) / total
        return spread

    def key(self) -> tuple[Hashable, ...]:
        """Equal for equal arms."""
        bounds = (
            bound.tobytes() if bound is not None else b"" for bound in (self.probe, self.most)
        )
        kept = self.incumbent
        held = (kept.index, kept.served.tobytes()) if kept else ()
        known = self.a.tobytes(), self.b.tobytes(), self.usd.tobytes()
        return *known, *bounds, self.labels, *held

    def least(self, weights: FloatArray, value_usd: float) -> FloatArray:
        """(arms,) floors of the weights, for exploration and probing.

        A probe costs its share of what is spent at most or, where no budget is kept, of half of
        what the route's successes are worth at V.
        """
        floors = least_shares(weights, self.usd, self.explore)
        if self.probe is None:
            return floors
        bound = float(weights @ self.usd)
        if not self.is_paced and np.isfinite(value_usd):
            bound = max(bound, AT_STAKE * value_usd * float(weights @ self.mean))
        return np.maximum(
            floors, self.probe * np.minimum(1.0, bound / np.maximum(self.usd, 1e-300))
        )


HOLDS = ("information", "bound", "incumbent")
"""What may move weights, in this order; NOTICED is the least share moved that is told."""

NOTICED = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """
    value_usd       V
    weights         (arms,)
    usd, success    expected of one request
    error           standard deviation of `success` by what is not known of the arms
    steps           weights on the way, from who is the best buy to `weights`; empty if rough
    unheld          the rung as it were if no incumbent kept a share; None where none does
    parts       of each class of prompt size at the same V; empty: there is one
    """

    value_usd: float
    weights: FloatArray
    usd: float
    success: float
    error: float = 0.0
    steps: tuple[FloatArray, ...] = ()
    unheld: Rung | None = None
    parts: tuple[Rung, ...] = ()

    def of(self, size: int | None) -> Rung:
        """That of a class of prompt size; of the mix where there is none, or it is not known."""
        return self if size is None or not self.parts else self.parts[size]

    @property
    def held(self) -> tuple[str, ...]:
        """What moved the weights from who is the best buy: information, bound, incumbent."""
        moves = (float(np.abs(now - was).sum()) / 2 for was, now in pairwise(self.steps))
        return tuple(name for name, moved in zip(HOLDS, moves, strict=False) if moved > NOTICED)


def rung_values(usd: FloatArray) -> FloatArray:
    """0, then geometric from half the cheapest cost to 400 times the dearest; (RUNGS,).

    If all cost the same, prices decide nothing and the ladder is 0 and inf.
    """
    costs = np.unique(usd)
    if len(costs) == 1:
        return np.array([0.0, np.inf])
    positive = costs[costs > 0]
    gap = float(np.diff(costs).min())
    least = max(min(float(positive[0]), gap), 1e-4 * float(positive[0]), 1e-6 * float(costs[-1]))
    return np.concatenate(
        [[0.0], np.geomspace(LOWEST * least, HIGHEST * float(costs[-1]), RUNGS - 1)]
    )


class Ladder:
    """Rungs of one cell, each solved when it is first asked for."""

    def __init__(self, arms: Arms, values: FloatArray | None = None) -> None:
        self.arms = arms
        self._values = values
        self._contest = Contest(arms.a, arms.b, arms.usd)
        self._mean, self._spread = arms.mean, arms.spread
        self._damping = Damping(self._mean, arms.a + arms.b, arms.usd, arms.labels)
        self._rungs: dict[float, Rung] = {}
        self._rough: dict[float, Rung] = {}

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
        return [self[i] for i in range(len(self))]

    def at(self, value_usd: float) -> Rung:
        """The rung of any V, on the ladder's grid or between."""
        rung = self._rungs.get(value_usd)
        if rung is None:
            rung = self._rungs[value_usd] = self._solve(value_usd)
        return rung

    def rough(self, value_usd: float, along: FloatArray | None = None) -> Rung:
        """The rung of any V to a few percent, for a tenth of the time and without bounds.

        along   values of V that will be asked for next, `values` if left out
        """
        rung = self._rough.get(value_usd)
        if rung is None:
            is_small = len(self.arms.usd) <= CROWD
            values = self.values if along is None else along
            values = np.union1d(values, [value_usd]) if is_small else np.array([value_usd])
            self._rough |= self._roughly(values)
            rung = self._rough[value_usd]
        return rung

    def _roughly(self, values: FloatArray) -> dict[float, Rung]:
        arms, weights = self.arms, self._contest.rough(values)
        usd, success = weights @ arms.usd, weights @ self._mean
        error = np.sqrt(weights**2 @ self._spread**2)
        columns = (values.tolist(), weights, usd.tolist(), success.tolist(), error.tolist())
        return {
            value: Rung(value_usd=value, weights=row, usd=cost, success=right, error=off)
            for value, row, cost, right, off in zip(*columns, strict=True)
        }

    def lowest(self, reaches: Callable[[Rung], bool]) -> int:
        """The lowest rung that `reaches`, by bisection; `len` if none does.

        Success need not rise all the way up (an unknown dear arm may take share from a known
        good one), so the search starts from no earlier result but from rough rungs: the same
        arms, the same rung.
        """
        values = self.values.tolist()
        near = first_true(len(self), lambda index: reaches(self.rough(values[index])))
        return first_true(len(self), lambda index: reaches(self[index]), near=near)

    def best(self, worth: Callable[[Rung], float]) -> Rung:
        """The rung worth most of those that were looked at, the highest of equals."""
        return max(self._rungs.values(), key=lambda rung: (worth(rung), rung.value_usd))

    def sought(self, floor: float, value_usd: float, searched_usd: float) -> Rung:
        """Where nothing surely reaches the floor: the cheapest that may, as long as it may.

        value_usd       V of the part that none reaches it
        searched_usd    V of the part that one does: what it may cost to find it
        """
        arms, best = self.arms, self._contest.weights(value_usd)
        found, none = cheapest_that_holds(arms.a, arms.b, arms.usd, floor)
        damped = self._damping.damped
        looked = damped(found / max(1 - none, 1e-12), searched_usd)
        weights = (1 - none) * looked + none * damped(best, value_usd)
        return self._rung(found + none * best, weights, value_usd)

    def paired(self, floor: float, value_usd: float) -> Rung | None:
        """The cheapest mixture of two arms that are expected to give the floor; None if none."""
        weights = cheapest_pair(self._mean, self.arms.usd, floor)
        return None if weights is None else self._rung(weights, weights, value_usd)

    def _solve(self, value_usd: float) -> Rung:
        best = self._contest.weights(value_usd)
        return self._rung(best, self._damping.damped(best, value_usd), value_usd)

    def _rung(self, wanted: FloatArray, weights: FloatArray, value_usd: float) -> Rung:
        """What weights cost and deliver, once they are within all bounds.

        wanted      (arms,) the weights before looks were weighed against what they earn
        """
        arms, looked = self.arms, weights
        if arms.most is not None:
            weights = below(weights, arms.most, lambda free: self._among(free, value_usd))
        bounded = weights = above(weights, arms.least(weights, value_usd))
        steps = (wanted, looked, bounded)
        if arms.incumbent is None:
            return self._told(value_usd, weights, (*steps, weights))
        weights = kept(weights, arms.incumbent, self._mean, self._spread, arms.usd, value_usd)
        found = self._told(value_usd, weights, (*steps, weights))
        return replace(found, unheld=self._told(value_usd, bounded, steps))

    def _told(self, value_usd: float, weights: FloatArray, steps: tuple[FloatArray, ...]) -> Rung:
        return Rung(
            value_usd=value_usd,
            weights=weights,
            usd=float(weights @ self.arms.usd),
            success=float(weights @ self._mean),
            error=float(np.linalg.norm(weights * self._spread)),
            steps=steps,
        )

    def _among(self, free: Indices, value_usd: float) -> FloatArray:
        """The contest of some arms, as if the others were not there."""
        arms = self.arms
        return Contest(arms.a[free], arms.b[free], arms.usd[free]).weights(value_usd)


def mixed(low: Rung, high: Rung, share: float) -> Rung:
    """`share` of the requests on the higher rung, the rest on the lower."""
    value = high.value_usd if share > 0 else low.value_usd
    return Rung(
        value_usd=value,
        weights=(1 - share) * low.weights + share * high.weights,
        usd=(1 - share) * low.usd + share * high.usd,
        success=(1 - share) * low.success + share * high.success,
        error=(1 - share) * low.error + share * high.error,
        steps=tuple(
            (1 - share) * a + share * b for a, b in zip(low.steps, high.steps, strict=True)
        ),
        unheld=mixed(low.unheld, high.unheld, share) if low.unheld and high.unheld else None,
        parts=tuple(mixed(a, b, share) for a, b in zip(low.parts, high.parts, strict=True)),
    )
