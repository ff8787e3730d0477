"""Beliefs from past evaluations, with a stated strength, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from windsock.core.posterior import Beliefs
from windsock.core.records import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """A success rate of one deployment at one task, over `count` prompts."""

    task: str
    deployment: str
    success: float
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaching:
    """What was taught, so that it can be taken back; count is the strength that was given."""

    namespace: str
    route: str
    taught_at: float
    results: tuple[PastResult, ...]

    def take_back(self, beliefs: Beliefs, now: float) -> None:
        """Remove what of it is left, discounted since it was taught."""
        for result in self.results:
            cell = Cell(self.namespace, self.route, result.task)
            beliefs.retract(
                cell,
                result.deployment,
                result.success,
                weight=result.count,
                now=now,
                observed_at=self.taught_at,
            )

    def to_state(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Teaching:
        results = tuple(PastResult(**fields) for fields in state["results"])
        return cls(**{**state, "results": results})


def teach(
    beliefs: Beliefs,
    namespace: str,
    route: str,
    results: Iterable[PastResult],
    *,
    strength: float,
    now: float,
) -> Teaching:
    """Start beliefs from results; each counts as its own prompts or `strength`, the lesser."""
    given = tuple(
        PastResult(
            task=result.task,
            deployment=result.deployment,
            success=result.success,
            count=min(strength, result.count),
        )
        for result in results
    )
    for result in given:
        cell = Cell(namespace, route, result.task)
        beliefs.seed(cell, result.deployment, result.success, rewards=result.count, now=now)
    return Teaching(namespace=namespace, route=route, taught_at=now, results=given)
