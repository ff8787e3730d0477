"""Crossed random effects: what tasks and deployments have in common, on the scale of log odds.

    logit success = mean + task + deployment + interaction

Each is a normal effect whose variance is estimated with it (penalised quasi-likelihood, Breslow &
Clayton 1993; EM for the variances), so that a table where deployments differ by task is pooled less
than one where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray, IntArray

ROUNDS = 5
"""Times that effects and variances are fitted in turn."""

PARTS = np.array([0.3, 0.2, 0.25, 0.25])
"""Of what is not known before anything is seen: the mean, tasks, deployments, interactions."""

USUAL_COUNTS = 4.0
"""Effects of one kind that their usual variance is worth."""

FURTHEST = 6.0
"""Log odds beyond which success is not believed."""

MOST_LEVERAGE = 0.999
"""Of a cell on its own fit: without it, nothing would be known of its task or deployment."""

PROBIT = np.pi / 8
"""The logistic curve over a normal variable with variance v is that of x / sqrt(1 + PROBIT v)."""

Pair = tuple[float, float]
"""A value and its variance, or a mean and what it is worth in rewards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """What is thought of a deployment and task of which nothing is known.

    log_odds    whose mean success is the prior mean
    usual       (4,) variances of the mean, of tasks, deployments and interactions
    stretch     what log odds are more than those of the mean success, by not being known
    """

    log_odds: float
    usual: FloatArray
    stretch: float

    @classmethod
    def of(cls, mean: float, strength: float) -> Unknown:
        """mean: success, 0..1; strength: what that is worth in 0/1 rewards."""
        variance = 1 / ((strength + 1) * mean * (1 - mean))
        stretch = float(np.sqrt(1 + PROBIT * variance))
        return cls(
            log_odds=float(special.logit(mean)) * stretch,
            usual=variance * PARTS,
            stretch=stretch,
        )

    def offset(self, shift: float) -> float:
        """By how much log odds move where success is known to be `shift` more."""
        mean = float(special.expit(self.log_odds / self.stretch))
        moved = min(0.99, max(0.01, mean + shift))
        return float(special.logit(moved)) * self.stretch - self.log_odds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Which effects each cell has: the mean is the first, then tasks, then deployments.

    columns     (3, cells) of its mean, task and deployment
    pairs       (3, 3, cells) where each two of them stand in a (width, width) matrix
    """

    tasks: int
    names: int
    columns: IntArray
    pairs: IntArray

    @classmethod
    def of(cls, task: IntArray, name: IntArray, tasks: int, names: int) -> Design:
        """task, name: (cells,) which of them each cell is of."""
        columns = np.stack([np.zeros_like(task), 1 + task, 1 + tasks + name])
        pairs = columns[:, None, :] * (1 + tasks + names) + columns[None, :, :]
        return cls(tasks=tasks, names=names, columns=columns, pairs=pairs)

    @property
    def width(self) -> int:
        """Effects."""
        return 1 + self.tasks + self.names

    def sums(self, values: FloatArray) -> FloatArray:
        """(width,) what `values` of cells sum to, effect by effect."""
        sums = np.bincount(self.columns.ravel(), np.tile(values, 3), self.width)
        return sums.astype(np.float64)

    def products(self, weights: FloatArray) -> FloatArray:
        """(width, width) the same for every two effects."""
        flat = np.bincount(self.pairs.ravel(), np.tile(weights, 9), self.width**2)
        return flat.reshape(self.width, self.width).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What was fitted, for cells that were seen and for those that were not.

    log_odds, variance  (cells,) of each cell without its own rewards
    grand, tasks, names     of anyone at anything, of anyone at a task, of one at anything: log odds
                        and their variances
    usual               (4,) variances as in `Unknown`
    """

    log_odds: FloatArray
    variance: FloatArray
    grand: Pair
    tasks: list[Pair]
    names: list[Pair]
    usual: FloatArray


@dataclass(slots=True)
class _Round:
    """One fit given the last: effects, and per cell what its rewards say beyond them."""

    beta: FloatArray
    covariance: FloatArray
    usual: FloatArray
    common: FloatArray
    known: FloatArray
    rest: FloatArray
    spread: FloatArray


def fit_effects(
    design: Design, offset: FloatArray, n: FloatArray, s: FloatArray, unknown: Unknown
) -> Effects:
    """Fit to the rewards of cells.

    offset      (cells,) log odds that are known besides
    n, s        (cells,) rewards and their sums, each worth a 0/1 reward
    """
    usual = unknown.usual
    common, own = np.full(len(n), unknown.log_odds), np.zeros(len(n))
    for _ in range(ROUNDS):
        at = _fitted(design, offset, n, s, (usual, common, own), unknown)
        shrunk = usual[3] * at.spread
        usual, common, own = _variances(design, at, n, unknown), at.common, shrunk * at.rest
    leverage = np.minimum(at.spread * at.known, MOST_LEVERAGE)
    others = 1 / (1 - leverage)
    alone = np.diag(at.covariance) + np.where(
        np.arange(design.width) > 0, at.covariance[0, 0] + 2 * at.covariance[0], 0.0
    )
    effects = at.beta + np.where(np.arange(design.width) > 0, at.beta[0], 0.0)
    every = list(zip(effects.tolist(), alone.tolist(), strict=True))
    return Effects(
        log_odds=offset + at.common - leverage * others * at.rest,
        variance=at.known * others + usual[3],
        grand=every[0],
        tasks=every[1 : 1 + design.tasks],
        names=every[1 + design.tasks :],
        usual=usual,
    )


def _fitted(
    design: Design, offset: FloatArray, n: FloatArray, s: FloatArray,
    last: tuple[FloatArray, FloatArray, FloatArray], unknown: Unknown,
) -> _Round:  # fmt: skip
    """Effects by the working responses around the last fit: Henderson's equations."""
    usual, common, own = last
    p = special.expit(np.clip(offset + common + own, -FURTHEST, FURTHEST))
    weight = n * p * (1 - p)
    response = common + own + (s - n * p) / np.maximum(weight, 1e-9)
    spread = weight / (1 + usual[3] * weight)
    precision = np.repeat(1 / usual[:3], [1, design.tasks, design.names])
    covariance: Any = np.linalg.inv(design.products(spread) + np.diag(precision))
    right = design.sums(spread * response)
    right[0] += unknown.log_odds / usual[0]
    beta = covariance @ right
    fitted = beta[design.columns].sum(axis=0)
    return _Round(
        beta=beta,
        covariance=covariance,
        usual=usual,
        common=fitted,
        known=covariance.ravel()[design.pairs].sum(axis=(0, 1)),
        rest=response - fitted,
        spread=spread,
    )


def _variances(design: Design, at: _Round, n: FloatArray, unknown: Unknown) -> FloatArray:
    """Of the mean as it was; of the others their mean squares, with what is usual.

    Only tasks and deployments with rewards speak.
    """
    seen = design.sums(n) > 0
    squares = at.beta**2 + np.diag(at.covariance)
    shrunk = at.usual[3] * at.spread
    own = (shrunk * at.rest) ** 2 + at.usual[3] * (1 - shrunk) + shrunk**2 * at.known
    tasks, names = slice(1, 1 + design.tasks), slice(1 + design.tasks, None)
    groups = (squares[tasks][seen[tasks]], squares[names][seen[names]], own[n > 0])
    found = [
        (group.sum() + USUAL_COUNTS * usual) / (len(group) + USUAL_COUNTS)
        for group, usual in zip(groups, unknown.usual[1:], strict=True)
    ]
    return np.array([unknown.usual[0], *found])


def beta_of(log_odds: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean success, and the rewards that knowing it so well is worth."""
    mean = special.expit(log_odds / np.sqrt(1 + PROBIT * variance))
    spread = (mean * (1 - mean)) ** 2 * variance
    return mean, mean * (1 - mean) / np.maximum(spread, 1e-9) - 1
