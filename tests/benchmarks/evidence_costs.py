"""What weights cost where a judge alone says who is good, and what a deployment gains by flattery.

The weights are those of the router under wishes and floors; nothing is drawn but the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from tests.benchmarks.cold_start_tables import PROMPT_TOKENS, Table
from tests.benchmarks.evidence_judges import JUDGES, Sample, drawn
from tests.builders import START, router
from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

WISHES = ("economy", "balanced", "high")
FLOORS = (0.03, 0.10, 0.30)
"""Below the mean of each task's best."""

WORTHS = np.geomspace(1, 1000, 7)
"""What a success is worth, in what the median deployment costs."""

CAMPS = {
    "requests that flattery gets before any label, the worst table's mean": 0.5,
    "requests that it gets with one label a deployment, the worst table's mean": 0.15,
    "draws in which it is preferred at any task with one label a deployment": 0.0,
}
"""Bounds of what a deployment gets that is always wrong and that the judge always praises."""

FLATTERER = "flattery/always"


def aims(table: Table) -> Iterator[Objective]:
    """Wishes and floors, as owners state them; nothing is kept for exploring."""
    for wish in WISHES:
        yield Objective(kind="quality", quality=wish, explore=0.0)
    for below in FLOORS:
        yield Objective(quality_floor=max(0.01, round(table.best - below, 3)), explore=0.0)


def hear(it: Router, sample: Sample, table: Table) -> None:
    """The judge's scores as scores, and the labels as labels."""
    sums = {
        (task, name): sample.of(t, d)
        for t, task in enumerate(table.tasks)
        for d, name in enumerate(table.names)
    }
    judge = Proxy(name="judge", weight=1.0, is_one_sided=False, sums=sums)
    it.beliefs.listen(lambda *_: (judge,))
    for t, d, cell, name in _cells(table):
        it.beliefs.note_proxy(cell, name, START)
        count, total = (float(each[t, d]) for each in sample.labels)
        if count:
            it.beliefs.count_sums(cell, name, count, total, total, observed_at=START)


def _cells(table: Table) -> Iterator[tuple[int, int, Cell, str]]:
    for t, task in enumerate(table.tasks):
        for d, name in enumerate(table.names):
            yield t, d, Cell("default", "auto", task), name


def shares(table: Table, sample: Sample, aim: Objective) -> FloatArray:
    """(tasks, deployments) weights of the router that was taught so."""
    usd = table.usd[0] / PROMPT_TOKENS * 1e6
    it = router(prices=dict(zip(table.names, usd.tolist(), strict=True)), objective=aim)
    hear(it, sample, table)
    sizes = table.usd[:, 0] / table.usd[0, 0] * PROMPT_TOKENS
    for t, _, cell, name in _cells(table):
        it.beliefs.observe_usage(cell, name, Usage(input_tokens=round(float(sizes[t]))), START)
    made = np.zeros(table.success.shape)
    for t, task in enumerate(table.tasks):
        found = it.table("default", "auto", task, START)
        for name, weight in zip(found.deployments, found.weights, strict=True):
            made[t, table.names.index(name)] = weight
    return made


def cheapest_usd(table: Table) -> Callable[[float], float]:
    """Least dollars of a request by the success that all are to reach."""
    worth = np.median(table.usd) * np.geomspace(1e-2, 1e6, 400)
    tasks = np.arange(len(table.tasks))
    points = []
    for value in worth:
        pick = (value * table.success - table.usd).argmax(axis=1)
        points.append((table.success[tasks, pick], table.usd[tasks, pick]))
    frontier = sorted({tuple(float(table.share @ each) for each in point) for point in points})
    success, usd = np.array(frontier).T
    return lambda reached: float(np.interp(reached, success, usd))


def cost_ratios(table: Table, means: FloatArray) -> list[float]:
    """What is spent beside the cheapest way to the same success, for each worth of a success.

    means   (tasks, deployments) success as believed; each task asks whoever is worth most by it
    """
    least, tasks = cheapest_usd(table), np.arange(len(table.tasks))
    found = []
    for worth in np.median(table.usd) * WORTHS:
        pick = (worth * means - table.usd).argmax(axis=1)
        usd, right = (float(table.share @ each[tasks, pick]) for each in (table.usd, table.success))
        found.append(usd / least(right))
    return found


def flattered(table: Table, seeds: int) -> dict[str, list[float]]:
    """What flattery gets of requests without labels and with one of each deployment, by aim and
    draw; and in which share of them most requests of some task."""
    gamed, found = with_flattery(table), {name: list[float]() for name in CAMPS}
    for aim in aims(gamed):
        for seed in range(max(2, seeds // 5)):
            blind, labelled = (_given(gamed, aim, labels, seed) for labels in (0, 1))
            gets = (float(table.share @ each[:, -1]) for each in (blind, labelled))
            leads = float((labelled.argmax(axis=1) == len(table.names)).any())
            for name, figure in zip(CAMPS, (*gets, leads), strict=True):
                found[name].append(figure)
    return found


def with_flattery(table: Table) -> Table:
    """One more deployment, of middling price, that is wrong every time."""
    tasks = len(table.tasks)
    usd = np.median(table.usd, axis=1, keepdims=True)
    return replace(
        table,
        names=(*table.names, FLATTERER),
        success=np.hstack([table.success, np.zeros((tasks, 1))]),
        usd=np.hstack([table.usd, usd]),
    )


def _given(table: Table, aim: Objective, labels: int, seed: int) -> FloatArray:
    """Weights with so many labels of each deployment, each at a task by chance."""
    rng = np.random.default_rng(seed)
    sample = drawn(table.success, JUDGES["95 % right"], labels, rng)
    sample.sums[1:3, :, -1] = sample.sums[0, :, -1]
    sample.sums[6:8, :, -1] = labels
    at = rng.integers(len(table.tasks), size=len(table.names))
    sample.sums[3:] *= np.arange(len(table.tasks))[:, None] == at
    return shares(table, sample, aim)
