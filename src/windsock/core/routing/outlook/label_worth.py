"""Which answers should be judged first: those that say most of what requests will get."""

from __future__ import annotations

from collections.abc import Iterable

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
    return {arm.deployment: arm.weight * _taken_away(arm) for arm in table.arms}


def _taken_away(arm: ArmFacts) -> float:
    """Of the variance of a belief by one reward: sd^2 / (n + 1), with n + 1 = m (1 - m) / sd^2."""
    variance = ((arm.success_high - arm.success_low) / SPAN) ** 2
    spread = arm.success_mean * (1.0 - arm.success_mean)
    return variance * min(1.0, variance / spread) if spread > 0.0 else 0.0


class LabelWorth:
    """Labels by the tables of one moment, each looked at once. Looking moves nothing."""

    def __init__(self, router: Router, now: float) -> None:
        self._router, self._now = router, now
        self._known: dict[Cell, dict[str, float]] = {}

    def of(self, outcome: Outcome) -> float:
        """What a label on this answer would tell; 0 where its route or deployment is gone."""
        cell = outcome.decision.cell
        if cell not in self._known:
            self._known[cell] = self._looked_up(cell)
        return self._known[cell].get(outcome.served or "", 0.0)

    def _looked_up(self, cell: Cell) -> dict[str, float]:
        try:
            return label_worth(self._router.table(cell.namespace, cell.route, cell.task, self._now))
        except UnknownRoute:
            return {}


def wanted(outcomes: Iterable[Outcome], worth: LabelWorth) -> list[tuple[float, Outcome]]:
    """Answers with what a label on each would tell: those that tell most first, then the newest."""
    scored = [(worth.of(outcome), outcome) for outcome in outcomes]
    return sorted(scored, key=lambda pair: (-pair[0], -pair[1].decision.number))
