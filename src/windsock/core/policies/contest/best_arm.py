"""Posterior and prices to the exact chance that each arm is best.

Arm k has success theta_k ~ Beta(a_k, b_k) and costs c_k dollars a request. At a value of V
dollars per success it wins when its theta_k - c_k / V is the largest, so

    w_k(V) = integral f_k(z + c_k/V) * prod over j != k of F_j(z + c_j/V) dz

Arms that cannot win are out. The integrals of the others are those of `integration`, for all
contests together: of a few arms, numpy takes longer to be called than to reckon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray, Indices
from windsock.core.policies.contest.integration import NOBODY, integrate

TAIL = 1e-10
"""Chance outside the range that an arm is integrated over, on each side."""

ROUGH_GRID = np.linspace(0.0, 1.0, 25)[:, None]
"""Nodes of the rough weights, in parts of the range."""

FAR = 8.0
"""Standard deviations beyond which a normal variable does not lie."""

CROWD = 12
CROWD_HALVINGS = 6
"""With more arms than CROWD, the range of the best one is looked for first, by bisection."""

TOGETHER = 100
"""Arms of all contests that are integrated at once: with more, the arrays leave the cache."""


def best_weights(a: FloatArray, b: FloatArray, usd: FloatArray, value_usd: float) -> FloatArray:
    """Exact probability that each arm has the greatest V * theta - cost.

    a, b       (arms,) Beta parameters, at least 0.5
    usd        (arms,) expected dollars of one request
    value_usd  V, dollars per success; 0 asks for the cheapest, inf for the best
    returns    (arms,), sums to 1; ties of the cheapest at V = 0 go to the better
    """
    return weigh([(Contest(a, b, usd), value_usd)])[0]


class Standing(NamedTuple):
    """
    arms    those that may win
    facts   (7, arms) of each, as `integrate` takes them
    low     utility that the best of them surely exceeds
    """

    arms: Indices
    facts: FloatArray
    low: float


class Contest:
    """Arms prepared once, to be weighed at several values of V."""

    __slots__ = ("_dearer", "_facts", "_mean", "size")

    def __init__(self, a: FloatArray, b: FloatArray, usd: FloatArray) -> None:
        total = a + b
        low, high = special.betaincinv(a, b, TAIL), special.betainccinv(a, b, TAIL)
        sd = np.sqrt(a * b / (total + 1)) / total
        self.size = len(usd)
        self._mean, self._dearer = a / total, usd - usd.min()
        self._facts = np.array([self._dearer, a, b, special.betaln(a, b), sd, low, high])

    def alive(self, value_usd: float) -> Standing:
        """The arms that may win at V."""
        facts = self._facts.copy()
        if value_usd > 0.0:
            facts[0] /= value_usd
        else:
            facts[0, self._dearer > 0.0] = np.inf
        right, low = facts[6] - facts[0], float((facts[5] - facts[0]).max())
        arms = (right > low).nonzero()[0]
        if len(arms) > CROWD:
            low = _floor_of_best(facts[:, arms], low)
            arms = (right > low).nonzero()[0]
        if not len(arms):
            arms = right.argmax(keepdims=True)
        return Standing(arms, facts[:, arms], low)

    def rough(self, values_usd: FloatArray) -> FloatArray:
        """(values, arms) weights to a few percent, for a tenth of the time: where to look.

        Success is taken to be normal, on an even grid.
        """
        dearer, _, _, _, sd, low, high = self._facts[:, :, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = np.where(dearer > 0.0, dearer / values_usd, 0.0)
        mean = self._mean[:, None] - shift
        left = np.maximum((low - shift).max(axis=0), (mean - 2 * sd).max(axis=0))
        z = left + ((high - shift).max(axis=0) - left) * ROUGH_GRID
        below = np.maximum(_normal((z[:, None] - mean) / sd), 1e-12)
        middle = (below[1:] + below[:-1]) / 2
        won = ((below[1:] - below[:-1]) / middle * middle.prod(axis=1)[:, None]).sum(axis=0)
        won += 1e-12
        weights: FloatArray = (won / won.sum(axis=0)).T
        return weights


def _normal(x: FloatArray) -> FloatArray:
    """The standard normal distribution; far out it is 0 or 1 to the last digit, and slow to ask."""
    below, near = (x > 0.0).astype(np.float64), np.abs(x) < FAR
    below[near] = special.ndtr(x[near])
    return below


def weigh(asked: Sequence[tuple[Contest, float]]) -> list[FloatArray]:
    """(arms,) weights of each contest at its V, as `best_weights` tells them."""
    standings = [contest.alive(value_usd) for contest, value_usd in asked]
    shares = [np.zeros(contest.size) for contest, _ in asked]
    for rows in _batches([len(standing.arms) for standing in standings]):
        for row, won in zip(rows, _won([standings[row] for row in rows]), strict=True):
            arms = standings[row].arms
            shares[row][arms] = won[: len(arms)]
    return shares


def _batches(counts: Sequence[int]) -> list[list[int]]:
    """Contests that are integrated at once, by how many arms each has: TOGETHER in all at most."""
    batches: list[list[int]] = []
    widest = 0
    for row, count in enumerate(counts):
        widest = max(widest, count)
        if not batches or (len(batches[-1]) + 1) * widest > TOGETHER:
            batches.append([])
            widest = count
        batches[-1].append(row)
    return batches


def _won(standings: Sequence[Standing]) -> FloatArray:
    """(contests, arms) of those that may win; what is beyond a contest's own is nobody's."""
    widest = max(len(each.arms) for each in standings)
    if widest == 1:
        return np.ones((len(standings), 1))
    facts = np.empty((len(NOBODY), len(standings), widest))
    facts[:] = NOBODY
    for row, each in enumerate(standings):
        facts[:, row, : len(each.arms)] = each.facts
    return integrate(facts, [each.low for each in standings])


def _floor_of_best(facts: FloatArray, low: float) -> float:
    """A utility that the best of many arms surely exceeds; far above each arm's own."""
    shift, a, b, right = facts[0], facts[1], facts[2], facts[6] - facts[0]
    high = float(right.max())
    for _ in range(CROWD_HALVINGS):
        middle = (low + high) / 2
        theta = np.minimum(middle + shift, 1.0)
        is_below_sure = float(special.betainc(a, b, theta).prod()) < TAIL
        low, high = (middle, high) if is_below_sure else (low, middle)
    return low
