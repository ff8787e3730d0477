"""Which answers should be judged first: those that say most of what requests will get."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import ArmFacts, WeightTable
from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.errors import UnknownRoute

SPAN = 3.2897
"""Standard deviations that a 90 % interval spans."""


def label_worth(table: WeightTable) -> dict[str, float]:
    """By deployment, how much a label on one of its answers would tell of the requests to come.

    The variance of the success of the next request is the sum of weight x sd^2; a label on an arm
    whose belief rests on n rewards takes 1 / (n + 1) of its sd^2 away. So newcomers that get some
    traffic come first, then what is known least of those that get most. 0 for who gets nothing.
    """
    return {name: worth.first for name, worth in _worths(table).items()}


class Worth(NamedTuple):
    """What a first label tells, and on how many rewards the belief rests, n + 1."""

    first: float
    behind: float

    def after(self, labels: int) -> float:
        """What one more tells after so many: sd^2 / (n + 1) falls with the square of n + 1."""
        return self.first * (self.behind / (self.behind + labels)) ** 2


NO_WORTH = Worth(0.0, 1.0)


def _worths(table: WeightTable) -> dict[str, Worth]:
    return {arm.deployment: _known(arm) for arm in table.arms}


def _known(arm: ArmFacts) -> Worth:
    """A label takes sd^2 / (n + 1) of the variance of a belief, with n + 1 = m (1 - m) / sd^2."""
    variance = ((arm.success_high - arm.success_low) / SPAN) ** 2
    spread = arm.success_mean * (1.0 - arm.success_mean)
    behind = max(1.0, spread / variance) if variance > 0.0 else 1.0
    return Worth(arm.weight * variance / behind, behind)


class LabelWorth:
    """Labels by the tables of one moment, each looked at once. Looking moves nothing."""

    def __init__(self, router: Router, now: float) -> None:
        self._router, self._now = router, now
        self._known: dict[Cell, dict[str, Worth]] = {}

    def of(self, outcome: Outcome) -> Worth:
        """What labels on such answers would tell; 0 where its route or deployment is gone."""
        return self.at(outcome.decision.cell).get(outcome.served or "", NO_WORTH)

    def at(self, cell: Cell) -> Mapping[str, Worth]:
        """The same of each deployment at a task; the first look takes some milliseconds."""
        if cell not in self._known:
            self._known[cell] = self._looked_up(cell)
        return self._known[cell]

    def _looked_up(self, cell: Cell) -> dict[str, Worth]:
        try:
            table = self._router.table(cell.namespace, cell.route, cell.name, self._now)
        except UnknownRoute:
            return {}
        return _worths(table)


def wanted(
    outcomes: Iterable[Outcome], worth: LabelWorth, is_wanted: Callable[[Outcome], bool]
) -> Iterator[tuple[float, Outcome]]:
    """Answers with what a label on each would tell, once those before it have theirs: of one
    deployment at one task the second tells less than the first, so that others come between.

    Those that tell most first, of equal ones the newest. is_wanted is asked as they are taken.
    """
    places: dict[tuple[Cell, str], list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda each: each.decision.number):
        places.setdefault((outcome.decision.cell, outcome.served or ""), []).append(outcome)
    # Tables are looked up now; what follows may be asked for in a thread.
    first = [_Line(worth.of(each[-1]), each) for each in places.values()]
    return _in_turn(first, is_wanted)


@dataclass(slots=True)
class _Line:
    """Answers of one place, the newest last; given: labels that are wanted of it so far."""

    worth: Worth
    answers: list[Outcome]
    given: int = 0

    @property
    def order(self) -> tuple[float, int]:
        return -self.worth.after(self.given), -self.answers[-1].decision.number


def _in_turn(
    lines: list[_Line], is_wanted: Callable[[Outcome], bool]
) -> Iterator[tuple[float, Outcome]]:
    heap = [(line.order, number) for number, line in enumerate(lines)]
    heapify(heap)
    while heap:
        number = heappop(heap)[1]
        line = lines[number]
        value, outcome = line.worth.after(line.given), line.answers.pop()
        if is_wanted(outcome):
            line.given += 1
            yield value, outcome
        if line.answers:
            heappush(heap, (line.order, number))
