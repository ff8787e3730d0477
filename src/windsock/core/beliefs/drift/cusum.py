"""The CUSUM that change detection and the bill monitor share (Page 1954)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Cusum:
    """A sum of steps that never falls below zero, and what came since it last stood there.

    statistic   above an alarm level something has changed
    count       items since the likely moment of change, by weight
    excess      their excesses over what was usual, summed
    """

    statistic: float = 0.0
    count: float = 0.0
    excess: float = 0.0

    def add(self, step: float, excess: float, weight: float = 1.0) -> None:
        """Count an item: `step` is its log-likelihood ratio, or its score less an allowance."""
        self.statistic += weight * step
        self.count += weight
        self.excess += weight * excess
        if self.statistic <= 0.0:
            self.clear()

    def clear(self) -> None:
        """Stand at zero."""
        self.statistic = self.count = self.excess = 0.0

    def mean_excess(self, shrink: float = 0.0) -> float:
        """Mean excess since the likely change, shrunk to none by `shrink` items; count > 0."""
        return self.excess / (self.count + shrink)

    def to_state(self) -> list[float]:
        """In the order of the fields, for `Cusum(*state)`."""
        return [self.statistic, self.count, self.excess]
