"""A drift common to all tasks of a deployment: what its last rewards say beyond the beliefs.

A provider that changes a model changes it for every task at once. Belief of one task moves as that
task is rewarded; the drift moves all of them with the last rewards of any.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import numpy as np

from windsock.core.beliefs.empirical_bayes import Cells
from windsock.core.beliefs.statistics import BeliefSettings, RewardStatistics
from windsock.core.model.arrays import FloatArray

MAX_RECENT_REWARDS = 100.0
"""Rewards of a deployment that are remembered; a newer one makes the others count less."""

ROOM = 1.1
"""Share of MAX_RECENT_REWARDS at which the others are made to."""

FORGOTTEN = 0.01
"""What is left of a task's last rewards below this is dropped."""

SHRINK = 20.0
"""0/1 rewards that no drift is worth."""

SURE = 2.0
"""Standard errors of a drift that are put down to chance."""


class RecentRewards:
    """The last rewards of one deployment, as a row per task. Rows add and age as all rows do.

    Their squares are not kept.
    """

    def __init__(self) -> None:
        self.rows: dict[str, RewardStatistics] = {}
        self._total = 0.0

    def observe(
        self, task: str, count: float, total: float, at: float, settings: BeliefSettings
    ) -> None:
        """Count rewards by their number and sum; less than none takes back."""
        row = self.rows.get(task)
        if row is None:
            row = self.rows[task] = RewardStatistics()
        had = row.count
        row.observe_sums(count, total, 0.0, at, settings)
        self._total += row.count - had
        if self._total > ROOM * MAX_RECENT_REWARDS:
            self._forget()

    def merge(self, other: RecentRewards, settings: BeliefSettings) -> None:
        """Add another replica's rewards."""
        for task, row in other.rows.items():
            self.observe(task, row.count, row.total, row.at, settings)

    def merge_task(self, task: str, other: str, settings: BeliefSettings) -> None:
        """Count the rewards of another task as those of this one."""
        row = self.rows.pop(other, None)
        if row is not None:
            self._total -= row.count
            self.observe(task, row.count, row.total, row.at, settings)

    def forget(self, tasks: Set[str]) -> None:
        """Drop the rewards of these tasks."""
        for task in self.rows.keys() & tasks:
            self._total -= self.rows.pop(task).count

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        tasks = sorted(self.rows)
        rows = [self.rows[task] for task in tasks]
        return [
            self._total,
            tasks,
            [row.count for row in rows],
            [row.total for row in rows],
            [row.at for row in rows],
        ]

    @classmethod
    def from_state(cls, state: list[Any]) -> RecentRewards:
        """The last rewards of a `to_state`."""
        made = cls()
        made._total, *columns = state
        for task, n, s, at in zip(*columns, strict=True):
            row = made.rows[task] = RewardStatistics()
            row.count, row.total, row.at = n, s, at
        return made

    def _forget(self) -> None:
        for row in self.rows.values():
            row.shrink_to(row.count * MAX_RECENT_REWARDS / self._total)
        self.rows = {task: row for task, row in self.rows.items() if row.count >= FORGOTTEN}
        self._total = sum(row.count for row in self.rows.values())


def common_drifts(
    cells: Cells, n: FloatArray, s: FloatArray, mean: FloatArray, phi: FloatArray
) -> FloatArray:
    """(deployments,) by how much success lies off the beliefs, as far as chance does not explain.

    n, s    (cells,) last rewards and their sums
    mean    (cells,) believed success. It knows the last rewards too, so what a task has learnt by
            itself is no drift any more
    phi     (deployments,) dispersion of rewards
    """
    count, excess, spread = (
        np.bincount(cells.name, each, minlength=len(cells.names))
        for each in (n, s - n * mean, n * mean * (1 - mean))
    )
    chance = SURE * np.sqrt(phi * spread / 2)
    clear = excess - np.clip(excess, -chance, chance)
    drifts: FloatArray = clear / (count + SHRINK * phi)
    return drifts
