"""Empirical Bayes: what the other cells say about one with little evidence of its own.

A cell's own rewards are left out of its prior: counted twice, five lucky answers look like fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from windsock.core.beliefs.random_effects import Pair, Unknown, beta_of, fit_effects
from windsock.core.model.arrays import FloatArray, IntArray

LEAST_MEAN, MOST_MEAN = 0.03, 0.97
"""Bounds of a prior mean."""

LEAST_STRENGTH, MOST_STRENGTH = 1.5, 40.0
"""Bounds of what a prior is worth in rewards."""

Lean = Callable[[str, str], float]
"""What is known of a (task, deployment) besides its evidence, as a difference of success."""

LEAST_PHI = 0.02
"""Of a deployment, where rewards are counted as 0/1 ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A prior per cell: its mean, and what that is worth in 0/1 rewards.

    unknown         what is thought where nothing is known
    grand, by_task, by_deployment   log odds of anyone at anything, of anyone at a task, of one at
                    anything, and their variances
    usual           (4,) variances as in `Unknown`
    place, means, strengths     where each fitted cell stands, and its prior by all rewards but its
                    own
    """

    unknown: Unknown
    grand: Pair
    by_task: Mapping[str, Pair] = field(default_factory=dict)
    by_deployment: Mapping[str, Pair] = field(default_factory=dict)
    usual: Sequence[float] = ()
    place: Mapping[tuple[str, str], int] = field(default_factory=dict)
    means: Sequence[float] = ()
    strengths: Sequence[float] = ()

    def prior(self, task: str, deployment: str, lean: Lean | None = None) -> Pair:
        """Prior mean and strength of a cell; `lean` tells what is known besides evidence."""
        at = self.place.get((task, deployment))
        if at is not None:
            return self.means[at], self.strengths[at]
        _, of_tasks, of_deployments, own = self.usual
        known = self.by_deployment.get(deployment)
        if known is not None:
            odds, variance = known[0], known[1] + of_tasks
        else:
            odds, variance = self.by_task.get(task, (self.grand[0], self.grand[1] + of_tasks))
            variance += of_deployments
        known_besides = lean(task, deployment) if lean else 0.0
        odds += self.unknown.offset(known_besides) if known_besides else 0.0
        return _prior(odds, variance + own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the rows of a route say together: priors, and dispersion by deployment."""

    pool: Pool
    phi: Mapping[str, float]

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        pool = self.pool
        return {
            "grand": pool.grand,
            "tasks": dict(pool.by_task),
            "deployments": dict(pool.by_deployment),
            "usual": list(pool.usual),
            "cells": [list(pool.place), list(pool.means), list(pool.strengths)],
            "phi": dict(self.phi),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], unknown: Unknown) -> Fit:
        """The fit of a `to_state`."""
        keys, means, strengths = state["cells"]
        pool = Pool(
            unknown=unknown,
            grand=tuple(state["grand"]),
            by_task={name: tuple(pair) for name, pair in state["tasks"].items()},
            by_deployment={name: tuple(pair) for name, pair in state["deployments"].items()},
            usual=state["usual"],
            place={(task, name): i for i, (task, name) in enumerate(keys)},
            means=means,
            strengths=strengths,
        )
        return cls(pool=pool, phi=state["phi"])


def unfitted(unknown: Unknown) -> Fit:
    """Nothing was learnt yet."""
    usual = unknown.usual.tolist()
    pool = Pool(unknown=unknown, grand=(unknown.log_odds, usual[0]), usual=usual)
    return Fit(pool=pool, phi={})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Every task of a route with every deployment, in the order of their names, laid out for fits.

    place           where each cell stands
    task, name      (cells,), where its task stands in `tasks`, its deployment in `names`
    leans           (cells,), what is known of it besides its evidence
    """

    keys: list[tuple[str, str]]
    place: dict[tuple[str, str], int]
    tasks: list[str]
    names: list[str]
    task: IntArray
    name: IntArray
    leans: FloatArray

    @classmethod
    def of(cls, keys: Iterable[tuple[str, str]], lean: Lean) -> Cells:
        """Lay cells out: those of the keys, and those of their tasks with the others' deployments.

        keys    (task, deployment) of rows
        lean    what is known of one besides its evidence
        """
        known = list(keys)
        tasks, names = sorted({task for task, _ in known}), sorted({name for _, name in known})
        listed = [(task, name) for task in tasks for name in names]
        at_task = {task: i for i, task in enumerate(tasks)}
        at_name = {name: i for i, name in enumerate(names)}
        leans = np.array([lean(*key) for key in listed], dtype=np.float64)
        task = np.array([at_task[task] for task, _ in listed], dtype=np.intp)
        name = np.array([at_name[name] for _, name in listed], dtype=np.intp)
        return cls(
            keys=listed,
            place={key: i for i, key in enumerate(listed)},
            tasks=tasks,
            names=names,
            task=task,
            name=name,
            leans=leans,
        )


def fitted(
    cells: Cells,
    n: FloatArray,
    s: FloatArray,
    q2: FloatArray,
    age: FloatArray,
    unknown: Unknown,
) -> Fit:
    """Fit crossed effects to the cells' rewards, beyond their leans, and the dispersions.

    n, s, q2    (cells,) rewards, their sums, the sums of their squares
    age         (cells,) what they still count
    """
    count = n * age
    phi = _dispersions(cells, n, s, q2)
    own = np.maximum(phi[cells.name], LEAST_PHI)
    offset = np.zeros(len(cells.leans))
    for at in np.flatnonzero(cells.leans).tolist():
        offset[at] = unknown.offset(float(cells.leans[at]))
    shape = len(cells.tasks), len(cells.names)
    n_own, s_own = (count / own).reshape(shape), (s * age / own).reshape(shape)
    found = fit_effects(offset.reshape(shape), n_own, s_own, unknown)
    means, strengths = _priors(found.log_odds.ravel(), found.variance.ravel())
    made = Pool(
        unknown=unknown,
        grand=found.grand,
        by_task=dict(zip(cells.tasks, found.tasks, strict=True)),
        by_deployment=dict(zip(cells.names, found.names, strict=True)),
        usual=found.usual.tolist(),
        place=cells.place,
        means=means.tolist(),
        strengths=strengths.tolist(),
    )
    return Fit(pool=made, phi=dict(zip(cells.names, phi.tolist(), strict=True)))


@lru_cache(maxsize=1024)
def _prior(log_odds: float, variance: float) -> Pair:
    """Of one cell: it is asked for again and again, and changes with the fit alone."""
    means, strengths = _priors(np.array([log_odds]), np.array([variance]))
    return float(means[0]), float(strengths[0])


def _priors(log_odds: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(cells,) means and strengths within their bounds."""
    means, strengths = beta_of(log_odds, variance)
    return (
        np.minimum(np.maximum(means, LEAST_MEAN), MOST_MEAN),
        np.minimum(np.maximum(strengths, LEAST_STRENGTH), MOST_STRENGTH),
    )


def _dispersions(cells: Cells, n: FloatArray, s: FloatArray, q2: FloatArray) -> FloatArray:
    """`statistics.pooled_dispersion` of every deployment."""
    mean = np.divide(s, n, out=np.zeros_like(n), where=n > 0)
    size = len(cells.names)
    within = np.bincount(cells.name, np.where(n > 0, q2 - s * mean, 0.0), minlength=size)
    spread = np.bincount(cells.name, mean * (n - s), minlength=size)
    count = np.bincount(cells.name, np.maximum(n, 0.0), minlength=size)
    ratio = np.divide(within, spread, out=np.ones_like(within), where=spread > 0)
    return np.clip((10.0 + count * ratio) / (10.0 + count), 0.02, 1.0)
