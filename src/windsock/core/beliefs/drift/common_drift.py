"""A drift common to all tasks of a deployment: what its last rewards say beyond the beliefs.

A provider that changes a model changes it for every task at once. Belief of one task moves as that
task is rewarded; the drift moves all of them with the last rewards of any.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Mapping, Set
from math import fsum
from typing import Any

import numpy as np

from windsock.core.beliefs.empirical_bayes import Cells
from windsock.core.beliefs.statistics import RewardStatistics
from windsock.core.model.arrays import FloatArray
from windsock.core.replicas.contributions import slot_of

MAX_RECENT_REWARDS = 100.0
"""Rewards of a deployment that its drift is judged by: the last ones, in whole slots of time."""

ROOM = 1.1
"""Share of MAX_RECENT_REWARDS that whole slots may hold before each of their rewards counts less;
states of earlier versions hold as many."""

MAX_SLOTS = 256
"""Of a deployment; beyond it the two oldest become one."""

FORGOTTEN = 0.01
"""What is left of a task's last rewards below this is left out."""

SHRINK = 20.0
"""0/1 rewards that no drift is worth."""

SURE = 2.0
"""Standard errors of a drift that are put down to chance."""


_Part = tuple[float, float, float]
"""(number of rewards, their sum, unix s of the latest, to which older ones are discounted)."""


class RecentRewards:
    """The last rewards of one deployment by slot of time and task: their number, sum and moment.

    Those of the newest slots that hold MAX_RECENT_REWARDS together. Squares are not kept.
    """

    def __init__(self, half_life_s: float) -> None:
        self.half_life_s = half_life_s
        self._slots: dict[int, dict[str, _Part]] = {}
        self._order: list[int] = []
        self._counts: dict[int, float] = {}
        self._rows: dict[str, RewardStatistics] | None = None

    @property
    def rows(self) -> dict[str, RewardStatistics]:
        """By task, ROOM times MAX_RECENT_REWARDS at most of all together."""
        if self._rows is None:
            self._rows = self._summed()
        return self._rows

    def observe(self, task: str, count: float, total: float, at: float) -> None:
        """Count rewards by their number and sum; less than none takes back."""
        self._put(task, (count, total, at))
        self._forget()

    def merge_task(self, task: str, other: str) -> None:
        """Count the rewards of another task as those of this one."""
        self._rows = None
        for parts in self._slots.values():
            if other in parts:
                parts[task] = self._joined(parts.get(task), parts.pop(other))
        self._counts = {slot: _count(parts) for slot, parts in self._slots.items()}

    def forget(self, tasks: Set[str]) -> None:
        """Drop the rewards of these tasks."""
        self._rows = None
        for parts in self._slots.values():
            for task in parts.keys() & tasks:
                del parts[task]
        self._counts = {slot: _count(parts) for slot, parts in self._slots.items()}

    def copied(self) -> RecentRewards:
        """As they are now; what comes later does not change it."""
        copy = RecentRewards(self.half_life_s)
        copy._order = [*self._order]
        copy._slots = {slot: dict(parts) for slot, parts in self._slots.items()}
        return copy

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        parts = list(self._parts())
        columns = [[part[column] for _, part in parts] for column in range(3)]
        return [sum(columns[0]), [task for task, _ in parts], *columns]

    @classmethod
    def from_state(cls, state: list[Any], half_life_s: float) -> RecentRewards:
        """The last rewards of a `to_state`; those of earlier versions are a part a task, all of
        which count."""
        made = cls(half_life_s)
        _, *columns = state
        for task, count, total, at in zip(*columns, strict=True):
            made._put(task, (count, total, at))
        return made

    def _put(self, task: str, part: _Part) -> None:
        self._rows, slot = None, slot_of(part[2])
        parts = self._slots.get(slot)
        if parts is None:
            parts = self._slots[slot] = {}
            insort(self._order, slot)
        parts[task] = self._joined(parts.get(task), part)
        self._counts[slot] = _count(parts)

    def _parts(self) -> Iterator[tuple[str, _Part]]:
        for slot in self._order:
            yield from sorted(self._slots[slot].items())

    def _joined(self, one: _Part | None, other: _Part) -> _Part:
        """Together, as of the later moment."""
        if one is None:
            return other
        if other[2] < one[2]:
            one, other = other, one
        (n, s, then), (more, total, at) = one, other
        left = 2.0 ** ((then - at) / self.half_life_s)
        return n * left + more, s * left + total, at

    def _forget(self) -> None:
        """Slots that the newer ones do without."""
        order, counts = self._order, self._counts
        while len(order) > 1:
            if fsum(counts.values()) - counts[order[0]] < MAX_RECENT_REWARDS:
                break
            self._drop_oldest()
        if len(order) > MAX_SLOTS:
            oldest = self._drop_oldest()
            parts = self._slots[order[0]]
            for task, part in oldest.items():
                parts[task] = self._joined(parts.get(task), part)
            counts[order[0]] = _count(parts)

    def _drop_oldest(self) -> dict[str, _Part]:
        slot = self._order.pop(0)
        del self._counts[slot]
        return self._slots.pop(slot)

    def _summed(self) -> dict[str, RewardStatistics]:
        sums: dict[str, _Part] = {}
        for slot in self._order:  # one after the other, so that each part is later than its sum
            for task, (n, s, at) in self._slots[slot].items():
                had, total, then = sums.get(task, (0.0, 0.0, at))
                left = 2.0 ** ((then - at) / self.half_life_s)
                sums[task] = (had * left + n, total * left + s, at)
        count = _count(sums)
        most = 1.0 if count <= ROOM * MAX_RECENT_REWARDS else MAX_RECENT_REWARDS / count
        rows = {}
        for task, (n, s, at) in sums.items():
            if n * most >= FORGOTTEN:
                row = rows[task] = RewardStatistics()
                row.count, row.at = n * most, at
                row.total = min(row.count, max(0.0, s * most))
        return rows


def _count(parts: Mapping[str, _Part]) -> float:
    return fsum(n for n, _, _ in parts.values())


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
