"""What would have had to differ for another deployment to lead a weight table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite

from windsock.core.model.decisions import ArmFacts, WeightTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """One candidate against the one that was best in expectation.

    draws           the numbers in [0, 1) that give it; None where no draw does
    leads_below_usd expected cost of one request below which it would be best
    leads_above     success from which on it would be
    Both at the V of the table, all else as it was; None where none would do, and where V is
    unknown or without bound. The best itself has neither.
    """

    deployment: str
    is_best: bool
    draws: tuple[float, float] | None
    leads_below_usd: float | None = None
    leads_above: float | None = None


def margins(table: WeightTable) -> list[Margin]:
    """One of each candidate, in the table's order."""
    value = table.value_usd if table.value_usd is not None and isfinite(table.value_usd) else None
    best = max(table.arms, key=lambda arm: _worth(arm, value), default=None)
    draws = _draws(table)
    return [_margin(arm, best, value, draws.get(arm.deployment)) for arm in table.arms if best]


def _worth(arm: ArmFacts, value: float | None) -> float:
    """Dollars of net benefit of one request; the weight where no V is known."""
    return arm.weight if value is None else value * arm.success_mean - arm.expected_usd


def _margin(
    arm: ArmFacts, best: ArmFacts | None, value: float | None, draws: tuple[float, float] | None
) -> Margin:
    if best is None or arm is best or value is None:
        return Margin(deployment=arm.deployment, is_best=arm is best, draws=draws)
    usd = best.expected_usd - value * (best.success_mean - arm.success_mean)
    dearer = arm.expected_usd - best.expected_usd
    success = best.success_mean + dearer / value if value > 0 else inf
    return Margin(
        deployment=arm.deployment,
        is_best=False,
        draws=draws,
        leads_below_usd=usd if usd > 0 else None,
        leads_above=success if success <= 1 else None,
    )


def _draws(table: WeightTable) -> dict[str, tuple[float, float]]:
    """By deployment, the part of [0, 1) that falls to it."""
    if not table.cumulative:
        return {}
    whole = table.cumulative[-1]
    ends = [0.0, *(end / whole for end in table.cumulative)]
    parts = zip(table.deployments, pairwise(ends), strict=True)
    return {name: part for name, part in parts if part[1] > part[0]}
