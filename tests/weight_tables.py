"""Weight tables for tests, with what matters to them."""

from __future__ import annotations

import itertools

from windsock.core.model.decisions import ArmFacts, CascadeFacts, WeightTable
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "sql")


def arm(
    deployment: str, weight: float, success: float, usd: float, *, rewards: float = 100.0
) -> ArmFacts:
    """A candidate that is sure to within .05."""
    return ArmFacts(
        deployment=deployment,
        weight=weight,
        success_mean=success,
        success_low=max(0.0, success - 0.05),
        success_high=min(1.0, success + 0.05),
        effective_samples=rewards,
        expected_usd=usd,
    )


def table_of(
    *arms: ArmFacts, cell: Cell = CELL, cascades: tuple[CascadeFacts, ...] | None = None,
    version: int = 1,
) -> WeightTable:  # fmt: skip
    """A table of these candidates."""
    weights = tuple(each.weight for each in arms)
    return WeightTable(
        version=version,
        at=0.0,
        expires_at=1.0,
        cell=cell,
        policy="price_aware",
        deployments=tuple(each.deployment for each in arms),
        weights=weights,
        cumulative=tuple(itertools.accumulate(weights)),
        arms=arms,
        ruled_out={},
        cascades=cascades,
    )
