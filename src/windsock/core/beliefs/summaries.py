"""Beliefs as people read them: mean, interval, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from windsock.core.beliefs.drift.change_detection import Mode
from windsock.core.beliefs.route_beliefs import RouteBeliefs

MAX_INTERVALS = 10_000
"""Intervals kept; 100 new ones take 2 ms."""

TAIL = 0.05
"""Share of a belief that lies below its interval, and above."""

Pair = tuple[float, float]
"""Beta parameters (a, b), or bounds (low, high)."""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)
class BeliefSummary:
    """One belief for people: mean success, its 90 % interval, discounted rewards behind it.

    Treat it as immutable.

    mode    steady, doubt or lost, as the watch for silent changes has it
    """

    mean: float
    low: float
    high: float
    effective_samples: float
    mode: Mode = Mode.STEADY


class Intervals:
    """90 % intervals of Beta parameters; those seen before are kept, as prices change none."""

    def __init__(self) -> None:
        self._seen: dict[Pair, Pair] = {}

    def of(self, pairs: Sequence[Pair]) -> list[Pair]:
        """(low, high) for every (a, b)."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._seen]
        if len(self._seen) + len(new) > MAX_INTERVALS:
            self._seen, new = {}, list(dict.fromkeys(pairs))
        if new:
            a, b = np.array(new, dtype=np.float64).T
            bounds = special.betaincinv(a, b, TAIL), special.betaincinv(a, b, 1.0 - TAIL)
            self._seen.update(zip(new, map(tuple, np.transpose(bounds).tolist()), strict=True))
        return [self._seen[pair] for pair in pairs]


def summaries_of(
    group: RouteBeliefs, task: str, deployments: Sequence[str], intervals: Intervals
) -> list[BeliefSummary]:
    """Beliefs of these deployments at a task, by the priors of the last fit."""
    pairs = [group.beta(task, name) for name in deployments]
    return [
        BeliefSummary(
            mean=a / (a + b),
            low=low,
            high=high,
            effective_samples=group.evidence(task, name),
            mode=group.mode(name),
        )
        for name, (a, b), (low, high) in zip(deployments, pairs, intervals.of(pairs), strict=True)
    ]
