"""A corrected proxy beside what other cells' labels let expect: two forecasts of one success.

They are combined by generalised least squares. How far the proxy's error is more than its
correction knows, and how far both err together, is measured where labels tell; a proxy that says
no more than the other cells do gets no say (forecast combination, Bates & Granger 1969).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from windsock.core.beliefs.proxies.correction import Correction
from windsock.core.model.arrays import FloatArray

COMMON = 0.3
"""Correlation of both errors that is taken for granted once labels correct the proxy: both rest on
them then."""

WORTH = 8.0
"""Cells with many labels that this, and that the proxy is as sure as it says, are worth."""

MUCH = 0.03
"""Variance of a cell's mean label at which it tells half as much as one with many."""

MOST_COMMON = 0.95

LEAST, MOST = 0.01, 0.99
"""Bounds of a forecast's mean."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """(cells,) mean success and its variance, without the cell's own labels."""

    mean: FloatArray
    variance: FloatArray

    @property
    def strength(self) -> FloatArray:
        """0/1 rewards that knowing it so well is worth."""
        found: FloatArray = self.mean * (1 - self.mean) / np.maximum(self.variance, 1e-9) - 1
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labels:
    """(cells,) labels of answers that the proxy scored as well: how many, and their sum."""

    count: FloatArray
    total: FloatArray


def combined(prior: Forecast, proxy: Correction, labels: Labels) -> Forecast:
    """The prior where the proxy has no say, else both together; never less sure than the prior."""
    stretch, common = _measured(prior, proxy, labels)
    one, other = prior.variance, np.minimum(proxy.variance * stretch, 1e6)
    shared = common * np.sqrt(one * other)
    share = np.clip((one - shared) / np.maximum(one + other - 2 * shared, 1e-12), 0.0, 1.0)
    mean = prior.mean + share * (proxy.mean - prior.mean)
    variance = (1 - share) ** 2 * one + share**2 * other + 2 * share * (1 - share) * shared
    return Forecast(mean=np.clip(mean, LEAST, MOST), variance=variance)


def _measured(prior: Forecast, proxy: Correction, labels: Labels) -> tuple[float, float]:
    """By how much the proxy's variance is to be stretched, 1 at least; the errors' correlation."""
    is_known = (labels.count > 0) & np.isfinite(proxy.variance)
    if not is_known.any():
        return 1.0, 0.0
    count, total = labels.count[is_known], labels.total[is_known]
    one, other = prior.variance[is_known], proxy.variance[is_known]
    near = prior.mean[is_known], proxy.mean[is_known]
    likely = np.clip((near[0] / one + near[1] / other) / (1 / one + 1 / other), 0.03, 0.97)
    chance = likely * (1 - likely) / count
    weight = MUCH / (MUCH + chance)
    prior_error, proxy_error = total / count - near[0], total / count - near[1]
    told = float(weight.sum())
    cells, granted = WORTH + told, COMMON * told / (1.0 + told)
    stretch = max(1.0, (WORTH + float(weight @ ((proxy_error**2 - chance) / other))) / cells)
    usual = np.sqrt(one * other * stretch)
    common = WORTH * granted + float(weight @ ((prior_error * proxy_error - chance) / usual))
    return stretch, min(MOST_COMMON, max(granted, common / cells))
