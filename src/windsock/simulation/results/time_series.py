"""A run in equal slices of time: what a chart needs of it, small enough to send home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.simulation.results.run import Run
from windsock.simulation.world.traffic import HOUR_S
from windsock.simulation.world.world import World

SLICES = 240

Share = tuple[float | None, ...]
"""A mean weight per slice; None where nothing was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """hour         where each slice begins, hours from the start
    requests, usd, right    summed from the start to the end of each slice
    share_by_deployment     mean weight over all requests of a slice
    share_by_task           the same by task
    usd_by_deployment       true dollars of a mean request of the traffic's mix, by slice
    """

    hour: tuple[float, ...]
    requests: tuple[int, ...]
    usd: tuple[float, ...]
    right: tuple[float, ...]
    share_by_deployment: dict[str, Share]
    share_by_task: dict[str, dict[str, Share]]
    usd_by_deployment: dict[str, tuple[float, ...]]


def trail(run: Run, world: World) -> Trail:
    """Summed in one pass over the steps of the run."""
    tasks, names = tuple(world.scenario.tasks), world.names
    sums = np.zeros((3, SLICES))
    weight = np.zeros((len(tasks), len(names), SLICES))
    asked = np.zeros((len(tasks), SLICES))
    width_s = world.scenario.hours * HOUR_S / SLICES
    for step in run.steps:
        i = min(int((step.at - world.starts_at) / width_s), SLICES - 1)
        sums[:, i] += (step.count, step.usd, step.right)
        g = tasks.index(step.task)
        asked[g, i] += step.count
        for name, share in step.weights.items():
            weight[g, names.index(name), i] += share * step.count
    requests, usd, right = np.cumsum(sums, axis=1)
    return Trail(
        hour=tuple((np.arange(SLICES) * width_s / HOUR_S).tolist()),
        requests=tuple(int(n) for n in requests),
        usd=tuple(usd.tolist()),
        right=tuple(right.tolist()),
        share_by_deployment=_shares(names, weight.sum(axis=0), asked.sum(axis=0)),
        share_by_task={task: _shares(names, weight[g], asked[g]) for g, task in enumerate(tasks)},
        usd_by_deployment=_prices(world, width_s),
    )


def _shares(names: tuple[str, ...], weight: Any, asked: Any) -> dict[str, Share]:
    return {
        name: tuple(float(w / n) if n else None for w, n in zip(weight[k], asked, strict=True))
        for k, name in enumerate(names)
    }


def _prices(world: World, width_s: float) -> dict[str, tuple[float, ...]]:
    """At the middle of each slice."""
    tasks = world.scenario.tasks
    total = sum(task.share for task in tasks.values())
    moments = [world.starts_at + (i + 0.5) * width_s for i in range(SLICES)]
    return {
        name: tuple(
            sum(task.share / total * world.usd(name, kind, at) for kind, task in tasks.items())
            for at in moments
        )
        for name in world.names
    }
