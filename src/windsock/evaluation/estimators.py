"""What another policy would have earned, from what was logged under this one.

Estimators of a mean over n requests, each weighed by w = pi_new(taken) / pi_logged(taken):

ips         mean of w y                                     Horvitz and Thompson 1952
snips       sum of w y / sum of w                           Swaminathan and Joachims, NIPS 2015
dr          mean of m + w (y - m_taken)                     Dudik, Langford and Li, ICML 2011
switch_dr   the same without the correction where w > tau   Wang, Agarwal and Dudik, ICML 2017

m is the model's expectation under the new policy, m_taken for what was taken. The model uses only
what was known before each request, so dr is unbiased and its terms are uncorrelated in time: its
variance is the sum of what could be foreseen of each, which large weights that happened not to
fall cannot hide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

LEVEL = 0.95
TAUS = 24
"""Bounds of w between which switch-DR chooses."""

MOST_CAUTION = 1e3
"""Where what was seen is less than a thousandth of what was foreseen, it shows nothing."""

SAME = 1e-12
"""Two means that lie no further apart, as a share of them, are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmColumns:
    """One entry a request and deployment. All are (m,).

    ratio       new over logged probability
    noise       variance that it brings to the request's correction
    drawn       as much of it as chance alone brings: none where the draw was certain
    doubt       what it adds to the request's expectation if the model is as wrong as it may be
    """

    ratio: Floats
    noise: Floats
    drawn: Floats
    doubt: Floats

    def up_to(self, tau: float) -> ArmColumns:
        """Those whose ratio is no larger."""
        kept = self.ratio <= tau
        columns = (self.ratio, self.noise, self.drawn, self.doubt)
        ratio, noise, drawn, doubt = (each[kept] for each in columns)
        return ArmColumns(ratio=ratio, noise=noise, drawn=drawn, doubt=doubt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One quantity of every request. All are (n,).

    w           new over logged probability of what was taken
    seen        1 over the probability that y was reported, where it was; else 0
    y           what came of it; anything where it was not seen
    taken       the model's expectation of y
    expected    the model's expectation under the new policy
    arms        every deployment that might have been taken, over all requests
    """

    w: Floats
    seen: Floats
    y: Floats
    taken: Floats
    expected: Floats
    arms: ArmColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its interval of 95 %.

    parts       each request's part in its error, (n,), sum 0
    caution     standard error as foreseen over that seen in the parts, at least 1
    drawn       standard error that the draws alone bring, seen in the parts or not
    doubt       by how much the model may be off where it is not corrected; within the interval
    """

    mean: float
    low: float
    high: float
    parts: Floats
    caution: float = 1.0
    drawn: float = 0.0
    doubt: float = 0.0


def effective_samples(w: Floats) -> float:
    """Requests of the new policy that the log is worth (Kish): (sum w)^2 / sum w^2."""
    square = float(np.square(w).sum())
    return float(w.sum()) ** 2 / square if square else 0.0


def estimates(sample: Sample) -> dict[str, Estimate]:
    """All four, by name."""
    v = sample.w * sample.seen
    y = np.where(sample.seen > 0, sample.y, 0.0)
    residual = v * np.where(sample.seen > 0, y - sample.taken, 0.0)
    support = effective_samples(v)
    return {
        "ips": _mean(v * y, support),
        "snips": _ratio(v * y, v, support),
        "dr": _mean(sample.expected + residual, support, sample.arms),
        "switch_dr": _switched(sample, residual, support),
    }


def ratio(top: Estimate, bottom: Estimate, support: float) -> Estimate:
    """One mean over another of the same requests, by the delta method."""
    below = bottom.mean or float("nan")
    mean = top.mean / below
    parts = (top.parts - mean * bottom.parts) / below
    doubt = (top.doubt + abs(mean) * bottom.doubt) / abs(below)
    return _interval(mean, parts, support, max(top.caution, bottom.caution), doubt)


def difference(one: Estimate, other: Estimate, support: float) -> Estimate:
    """One mean less another of the same requests; 0 where nothing but rounding tells them apart.

    Requests that were all alike show no error: the draws still might have fallen otherwise.
    """
    caution, doubt = max(one.caution, other.caution), one.doubt + other.doubt
    is_same = isclose(one.mean, other.mean, rel_tol=SAME)
    mean, drawn = 0.0 if is_same else one.mean - other.mean, max(one.drawn, other.drawn)
    return _interval(mean, one.parts - other.parts, support, caution, doubt, drawn)


def bounded(found: Estimate, low: float, high: float) -> Estimate:
    """The same where nothing can lie outside of these bounds."""
    return replace(found, low=max(found.low, low), high=min(found.high, high))


def _mean(
    terms: Floats, support: float, foreseen: ArmColumns | None = None, doubt: float = 0.0
) -> Estimate:
    """foreseen: what the arms bring to the variance of the sum of the terms."""
    mean, n = float(terms.mean()), len(terms)
    seen = float(np.sqrt(np.square(terms - mean).sum()))
    ahead = 0.0 if foreseen is None else float(np.sqrt(foreseen.noise.sum()))
    caution = max(1.0, ahead / seen) if seen * MOST_CAUTION > ahead else 1.0
    drawn = 0.0 if foreseen is None else float(np.sqrt(foreseen.drawn.sum())) / n
    return replace(_interval(mean, terms - mean, support, caution, doubt, drawn), drawn=drawn)


def _ratio(top: Floats, bottom: Floats, support: float) -> Estimate:
    weight = float(bottom.mean())
    mean = float(top.mean()) / weight if weight else float("nan")
    return _interval(mean, (top - mean * bottom) / (weight or float("nan")), support)


def _switched(sample: Sample, residual: Floats, support: float) -> Estimate:
    """The bound of the shortest interval: what the model may be off beyond it widens it."""
    best = _mean(sample.expected + residual, support, sample.arms)
    arms, n = sample.arms, len(sample.w)
    for tau in _bounds(sample.w[sample.w > 0]):
        terms = sample.expected + np.where(sample.w <= tau, residual, 0.0)
        doubt = float(arms.doubt[arms.ratio > tau].sum()) / n
        found = _mean(terms, support, arms.up_to(tau), doubt)
        if found.high - found.low < best.high - best.low:
            best = found
    return best


def _bounds(w: Floats) -> Floats:
    """0, which leaves all to the model, and the upper half of the weights that fell."""
    tried = np.quantile(w, np.linspace(0.5, 1, TAUS)) if len(w) else w
    return np.unique(np.concatenate([[0.0], tried]))


def _interval(
    mean: float, parts: Floats, support: float, caution: float = 1.0, doubt: float = 0.0,
    least: float = 0.0,
) -> Estimate:  # fmt: skip
    """Normal, by Student's t with the effective samples as degrees of freedom.

    least   standard error that it has at least
    """
    n = len(parts)
    seen = caution * float(np.sqrt(np.square(parts).sum() / max(n - 1, 1) / n))
    error = max(seen, least)
    reach: Any = special.stdtrit(max(support - 1, 1.0), (1 + LEVEL) / 2)
    half = float(reach) * error + doubt
    return Estimate(
        mean=mean,
        low=mean - half,
        high=mean + half,
        parts=parts,
        caution=caution,
        doubt=doubt,
    )
