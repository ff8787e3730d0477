"""What a proxy's scores say of success once its bias is measured against labels.

    success - score = mu + a(deployment) + b(cell)

The three are normal with mean 0; their spreads are measured across cells and shrunk to what is
usual. A cell's own labels are left out of what is said of it: they are counted as labels. Where no
answer is known both ways, the usual spread alone bounds the say: a thousand scores that may all be
off by 15 points are worth some ten labels (cf. prediction-powered inference, Angelopoulos et al.
2023, whose correction is estimated in each cell alone).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from windsock.core.beliefs.proxies.pooling import pooled
from windsock.core.model.arrays import FloatArray, IntArray

USUAL = np.array([0.04, 0.12, 0.09]) ** 2
"""Variances of mu, a and b before anything is measured."""

WORTH = 4.0, 8.0
"""Deployments, and cells, that the usual variances of a and of b are worth."""

ROUNDS = 8
"""Of expectation maximisation; twenty change no figure of the benchmark."""

USUAL_NOISE, NOISE_WORTH = 0.15, 8.0
"""Variance of success - score within a cell, and the answers that this guess is worth."""

SLOPE_WORTH = 1.0
"""Sum of squares of scores that the guess of slope 1 is worth: five answers or so."""

LEAST_SLOPE = 0.02

EVEN, MANY = 0.02, 10.0
"""Variance of a deployment's scores below which it is praised alike, once there are so many."""

EVENER = 0.1
"""That variance is at most this share of the variance of the other deployments' scores."""

NO_SPREAD = 1e-6
"""Variance that is none."""

LEAST_TRUST = 0.25
"""What praise alike counts for at least: who answers well every time looks so, too."""

MIDDLING = 0.15**2
"""Variance of success around its task's mean, of a deployment that is taken for a middling one
because its praise tells nothing."""

SUSPECT = 2.0
"""Labels of other tasks at which such a deployment is half as far from middling as they say."""

LEAST_SCORED = 0.01
"""Answers below which there are none; sums that fade leave less behind."""

FEW = 1.0
"""Labels a scored cell at which half of what bias may explain in scores is drawn together: with
more of them labels say how much they differ."""

FIRST = 4.0
"""Scores of which half are taken to be 1, before any came."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """What is known of one proxy's bias on a route.

    slope       0..1, λ: how far labels move with scores, pooled over all answers known both ways;
                1 before any is known. At 0 the proxy tells nothing
    bias        (cells,) success less score as far as it is known; 0 where nothing is
    mean        (cells,) success as the corrected scores have it, without the cell's own labels
    variance    (cells,) of that
    spread      the usual |bias| of deployments and of cells, measured
    """

    slope: float
    bias: FloatArray
    mean: FloatArray
    variance: FloatArray
    spread: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gaps:
    """Success less score of each cell, with the variance of that; `is_known` 1 or 0."""

    gap: FloatArray
    noise: FloatArray
    is_known: FloatArray


def corrected(
    sums: FloatArray, task: IntArray, deployment: IntArray, weight: float = 1.0
) -> Correction:
    """Correct the scores of every cell by what is known of all.

    sums        (9, cells) as in `ProxySums`; cells that were never scored hold 0
    task, deployment    (cells,) their numbers
    weight      0..1, how much of a scored answer each counts for
    """
    judged, score = _unlabelled(sums)
    fit = _fitted(sums, deployment)
    slope = slope_of(sums)
    expected, common, own = fit.without_own()
    spread_of_one = (judged * score * (1 - score) + FIRST * 0.25) / (judged + FIRST)
    chance = spread_of_one / np.maximum(weight * judged, 1e-9)
    is_scored, trust = np.where(judged > LEAST_SCORED, 1.0, 0.0), _trust(sums, deployment)
    doubt = common, own + is_scored * chance
    pool = pooled(score + expected, is_scored * trust, (task, deployment), doubt)
    few = FEW * is_scored.sum() / (FEW * is_scored.sum() + sums[3].sum() + 1e-9)
    mean = score + expected
    middling = pool.centre + _beyond(sums, pool.centre, deployment)
    mean = middling + trust * (mean + few * (pool.mean - mean) - middling)
    variance = (trust * (common + own) + (1 - trust) * MIDDLING + chance) / max(slope, LEAST_SLOPE)
    spread = tuple(float(np.sqrt(each)) for each in fit.spans[1:])
    return Correction(
        slope=slope,
        bias=fit.bias(),
        mean=np.clip(mean, 0.0, 1.0),
        variance=np.where(judged > LEAST_SCORED, variance, np.inf),
        spread=(spread[0], spread[1]),
    )


def _unlabelled(sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(cells,) scored answers without a label, and their mean score.

    Those with one are left out: their luck is in the labels, and would count twice. Where there
    are no others the mean is theirs.
    """
    judged, total, _, both, _, _, scores = sums[:7]
    beside = np.divide(scores, both, out=np.zeros_like(total), where=both > 0)
    alone = np.minimum(total, judged) / np.maximum(judged, 1e-9)
    return judged, np.where(judged > LEAST_SCORED, alone, beside)


def _fitted(sums: FloatArray, deployment: IntArray) -> _Fit:
    gaps = _gaps(sums)
    fit = _Fit(gaps, deployment)
    for _ in range(ROUNDS if gaps.is_known.any() else 0):
        fit.measure()
    return fit


def slope_of(sums: FloatArray) -> float:
    """cov(s, J) / var(J) over all answers known both ways, 0..1, shrunk to 1."""
    _, _, _, n, labels, _, scores, squares, products = sums.sum(axis=1).tolist()
    if n <= 0:
        return 1.0
    common, spread = products - labels * scores / n, squares - scores * scores / n
    return float(min(1.0, max(0.0, (common + SLOPE_WORTH) / (spread + SLOPE_WORTH))))


def _trust(sums: FloatArray, deployment: IntArray) -> FloatArray:
    """(cells,) 1, or less where a deployment's answers are praised alike and others' are not.

    A judge that tells answers apart, but none of this deployment's, may be flattered by it; or it
    answers well every time. Where scores of others hardly vary either, that tells nothing.
    """
    scored = sums[:3] + sums[[3, 6, 7]]
    judged, total, squares = (np.bincount(deployment, each) for each in scored)
    mean = total / np.maximum(judged, 1e-9)
    apart = np.maximum(squares - total * mean, 0.0)
    spread, rest = apart / np.maximum(judged, 1e-9), np.maximum(judged.sum() - judged, 1e-9)
    even = np.minimum(EVEN, EVENER * (apart.sum() - apart) / rest)
    share = np.clip((spread + NO_SPREAD) / (even + NO_SPREAD), LEAST_TRUST, 1.0)
    found: FloatArray = np.where((mean > 0.5) & (judged >= MANY), share, 1.0)[deployment]
    return found


def _beyond(sums: FloatArray, centre: FloatArray, deployment: IntArray) -> FloatArray:
    """(cells,) by how much labels of a deployment's other tasks lie off the means of those."""
    n, off = sums[3], sums[4] - sums[3] * centre
    counts, offs = (np.bincount(deployment, each)[deployment] - each for each in (n, off))
    found: FloatArray = offs / (counts + SUSPECT)
    return found


def _gaps(sums: FloatArray) -> _Gaps:
    _, _, _, n, labels, label_squares, scores, squares, products = sums
    count = np.maximum(n, 1e-9)
    rest = label_squares - 2 * products + squares - (labels - scores) ** 2 / count
    left = float(np.where(n > 0, np.maximum(rest, 0.0), 0.0).sum())
    noise = (left + USUAL_NOISE * NOISE_WORTH) / (float(np.maximum(n - 1, 0.0).sum()) + NOISE_WORTH)
    is_known = np.where(n > 0, 1.0, 0.0)
    return _Gaps(gap=is_known * (labels - scores) / count, noise=noise / count, is_known=is_known)


class _Fit:
    """Effects and their variances, fitted in turn.

    spans   variances of mu, a and b; that of mu is not measured, there is only one
    """

    def __init__(self, gaps: _Gaps, deployment: IntArray) -> None:
        self._gaps, self._of = gaps, deployment
        self._count = int(deployment.max(initial=-1)) + 1
        self.spans = USUAL.copy()
        self._solve()

    def measure(self) -> None:
        """Measure the variances anew, given the effects."""
        seen = np.minimum(self._sum(self._gaps.is_known), 1.0)
        own = self.spans[2] * (1 - self._shrunk) + self._shrunk**2 * self._known[self._of]
        squares = (
            float(seen @ (self._a**2 + self._known)),
            float(self._gaps.is_known @ (self._b**2 + own)),
        )
        counts = float(seen.sum()), float(self._gaps.is_known.sum())
        for at in (0, 1):
            self.spans[at + 1] = (WORTH[at] * USUAL[at + 1] + squares[at]) / (
                WORTH[at] + counts[at]
            )
        self._solve()

    def bias(self) -> FloatArray:
        """(cells,) mu + a + b."""
        found: FloatArray = self._mu + self._a[self._of] + self._b
        return found

    def without_own(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(cells,) mu + a without what the cell's own labels say; variances of that and of b."""
        pull = self._weight * (self._gaps.gap - self._mu)
        precision = self._sum(self._weight)[self._of] - self._weight + 1 / self.spans[1]
        effect = (self._sum(pull)[self._of] - pull) / precision
        common = self._mu_variance / (self.spans[1] * precision) ** 2
        own = np.full(len(self._of), self.spans[2])
        return self._mu + effect, 1 / precision + common, own

    def _solve(self) -> None:
        """Effects given the variances: of cells in deployments, of deployments in all."""
        gaps, (of_mu, of_a, of_b) = self._gaps, self.spans
        self._weight = gaps.is_known / (of_b + gaps.noise)
        held = self._sum(self._weight)
        means = self._sum(self._weight * gaps.gap) / np.maximum(held, 1e-12)
        weight = np.where(held > 0, 1 / (of_a + 1 / np.maximum(held, 1e-12)), 0.0)
        self._mu_variance = 1 / (float(weight.sum()) + 1 / of_mu)
        self._mu = float(weight @ means) * self._mu_variance
        precision = held + 1 / of_a
        self._a = self._sum(self._weight * (gaps.gap - self._mu)) / precision
        self._known = 1 / precision + self._mu_variance / (of_a * precision) ** 2
        self._shrunk = gaps.is_known * of_b / (of_b + gaps.noise)
        self._b = self._shrunk * (gaps.gap - self._mu - self._a[self._of])

    def _sum(self, cells: FloatArray) -> FloatArray:
        """(deployments,)"""
        made: FloatArray = np.bincount(self._of, cells, minlength=self._count).astype(np.float64)
        return made
