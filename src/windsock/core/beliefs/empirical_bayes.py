"""Empirical Bayes: what the other cells say about one with little evidence of its own.

A cell's own rewards are left out of its prior: counted twice, five lucky answers look like fifty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from windsock.core.model.arrays import FloatArray, IntArray

SHRINK = 10.0
"""Rewards that the grand mean is worth against a task's or a deployment's own effect."""

ROUNDS = 3
"""Times that task and deployment effects are fitted in turn."""

LEAST_MEAN, MOST_MEAN = 0.03, 0.97
"""Bounds of a prior mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A prior mean per cell: grand mean + task effect + deployment effect, both shrunk.

    place, means    where each fitted cell stands, and its mean by all rewards but its own
    """

    grand: float
    effect_by_task: Mapping[str, float]
    effect_by_deployment: Mapping[str, float]
    place: Mapping[tuple[str, str], int] = field(default_factory=dict)
    means: Sequence[float] = ()

    def mean(self, task: str, deployment: str, lean: float = 0.0) -> float:
        """The prior mean of a cell; `lean` is what is known of it besides the fitted evidence."""
        at = self.place.get((task, deployment))
        if at is not None:
            return self.means[at]
        raw = (
            lean
            + self.grand
            + self.effect_by_task.get(task, 0.0)
            + self.effect_by_deployment.get(deployment, 0.0)
        )
        return min(MOST_MEAN, max(LEAST_MEAN, raw))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What the rows of a route say together: prior means, and dispersion by deployment."""

    pool: Pool
    phi: Mapping[str, float]

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        fitted = self.pool
        return {
            "grand": fitted.grand,
            "tasks": dict(fitted.effect_by_task),
            "deployments": dict(fitted.effect_by_deployment),
            "cells": [list(fitted.place), list(fitted.means)],
            "phi": dict(self.phi),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Fit:
        """The fit of a `to_state`."""
        keys, means = state["cells"]
        fitted = Pool(
            grand=state["grand"],
            effect_by_task=state["tasks"],
            effect_by_deployment=state["deployments"],
            place={(task, name): i for i, (task, name) in enumerate(keys)},
            means=means,
        )
        return cls(pool=fitted, phi=state["phi"])


def unfitted(prior_mean: float) -> Fit:
    """Nothing was learnt yet."""
    return Fit(pool=Pool(grand=prior_mean, effect_by_task={}, effect_by_deployment={}), phi={})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The cells of a route in the order of their names, laid out for fits: 5,000 of them in 3 ms.

    place           where each cell stands
    task, name      (cells,), where its task stands in `tasks`, its deployment in `names`
    leans           (cells,), what is known of it besides its evidence
    strengths       (cells,), rewards that its prior is worth
    """

    keys: list[tuple[str, str]]
    place: dict[tuple[str, str], int]
    tasks: list[str]
    names: list[str]
    task: IntArray
    name: IntArray
    leans: FloatArray
    strengths: FloatArray

    @classmethod
    def of(
        cls, keys: Iterable[tuple[str, str]], lean: Callable[[str, str], tuple[float, float]]
    ) -> Cells:
        """Lay cells out.

        keys    (task, deployment) of every cell
        lean    what is known of one besides its evidence, and what its prior is worth in rewards
        """
        listed = sorted(keys)
        tasks, names = sorted({task for task, _ in listed}), sorted({name for _, name in listed})
        at_task = {task: i for i, task in enumerate(tasks)}
        at_name = {name: i for i, name in enumerate(names)}
        leans, strengths = np.array([lean(*key) for key in listed], dtype=np.float64).T
        return cls(
            keys=listed,
            place={key: i for i, key in enumerate(listed)},
            tasks=tasks,
            names=names,
            task=np.array([at_task[task] for task, _ in listed], dtype=np.intp),
            name=np.array([at_name[name] for _, name in listed], dtype=np.intp),
            leans=leans,
            strengths=strengths,
        )


def fitted(
    cells: Cells,
    n: FloatArray,
    s: FloatArray,
    q2: FloatArray,
    age: FloatArray,
    *,
    prior_mean: float,
) -> Fit:
    """Fit the additive model to the cells' rewards, beyond their leans, and the dispersions.

    n, s, q2    (cells,) rewards, their sums, the sums of their squares
    age         (cells,) what they still count
    """
    count = n * age
    mean = np.divide(s * age, count, out=np.zeros_like(count), where=count > 0) - cells.leans
    weight = count / (1 + count / SHRINK)
    grand = float((prior_mean * 2 + weight @ mean) / (2 + weight.sum()))
    by_task, by_name = np.zeros(len(cells.tasks)), np.zeros(len(cells.names))
    for _ in range(ROUNDS):
        by_task = _effects(cells.task, mean - grand - by_name[cells.name], weight, by_task)
        by_name = _effects(cells.name, mean - grand - by_task[cells.task], weight, by_name)
    prior = (
        cells.leans
        + grand
        + _others(cells.task, mean - grand - by_name[cells.name], weight, by_task)
        + _others(cells.name, mean - grand - by_task[cells.task], weight, by_name)
    ).clip(LEAST_MEAN, MOST_MEAN)
    made = Pool(
        grand=grand,
        effect_by_task=dict(zip(cells.tasks, by_task.tolist(), strict=True)),
        effect_by_deployment=dict(zip(cells.names, by_name.tolist(), strict=True)),
        place=cells.place,
        means=prior.tolist(),
    )
    phi = _dispersions(cells, n, s, q2)
    return Fit(pool=made, phi=dict(zip(cells.names, phi.tolist(), strict=True)))


def _effects(at: IntArray, rest: FloatArray, weight: FloatArray, like: FloatArray) -> FloatArray:
    """Mean residual of each task or deployment, shrunk to none."""
    sums = np.bincount(at, weight * rest, minlength=len(like))
    return sums / (np.bincount(at, weight, minlength=len(like)) + SHRINK / 2)


def _others(at: IntArray, rest: FloatArray, weight: FloatArray, effects: FloatArray) -> FloatArray:
    """(cells,) the effect of each cell's task or deployment without the cell itself."""
    others = np.bincount(at, weight, minlength=len(effects))[at] - weight + SHRINK / 2
    without: FloatArray = effects[at] + weight * (effects[at] - rest) / others
    return without


def _dispersions(cells: Cells, n: FloatArray, s: FloatArray, q2: FloatArray) -> FloatArray:
    """`statistics.pooled_dispersion` of every deployment."""
    mean = np.divide(s, n, out=np.zeros_like(n), where=n > 0)
    size = len(cells.names)
    within = np.bincount(cells.name, np.where(n > 0, q2 - s * mean, 0.0), minlength=size)
    spread = np.bincount(cells.name, mean * (n - s), minlength=size)
    count = np.bincount(cells.name, np.maximum(n, 0.0), minlength=size)
    ratio = np.divide(within, spread, out=np.ones_like(within), where=spread > 0)
    return np.clip((10.0 + count * ratio) / (10.0 + count), 0.02, 1.0)
