"""What one reward counts for: by its source, and bounded for each key that reports.

Nobody who holds one key can move a belief far: beyond the first few rewards, a key's share of the
evidence on a deployment at a task stays below a limit, whatever it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.records import Cell, Reward

MOST_SHARE = 0.3
FREE_REWARDS = 20.0
"""Rewards that are taken from anyone, since a share of little is nothing."""

MEMORY = 600.0
MOST_KEYS = 64

HEARD = 5.0
"""Weight of judgements of a task from which on mere answers count no more (see `Router.settle`)."""


class Intake:
    """Counts rewards by key and says what the next one counts for."""

    def __init__(
        self, source_weights: Mapping[str, float], *, most_share: float = MOST_SHARE
    ) -> None:
        self._source_weights = dict(source_weights)
        self._most_share = most_share
        self._counts: dict[tuple[Cell, str], dict[str, float]] = {}
        self._heard: dict[Cell, float] = {}

    def hear(self, cell: Cell, weight: float) -> bool:
        """Note judgements of a task; True if there are enough of them now and were not before."""
        before = self._heard.get(cell, 0.0)
        self._heard[cell] = min(HEARD, before + weight)
        return before < HEARD <= before + weight

    def is_judged(self, cell: Cell) -> bool:
        """True if somebody judges answers of this task."""
        return self._heard.get(cell, 0.0) >= HEARD

    def weigh(self, cell: Cell, deployment: str, reward: Reward) -> float:
        """The weight of this reward as evidence; it is counted as taken.

        Rewards without a key (checks, transport) are the router's own and are not bounded.
        """
        weight = self._source_weights.get(reward.source, 1.0)
        counts = self._counts.setdefault((cell, deployment), {})
        key = reward.key_id or ""
        if key:
            weight = min(weight, self._room(counts, key))
        counts[key] = counts.get(key, 0.0) + weight
        _forget(counts)
        return weight

    def give_back(self, cell: Cell, deployment: str, reward: Reward, weight: float) -> None:
        """A reward that was weighed is corrected: its weight is free again for its key."""
        counts = self._counts.get((cell, deployment), {})
        key = reward.key_id or ""
        counts[key] = max(0.0, counts.get(key, 0.0) - weight)

    def to_state(self) -> dict[str, Any]:
        return {
            "counts": [[*cell, name, held] for (cell, name), held in sorted(self._counts.items())],
            "heard": [[*cell, weight] for cell, weight in sorted(self._heard.items())],
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        self._counts = {
            (Cell(namespace, route, task), name): dict(counts)
            for namespace, route, task, name, counts in state["counts"]
        }
        self._heard = {Cell(*names): weight for *names, weight in state["heard"]}

    def _room(self, counts: Mapping[str, float], key: str) -> float:
        """The weight w at which key + w is its limit of total + w."""
        total, own = sum(counts.values()), counts.get(key, 0.0)
        is_alone = total <= own
        if is_alone or own < FREE_REWARDS * self._most_share:
            return float("inf")
        return max(0.0, (self._most_share * total - own) / (1 - self._most_share))


def _forget(counts: dict[str, float]) -> None:
    """Keep the counts as movable as the belief, and their number bounded."""
    total = sum(counts.values())
    if total > MEMORY:
        for key in counts:
            counts[key] *= MEMORY / total
    if len(counts) > MOST_KEYS:
        least = min((key for key in counts if key), key=lambda key: counts[key])
        counts[""] = counts.get("", 0.0) + counts.pop(least)
