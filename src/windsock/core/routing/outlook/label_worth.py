"""Which answers should be judged first: those that say most of what requests will get."""

from __future__ import annotations

from windsock.core.model.decisions import ArmFacts, WeightTable

SPAN = 3.2897
"""Standard deviations that a 90 % interval spans."""


def label_worth(table: WeightTable) -> dict[str, float]:
    """By deployment, how much a label on one of its answers would tell of the requests to come.

    The variance of the success of the next request is the sum of weight x sd^2; a label on an arm
    whose belief rests on n rewards takes 1 / (n + 1) of its sd^2 away. So newcomers that get some
    traffic come first, then what is known least of those that get most. 0 for who gets nothing.
    """
    return {arm.deployment: arm.weight * _taken_away(arm) for arm in table.arms}


def _taken_away(arm: ArmFacts) -> float:
    """Of the variance of a belief by one reward: sd^2 / (n + 1), with n + 1 = m (1 - m) / sd^2."""
    variance = ((arm.success_high - arm.success_low) / SPAN) ** 2
    spread = arm.success_mean * (1.0 - arm.success_mean)
    return variance * min(1.0, variance / spread) if spread > 0.0 else 0.0
