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
class _Grid:
    """What is fitted to, and what of it stays the same from round to round.

    offset, n, s    (rows, columns) as in `fit_effects`
    down, along     (1 + rows,) and (columns,) of ones: numpy sums a small grid four times as fast
                    by a product with them
    rows, columns, cells    1 for those with rewards: only they say how much they differ
    counts          of those rows, columns and cells
    """

    offset: FloatArray
    n: FloatArray
    s: FloatArray
    down: FloatArray
    along: FloatArray
    rows: FloatArray
    columns: FloatArray
    cells: FloatArray
    counts: tuple[float, float, float]

    @classmethod
    def of(cls, offset: FloatArray, n: FloatArray, s: FloatArray) -> _Grid:
        down, along = np.ones(1 + n.shape[0]), np.ones(n.shape[1])
        cells = (n > 0).astype(np.float64)
        rows: FloatArray = cells.max(axis=1)
        columns: FloatArray = cells.max(axis=0)
        counts = float(rows.sum()), float(columns.sum()), float(cells.sum())
        return cls(offset, n, s, down, along, rows, columns, cells, counts)


@dataclass(slots=True)
class _Round:
    """One fit given the last: effects, and per cell what its rewards say beyond them.

    rows, columns   effects; the mean is the first of the rows
    spans           their variances, and their covariances with the mean
    common, known, rest, spread     (rows, columns) of each cell: the sum of its effects, its
                    variance, what the working response is beyond it, and what that weighs
    """

    rows: FloatArray
    columns: FloatArray
    spans: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
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
    grid, prior = _Grid.of(offset, n, s), unknown.usual.tolist()
    usual, odds = prior, np.full(n.shape, unknown.log_odds)
    for _ in range(ROUNDS):
        at = _fitted(grid, odds, usual, unknown.log_odds)
        shrunk = usual[3] * at.spread
        own = shrunk * at.rest
        usual, odds = _variances(grid, at, usual, shrunk, own, prior), at.common + own
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
        usual=np.array(usual),
    )


def _pairs(values: FloatArray, variances: FloatArray) -> list[Pair]:
    return list(zip(values.tolist(), variances.tolist(), strict=True))


def _fitted(grid: _Grid, odds: FloatArray, usual: list[float], prior_odds: float) -> _Round:
    """Effects by the working responses around the last fit: Henderson's equations.

    Columns share no cell, so their part of the equations is diagonal and is eliminated: what is
    left to invert is as wide as there are rows.

    odds        (rows, columns) of each cell by the last fit, besides the offset
    usual       variances that it is fitted with
    prior_odds  of the mean
    """
    weight, expected = _weights(grid, odds)
    response = odds + (grid.s - expected) / np.maximum(weight, 1e-9)
    spread = weight / (1 + usual[3] * weight)
    cross = _with_sum(grid, spread)
    alone = 1 / (cross[0] + 1 / usual[2])
    part = cross * alone
    inverse: Any = np.linalg.inv(_rows_alone(cross.dot(grid.along), usual) - part.dot(cross.T))
    pull = _with_sum(grid, spread * response)
    by_row = pull.dot(grid.along) - part.dot(pull[0])
    by_row[0] += prior_odds / usual[0]
    rows, shared = inverse.dot(by_row), inverse.dot(part)
    columns = pull[0] * alone - rows.dot(part)
    own_rows, own_columns = inverse.diagonal(), alone + grid.down.dot(part * shared)
    common = (rows[0] + rows[1:])[:, None] + columns
    by_rows = own_rows[0] + own_rows[1:] + 2 * inverse[0, 1:]
    return _Round(
        rows=rows,
        columns=columns,
        spans=(own_rows, own_columns, inverse[0], -shared[0]),
        common=common,
        known=by_rows[:, None] + (own_columns - 2 * shared[0]) - 2 * shared[1:],
        rest=response - common,
        spread=spread,
    )


def _weights(grid: _Grid, odds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(rows, columns) what the rewards of each cell weigh, and their expected sum."""
    p = special.expit(np.minimum(np.maximum(grid.offset + odds, -FURTHEST), FURTHEST))
    expected: FloatArray = grid.n * p
    return expected * (1 - p), expected


def _with_sum(grid: _Grid, cells: FloatArray) -> FloatArray:
    """(1 + rows, columns) the sum of the rows, then the rows."""
    made = np.empty((1 + cells.shape[0], cells.shape[1]))
    np.dot(grid.down[1:], cells, out=made[0])
    made[1:] = cells
    return made


def _rows_alone(sums: FloatArray, usual: list[float]) -> FloatArray:
    """(1 + rows, 1 + rows) precision of the mean and the rows, were columns known.

    sums    (1 + rows,) what all cells weigh, and those of each row
    """
    made: FloatArray = np.zeros((len(sums), len(sums)))
    made.ravel()[:: len(sums) + 1] = sums + 1 / usual[1]
    made[0] = made[:, 0] = sums
    made[0, 0] += 1 / usual[0]
    return made


def _variances(
    grid: _Grid, at: _Round, usual: list[float], shrunk: FloatArray, own: FloatArray,
    prior: list[float],
) -> list[float]:  # fmt: skip
    """Of the mean as it was; of the others their mean squares, with what is usual.

    usual   those that were fitted with
    shrunk, own     (rows, columns) how much of what is left of each cell is its own, and that
    """
    rows, columns = at.rows * at.rows + at.spans[0], at.columns * at.columns + at.spans[1]
    cells = own * own + usual[3] * (1 - shrunk) + shrunk * shrunk * at.known
    sums = grid.rows.dot(rows[1:]), grid.columns.dot(columns), np.vdot(grid.cells, cells)
    made = [
        (float(total) + USUAL_COUNTS * known) / (count + USUAL_COUNTS)
        for total, known, count in zip(sums, prior[1:], grid.counts, strict=True)
    ]
    return [prior[0], *made]


def beta_of(log_odds: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean success, and the rewards that knowing it so well is worth."""
    mean = special.expit(log_odds / np.sqrt(1 + PROBIT * variance))
    spread = (mean * (1 - mean)) ** 2 * variance
    return mean, mean * (1 - mean) / np.maximum(spread, 1e-9) - 1
