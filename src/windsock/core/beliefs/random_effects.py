"""Crossed random effects: what tasks and deployments have in common, on the scale of log odds.

    logit success = mean + task + deployment + interaction

Each is a normal effect whose variance is estimated with it (penalised quasi-likelihood, Breslow &
Clayton 1993; EM for the variances), so that a table where deployments differ by task is pooled less
than one where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

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

TURNED = [0, 2, 1, 3]
"""Variances with those of tasks and deployments in each other's place."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What was fitted, for cells that were seen and for those that were not.

    log_odds, variance  (tasks, names) of each cell without its own rewards
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

    @property
    def turned(self) -> Effects:
        """The same with tasks and deployments in each other's place."""
        return Effects(
            log_odds=self.log_odds.T,
            variance=self.variance.T,
            grand=self.grand,
            tasks=self.names,
            names=self.tasks,
            usual=self.usual[TURNED],
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Who has rewards: only they say how much rows, columns and cells of a grid differ.

    rows, columns, cells    1 for those that have any
    counts      (4,) of the mean, rows, columns and cells
    """

    rows: FloatArray
    columns: FloatArray
    cells: FloatArray
    counts: FloatArray

    @classmethod
    def of(cls, n: FloatArray) -> _Seen:
        cells = np.where(n > 0, 1.0, 0.0)
        rows: FloatArray = cells.max(axis=1)
        columns: FloatArray = cells.max(axis=0)
        return cls(rows, columns, cells, np.array([0.0, rows.sum(), columns.sum(), cells.sum()]))


@dataclass(slots=True)
class _Round:
    """One fit given the last: effects, and per cell what its rewards say beyond them.

    rows, columns   effects; the mean is the first of the rows
    spans           their variances, and their covariances with the mean
    usual           (4,) variances that it was fitted with
    common, known, rest, spread     (rows, columns) of each cell: the sum of its effects, its
                    variance, what the working response is beyond it, and what that weighs
    """

    rows: FloatArray
    columns: FloatArray
    spans: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    usual: FloatArray
    common: FloatArray
    known: FloatArray
    rest: FloatArray
    spread: FloatArray


def fit_effects(offset: FloatArray, n: FloatArray, s: FloatArray, unknown: Unknown) -> Effects:
    """Fit to the rewards of the cells of every task with every deployment.

    offset      (tasks, names) log odds that are known besides
    n, s        (tasks, names) rewards and their sums, each worth a 0/1 reward
    """
    if n.shape[0] <= n.shape[1]:
        return _fit(offset, n, s, unknown)
    return _fit(offset.T, n.T, s.T, replace(unknown, usual=unknown.usual[TURNED])).turned


def _fit(offset: FloatArray, n: FloatArray, s: FloatArray, unknown: Unknown) -> Effects:
    """The same where rows are not more than columns, which are solved for one by one."""
    usual, seen = unknown.usual, _Seen.of(n)
    common, own = np.full(n.shape, unknown.log_odds), np.zeros(n.shape)
    for _ in range(ROUNDS):
        at = _fitted(offset, n, s, (usual, common, own), unknown)
        shrunk = usual[3] * at.spread
        usual, common, own = _variances(at, seen, shrunk, unknown), at.common, shrunk * at.rest
    leverage = np.minimum(at.spread * at.known, MOST_LEVERAGE)
    others = 1 / (1 - leverage)
    grand, variance = float(at.rows[0]), float(at.spans[0][0])
    own_rows, own_columns, with_rows, with_columns = at.spans
    rows = at.rows[1:] + grand, own_rows[1:] + variance + 2 * with_rows[1:]
    columns = at.columns + grand, own_columns + variance + 2 * with_columns
    return Effects(
        log_odds=offset + at.common - leverage * others * at.rest,
        variance=at.known * others + usual[3],
        grand=(grand, variance),
        tasks=_pairs(*rows),
        names=_pairs(*columns),
        usual=usual,
    )


def _pairs(values: FloatArray, variances: FloatArray) -> list[Pair]:
    return list(zip(values.tolist(), variances.tolist(), strict=True))


def _fitted(
    offset: FloatArray, n: FloatArray, s: FloatArray,
    last: tuple[FloatArray, FloatArray, FloatArray], unknown: Unknown,
) -> _Round:  # fmt: skip
    """Effects by the working responses around the last fit: Henderson's equations.

    Columns share no cell, so their part of the equations is diagonal and is eliminated: what is
    left to invert is as wide as there are rows.
    """
    usual, common, own = last
    odds = common + own
    p = special.expit(np.minimum(np.maximum(offset + odds, -FURTHEST), FURTHEST))
    expected = n * p
    weight = expected * (1 - p)
    response = odds + (s - expected) / np.maximum(weight, 1e-9)
    spread = weight / (1 + usual[3] * weight)
    cross = _with_sum(spread)
    diagonal = cross[0] + 1 / usual[2]
    part = cross / diagonal
    inverse: Any = np.linalg.inv(_rows_alone(spread, usual) - part @ cross.T)
    pull = _with_sum(spread * response)
    by_row = pull.sum(axis=1)
    by_row[0] += unknown.log_odds / usual[0]
    rows = inverse @ (by_row - part @ pull[0])
    columns = pull[0] / diagonal - rows @ part
    shared = inverse @ part
    own_rows, own_columns = inverse.diagonal(), 1 / diagonal + (part * shared).sum(axis=0)
    fitted = (rows[0] + rows[1:])[:, None] + columns
    by_rows = own_rows[0] + own_rows[1:] + 2 * inverse[0, 1:]
    return _Round(
        rows=rows,
        columns=columns,
        spans=(own_rows, own_columns, inverse[0], -shared[0]),
        usual=usual,
        common=fitted,
        known=by_rows[:, None] + (own_columns - 2 * shared[0]) - 2 * shared[1:],
        rest=response - fitted,
        spread=spread,
    )


def _with_sum(grid: FloatArray) -> FloatArray:
    """(1 + rows, columns) the sum of the rows, then the rows."""
    made = np.empty((1 + grid.shape[0], grid.shape[1]))
    np.add.reduce(grid, axis=0, out=made[0])
    made[1:] = grid
    return made


def _rows_alone(spread: FloatArray, usual: FloatArray) -> FloatArray:
    """(1 + rows, 1 + rows) precision of the mean and the rows, were columns known."""
    by_row = spread.sum(axis=1)
    made: FloatArray = np.zeros((1 + len(by_row), 1 + len(by_row)))
    made.ravel()[len(by_row) + 2 :: len(by_row) + 2] = by_row + 1 / usual[1]
    made[0, 1:] = made[1:, 0] = by_row
    made[0, 0] = by_row.sum() + 1 / usual[0]
    return made


def _variances(at: _Round, seen: _Seen, shrunk: FloatArray, unknown: Unknown) -> FloatArray:
    """Of the mean as it was; of the others their mean squares, with what is usual.

    shrunk  (rows, columns) how much of what is left of each cell is its own
    """
    rows, columns = at.rows**2 + at.spans[0], at.columns**2 + at.spans[1]
    own = (shrunk * at.rest) ** 2 + at.usual[3] * (1 - shrunk) + shrunk**2 * at.known
    sums = seen.rows @ rows[1:], seen.columns @ columns, np.vdot(seen.cells, own)
    made: FloatArray = (np.array([0.0, *sums]) + USUAL_COUNTS * unknown.usual) / (
        seen.counts + USUAL_COUNTS
    )
    made[0] = unknown.usual[0]
    return made


def beta_of(log_odds: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean success, and the rewards that knowing it so well is worth."""
    mean = special.expit(log_odds / np.sqrt(1 + PROBIT * variance))
    spread = (mean * (1 - mean)) ** 2 * variance
    return mean, mean * (1 - mean) / np.maximum(spread, 1e-9) - 1
