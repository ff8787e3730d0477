"""The price-quality frontier: what every value of a success would cost and deliver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from windsock.core.weights import FloatArray, best_weights

RUNGS = 48
LOWEST = 0.5
HIGHEST = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The candidates of one cell.

    a, b        (arms,) Beta parameters of success
    usd         (arms,) expected dollars of one request
    explore     least total probability, split evenly
    """

    a: FloatArray
    b: FloatArray
    usd: FloatArray
    explore: float = 0.0

    @property
    def mean(self) -> FloatArray:
        return self.a / (self.a + self.b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """value_usd V; weights (arms,); expected cost and success of one request."""

    value_usd: float
    weights: FloatArray
    usd: float
    success: float


def rung_values(usd: FloatArray) -> FloatArray:
    """0, then geometric from half the cheapest cost to 400 times the dearest; (RUNGS,).

    If all cost the same, prices decide nothing and the ladder is 0 and inf.
    """
    costs = np.unique(usd)
    if len(costs) == 1:
        return np.array([0.0, np.inf])
    positive = costs[costs > 0]
    gap = float(np.diff(costs).min())
    least = max(min(float(positive[0]), gap), 1e-6 * float(costs[-1]))
    return np.concatenate(
        [[0.0], np.geomspace(LOWEST * least, HIGHEST * float(costs[-1]), RUNGS - 1)]
    )


class Ladder:
    """Rungs of one cell, each solved when it is first asked for."""

    def __init__(self, arms: Arms, values: FloatArray | None = None) -> None:
        self.arms = arms
        self.values = rung_values(arms.usd) if values is None else values
        self._rungs: dict[int, Rung] = {}

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Rung:
        rung = self._rungs.get(index)
        if rung is None:
            rung = self._rungs[index] = solve(self.arms, float(self.values[index]))
        return rung

    def lowest(self, reaches: Callable[[Rung], bool]) -> int:
        """The lowest rung that `reaches`, by bisection; `len` if none does."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if reaches(self[middle]):
                high = middle
            else:
                low = middle + 1
        return low


def solve(arms: Arms, value_usd: float) -> Rung:
    """The weights for one V, with the exploration floor, and what they cost and deliver."""
    weights = with_floor(best_weights(arms.a, arms.b, arms.usd, value_usd), arms.explore)
    return Rung(
        value_usd=value_usd,
        weights=weights,
        usd=float(weights @ arms.usd),
        success=float(weights @ arms.mean),
    )


def mixed(low: Rung, high: Rung, share: float) -> Rung:
    """`share` of the requests on the higher rung, the rest on the lower."""
    value = high.value_usd if share > 0 else low.value_usd
    return Rung(
        value_usd=value,
        weights=(1 - share) * low.weights + share * high.weights,
        usd=(1 - share) * low.usd + share * high.usd,
        success=(1 - share) * low.success + share * high.success,
    )


def with_floor(weights: FloatArray, explore: float) -> FloatArray:
    """Raise every weight to explore / arms, taking it from the others in proportion."""
    least = explore / len(weights)
    if least <= 0 or float(weights.min()) >= least:
        return weights
    low = np.zeros(len(weights), dtype=bool)
    while True:
        scale = (1 - least * low.sum()) / weights[~low].sum()
        sinking = ~low & (weights * scale < least)
        if not sinking.any():
            return np.where(low, least, weights * scale)
        low |= sinking
