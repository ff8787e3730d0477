"""Beliefs from past evaluations, with a stated strength, and back again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.evidence.keys.accounts import Place
from windsock.core.model.requests import Cell
from windsock.errors import CallerError

TellLesson = Callable[[int, "WarmStart", bool], object]
"""(number, lesson, whether it is held from now on)."""


def tell_nobody(number: int, taught: WarmStart, is_held: bool) -> None:
    """For a process that is alone."""


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
    """What was taught, so that it can be taken back; count is the strength that was given.

    squares     sum of squares that each result was believed to have; not kept over a restart
    """

    namespace: str
    route: str
    taught_at: float
    results: tuple[PastResult, ...]
    squares: tuple[float, ...] = ()

    def give(self, beliefs: Beliefs, *, only: str | None = None) -> None:
        """Believe what another replica was taught, of all deployments or of one."""
        for result, squares in zip(self.results, self.squares, strict=True):
            if only in (None, result.deployment):
                sums = (result.count, result.count * result.success, squares)
                self._add(beliefs, result, sums)

    def take_back(self, beliefs: Beliefs, *, only: str | None = None) -> None:
        """Remove what of it is left, discounted since it was taught."""
        for result in self.results:
            if only in (None, result.deployment):
                count, mean = -result.count, result.success
                self._add(beliefs, result, (count, count * mean, count * mean * mean))

    def _add(self, beliefs: Beliefs, result: PastResult, sums: tuple[float, float, float]) -> None:
        cell = Cell.read(self.namespace, self.route, result.task)
        beliefs.add_to_start(cell, result.deployment, sums, self.taught_at)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact, but for `squares`."""
        state = asdict(self)
        del state["squares"]
        return state

    def to_word(self) -> dict[str, Any]:
        """What other replicas are told: JSON-able and whole."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> WarmStart:
        """The warm start of a `to_state` or a `to_word`."""
        results = tuple(PastResult(**fields) for fields in state["results"])
        squares = tuple(state.get("squares", ()))
        return cls(**{**state, "results": results, "squares": squares})


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
    squares = tuple(
        beliefs.seed(
            Cell.read(namespace, route, result.task),
            result.deployment,
            result.success,
            rewards=result.count,
            now=now,
        )
        for result in given
    )
    return WarmStart(
        namespace=namespace, route=route, taught_at=now, results=given, squares=squares
    )


class WarmStarts:
    """What was taught and may be taken back, by number.

    mark    (this one's, of how many): replicas that are taught at once give different numbers
    tell    called with what is taught here, or taken back
    """

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self._teachings: dict[int, WarmStart] = {}
        self._taken_back: set[int] = set()
        self._taught: dict[Place, list[tuple[float, float]]] | None = None
        self.mark = (0, 1)
        self.tell: TellLesson = tell_nobody

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
        number = self._next()
        self._hold(number, taught)
        self.tell(number, taught, True)
        return number

    def _next(self) -> int:
        mark, marks = self.mark
        return (max(self._teachings, default=0) // marks + 1) * marks + mark

    def take_back(self, namespace: str, number: int) -> int:
        """How many rates the lesson held; raises UnknownLesson, of another's lesson too."""
        taught = self._teachings.get(number)
        if taught is None or taught.namespace != namespace:
            raise UnknownLesson(f"there is no lesson {number}")
        self._drop(number)
        taught.take_back(self._beliefs)
        self.tell(number, taught, False)
        return len(taught.results)

    def hear(self, number: int, taught: WarmStart, *, is_held: bool) -> None:
        """Another replica was taught, or had a lesson taken back; in any order, and once."""
        if not is_held:
            self._taken_back.add(number)
            mine = self._drop(number)
            if mine is not None:
                mine.take_back(self._beliefs)
        elif number not in self._teachings and number not in self._taken_back:
            self._hold(number, taught)
            taught.give(self._beliefs)

    def restore(self, taught: Mapping[int, WarmStart]) -> None:
        """Teach again what was taught here and a state that was taken over since has not; under
        another number where another lesson has that one."""
        for number, lesson in taught.items():
            mine = self._teachings.get(number)
            if lesson.squares and (mine is None or mine.to_state() != lesson.to_state()):
                self.hear(number if mine is None else self._next(), lesson, is_held=True)

    def believe_again(self, taught: WarmStart, deployment: str, *, is_held: bool) -> None:
        """What a belief that was replaced since had known of a lesson."""
        (taught.give if is_held else taught.take_back)(self._beliefs, only=deployment)

    def held(self) -> dict[int, WarmStart]:
        """All that was taught and not taken back, by number."""
        return dict(self._teachings)

    def has_taught(self, cell: Cell) -> bool:
        """True if beliefs of a cell's route were started from past results."""
        places = ((each.namespace, each.route) for each in self._teachings.values())
        return (cell.namespace, cell.route) in places

    def taught(self, cell: Cell, deployment: str) -> float:
        """Rewards that lessons had given a deployment at a task, as of what was last learnt on its
        route."""
        if self._taught is None:
            self._taught = _by_place(self._teachings.values())
        as_of, half_life_s = self._beliefs.as_of(cell), self._beliefs.settings.half_life_s
        given = self._taught.get((cell, deployment), ())
        return math.fsum(count * 2.0 ** ((at - as_of) / half_life_s) for count, at in given)

    def _hold(self, number: int, taught: WarmStart) -> None:
        self._teachings[number], self._taught = taught, None

    def _drop(self, number: int) -> WarmStart | None:
        self._taught = None
        return self._teachings.pop(number, None)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {str(number): taught.to_state() for number, taught in self._teachings.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state` in place of what was held."""
        self._teachings = {
            int(number): WarmStart.from_state(taught) for number, taught in state.items()
        }
        self._taught = None


def _by_place(held: Iterable[WarmStart]) -> dict[Place, list[tuple[float, float]]]:
    """(rewards, unix s) of all results of lessons."""
    found: dict[Place, list[tuple[float, float]]] = {}
    for taught in held:
        for result in taught.results:
            cell = Cell.read(taught.namespace, taught.route, result.task)
            given = (result.count, taught.taught_at)
            found.setdefault((cell, result.deployment), []).append(given)
    return found
