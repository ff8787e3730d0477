"""Beliefs from past evaluations, with a stated strength, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.errors import CallerError


class UnknownLesson(CallerError):
    """No lesson of the namespace has this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastResult:
    """A success rate of one deployment at one task, over `count` prompts."""

    task: str
    deployment: str
    success: float
    count: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """What was taught, so that it can be taken back; count is the strength that was given."""

    namespace: str
    route: str
    taught_at: float
    results: tuple[PastResult, ...]

    def take_back(self, beliefs: Beliefs) -> None:
        """Remove what of it is left, discounted since it was taught."""
        for result in self.results:
            beliefs.unseed(
                Cell.read(self.namespace, self.route, result.task),
                result.deployment,
                result.success,
                rewards=result.count,
                since=self.taught_at,
            )

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> WarmStart:
        """The warm start of a `to_state`."""
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
) -> WarmStart:
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
        cell = Cell.read(namespace, route, result.task)
        beliefs.seed(cell, result.deployment, result.success, rewards=result.count, now=now)
    return WarmStart(namespace=namespace, route=route, taught_at=now, results=given)


class WarmStarts:
    """What was taught and may be taken back, by number."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self._teachings: dict[int, WarmStart] = {}

    def add(
        self,
        namespace: str,
        route: str,
        results: Iterable[PastResult],
        *,
        strength: float,
        now: float,
    ) -> int:
        """Start beliefs from results; the number takes them back."""
        taught = teach(self._beliefs, namespace, route, results, strength=strength, now=now)
        number = max(self._teachings, default=0) + 1
        self._teachings[number] = taught
        return number

    def take_back(self, namespace: str, number: int) -> int:
        """How many rates the lesson held; raises UnknownLesson, of another's lesson too."""
        taught = self._teachings.get(number)
        if taught is None or taught.namespace != namespace:
            raise UnknownLesson(f"there is no lesson {number}")
        del self._teachings[number]
        taught.take_back(self._beliefs)
        return len(taught.results)

    def has_taught(self, cell: Cell) -> bool:
        """True if beliefs of a cell's route were started from past results."""
        places = ((each.namespace, each.route) for each in self._teachings.values())
        return (cell.namespace, cell.route) in places

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {str(number): taught.to_state() for number, taught in self._teachings.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        for number, taught in state.items():
            self._teachings[int(number)] = WarmStart.from_state(taught)
