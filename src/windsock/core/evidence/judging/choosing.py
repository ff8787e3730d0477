"""Which answers a judge is asked about: first those of whom little is known, then open choices.

Chance decides, by a probability that nothing in the answer moves; it is kept with the verdict.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ENOUGH = 50.0
"""Judged answers of a deployment at a task, within a half-life, that tell what a judge can tell."""

LEAST = 0.02
"""Of the share that is judged in any case: so a change of quality is seen."""


@dataclass(slots=True)
class Recently:
    """How many were judged, each counting half after `half_life_s`."""

    half_life_s: float
    count: float = 0.0
    at: float = 0.0

    def now(self, now: float) -> float:
        """As many as they count for at `now`, unix s."""
        return self.count * math.exp2(-max(0.0, now - self.at) / self.half_life_s)

    def add(self, now: float) -> None:
        """One more."""
        self.count, self.at = self.now(now) + 1.0, max(now, self.at)


def inclusion(share: float, judged: float, worth: float) -> float:
    """The probability with which an answer is judged, 0..1.

    share   of answers at most
    judged  recent answers of its deployment at its task that were
    worth   0..1, what a label there tells: see `RelativeWorth`
    """
    return share if judged < ENOUGH else share * max(LEAST, min(1.0, worth))


def openness(weights: Iterable[float]) -> float:
    """How open a choice is: 0 where one gets all, 1 where nobody gets more than half."""
    return min(1.0, 2.0 * (1.0 - max(weights, default=0.0)))


@dataclass(slots=True)
class RelativeWorth:
    """What a label on each deployment's answer tells, of the most, where the choice is so open.

    openness    0..1
    """

    by_deployment: Mapping[str, float] = field(default_factory=dict)
    openness: float = 1.0

    def of(self, deployment: str) -> float:
        """0..1"""
        most = max(self.by_deployment.values(), default=0.0)
        part = self.by_deployment.get(deployment, most) / most if most > 0.0 else 1.0
        return part * self.openness
