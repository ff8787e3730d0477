"""Whether features pay: what routing by them gains on requests that they were not learnt from.

Cross-fitted: regressions are learnt from all folds but one, and the requests of that one are routed
by them and without. What each would have earned is estimated by the doubly robust estimator (Dudik,
Langford and Li 2011), whose propensities are exact. A model of success may fit well and route
badly; only the gain of routing is looked at. The same request again falls in the same fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from windsock.core.context.ridge import Ridge, with_constant
from windsock.core.context.segment_clusters import LEAST_SIZE
from windsock.core.model.arrays import FloatArray, Indices

FOLDS = 5

RIDGE = 10.0
"""Rewards that "features say nothing" is worth: few, for what is too bold shows in the gain."""

LEAST_PROPENSITY = 0.02
"""Below it a reward counts as if its deployment had been drawn so often."""

Rows = NDArray[np.bool_]
"""(n,) which requests."""


@dataclass(frozen=True, slots=True)
class JudgedRequest:
    """What one request was like, who served it at which chance, and its reward, 0..1."""

    features: tuple[float, ...]
    deployment: str
    reward: float
    propensity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What routing is after.

    usd         of a mean request, by deployment
    value_usd   dollars per success; inf or None: the best at any price
    """

    usd: Mapping[str, float]
    value_usd: float | None

    def costs(self, names: Sequence[str]) -> FloatArray:
        """(names,) of a mean request, in successes."""
        value = self.value_usd or inf
        return np.array([self.usd[name] / value for name in names])


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Of routing by features: successes' worth a request, and its standard error."""

    mean: float
    error: float

    @property
    def is_credible(self) -> bool:
        """True if it is more than one standard error."""
        return self.mean > self.error


NO_GAIN = Gain(mean=0.0, error=inf)


def routing_gain(judged: Sequence[JudgedRequest], stakes: Stakes, size: FloatArray) -> Gain:
    """What requests gain that are routed by regressions which have not seen them.

    size    (features + 1,) coefficients of the relative size of a request
    """
    known = [each for each in judged if each.deployment in stakes.usd]
    names = sorted({each.deployment for each in known})
    requests = {features: i for i, features in enumerate({each.features: 0 for each in known})}
    if len(names) < 2 or len(requests) < 2 * FOLDS:
        return NO_GAIN
    table = _Table(known, names, stakes.costs(names), size)
    request = np.array([requests[each.features] for each in known])
    gains, variances = np.zeros(len(known)), np.zeros(len(known))
    for fold in range(FOLDS):
        held = request % FOLDS == fold
        if held.any():
            gains[held], variances[held] = table.gains(held)
    mean = float(gains.mean())
    apart = np.bincount(request, weights=gains - mean)
    seen, drawn = float((apart * apart).sum()), float(variances.sum())
    return Gain(mean=mean, error=sqrt(max(seen, drawn)) / len(known))


class _Table:
    """Judged requests as arrays: x (n, features + 1), served (n,) the column of `names`."""

    def __init__(
        self,
        judged: Sequence[JudgedRequest],
        names: Sequence[str],
        costs: FloatArray,
        size: FloatArray,
    ) -> None:
        self._names, self._costs = names, costs
        self._x = np.array([with_constant(each.features) for each in judged])
        self._size = np.maximum(self._x @ size, LEAST_SIZE)
        self._served = np.array([names.index(each.deployment) for each in judged])
        self._reward = np.array([each.reward for each in judged])
        chances = np.array([each.propensity for each in judged])
        self._chance = np.maximum(chances, LEAST_PROPENSITY)

    def gains(self, held: Rows) -> tuple[FloatArray, FloatArray]:
        """(held requests,) worth of routing them by features, beyond that of one place for all.

        Beside it the variance that each has by the chances of drawing: what was seen of a
        deployment that is drawn seldom may lie close together, and says little all the same.
        """
        x, size, served = self._x[held], self._size[held], self._served[held]
        ridges = [self._ridge(~held & (self._served == c)) for c in range(len(self._names))]
        success = np.stack([x @ each.coefficients(RIDGE) for each in ridges], axis=1)
        routed = (success - np.outer(size, self._costs)).argmax(axis=1)
        means = np.array([each.moment[0] / (each.count + 1.0) for each in ridges])
        plain = np.full(len(x), (means - self._costs).argmax())
        missed = self._reward[held] - success[np.arange(len(x)), served]
        mended = missed / self._chance[held]
        won = _at(success, routed) - _at(success, plain)
        won += ((routed == served) * 1.0 - (plain == served)) * mended
        saved = size * (self._costs[plain] - self._costs[routed])
        variance = np.where(routed != plain, self._spread(missed, routed, plain), 0.0)
        return won + saved, variance

    def _spread(self, missed: FloatArray, routed: Indices, plain: Indices) -> FloatArray:
        """(n,) variance of a difference of two rewards, each seen as often as it is drawn."""
        shares = np.bincount(self._served, minlength=len(self._names)) / len(self._served)
        drawn = 1.0 / np.maximum(shares, LEAST_PROPENSITY)
        spread: FloatArray = float((missed * missed).mean()) * (drawn[routed] + drawn[plain])
        return spread

    def _ridge(self, rows: Rows) -> Ridge:
        x, reward = self._x[rows], self._reward[rows]
        return Ridge(x.T @ x, x.T @ reward, float(len(x)), float(reward @ reward))


def _at(table: FloatArray, column: Indices) -> FloatArray:
    """(n,) of (n, columns) the one in each row."""
    found: FloatArray = table[np.arange(len(column)), column]
    return found
