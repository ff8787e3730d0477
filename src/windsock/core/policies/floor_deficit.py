"""What a floor owes: success that a task got too little of is made up, as overspending is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windsock.core.model.requests import Cell

HORIZON = 1000.0
"""Requests of a task that are remembered."""

REPAY = 250.0
"""Requests over which a debt is paid back."""

MOST_RAISE = 0.05
"""Most by which a debt raises a floor."""


MOST_CELLS = 5000
"""Of which it is remembered; the one that was served longest ago is forgotten first."""


class FloorDeficit:
    """Who served each task lately. What it was worth is judged by the belief of today.

    A deployment that was thought good and turns out to be bad leaves a debt, one request that
    failed by bad luck does not.
    """

    def __init__(self) -> None:
        self._requests: dict[Cell, dict[str, float]] = {}

    def observe(self, cell: Cell, deployment: str, requests: float = 1.0) -> None:
        """So many requests of a cell were answered by a deployment."""
        counts = self._requests[cell] = self._requests.pop(cell, {})
        if len(self._requests) > MOST_CELLS:
            del self._requests[next(iter(self._requests))]
        counts[deployment] = counts.get(deployment, 0.0) + requests
        total = sum(counts.values())
        if total > HORIZON:
            for name in counts:
                counts[name] *= HORIZON / total

    def raise_by(
        self, cell: Cell, floor: float, success_by_deployment: Mapping[str, float]
    ) -> float:
        """By how much the floor of the next requests is raised, 0..MOST_RAISE.

        success_by_deployment   expected now; those that are no candidates any more are left out
        """
        return raised(self.missed(cell, floor, success_by_deployment))

    def missed(self, cell: Cell, floor: float, success_by_deployment: Mapping[str, float]) -> float:
        """Successes that the last requests got less than the floor; negative: more."""
        return sum(
            count * (floor - success_by_deployment[name])
            for name, count in self.counts(cell).items()
            if name in success_by_deployment
        )

    def counts(self, cell: Cell) -> Mapping[str, float]:
        """The last requests of a cell by who answered."""
        return self._requests.get(cell, {})

    def absorb(self, cell: Cell, other: Cell) -> None:
        """Requests of another cell fall in this one from now on, and what they are owed."""
        for name, requests in self._requests.pop(other, {}).items():
            self.observe(cell, name, requests)

    def to_state(self) -> list[Any]:
        """[namespace, route, name, requests by deployment] of every cell."""
        return [[*cell.stored, dict(counts)] for cell, counts in sorted(self._requests.items())]

    def from_state(self, state: list[Any]) -> None:
        """Take over a state of `to_state`."""
        self._requests = {Cell.read(*names): dict(counts) for *names, counts in state}


def raised(missed: float) -> float:
    """By how much a floor is raised for so many successes missed, 0..MOST_RAISE."""
    return min(MOST_RAISE, max(0.0, missed) / REPAY)
