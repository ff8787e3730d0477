"""Who gets the next request: the protocol, and the policy that prices move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from windsock.core.ladder import Arms, Ladder
from windsock.core.objective import Objective, choose
from windsock.core.posterior import Beliefs
from windsock.core.records import Decision, Outcome, Reward, RouteRequest
from windsock.core.rivals import (
    Cheapest,
    EpsilonGreedy,
    Fixed,
    InverseSquarePrice,
    PlainThompson,
    RoundRobin,
    Rules,
    SuccessPerCost,
    Uniform,
)
from windsock.core.views import CellView, Weighing

__all__ = [
    "CellView",
    "Cheapest",
    "EpsilonGreedy",
    "Fixed",
    "InverseSquarePrice",
    "Objective",
    "PlainThompson",
    "Policy",
    "PriceAware",
    "RoundRobin",
    "Rules",
    "SuccessPerCost",
    "Uniform",
    "Weighing",
]


class Policy(Protocol):
    """Turns a view into weights. `is_contextual` policies are asked anew for every request."""

    name: str
    is_contextual: bool

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """See all cells of one route together, once per re-solve."""
        ...

    def weigh(
        self, view: CellView, now: float, request: RouteRequest | None = None
    ) -> Weighing: ...

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None: ...

    def settle(self, outcome: Outcome, now: float) -> None: ...

    def to_state(self) -> dict[str, Any]: ...

    def from_state(self, state: Mapping[str, Any]) -> None: ...


class PriceAware:
    """Belief and price meet here and nowhere else: weights from P(best) on the ladder of V."""

    name = "price_aware"
    is_contextual = False

    def __init__(self, beliefs: Beliefs, objective: Objective) -> None:
        self.beliefs = beliefs
        self.objective = objective

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """Nothing to do for objectives that are held per cell."""

    def ladder(self, view: CellView, now: float) -> Ladder:
        """The live price-quality frontier of a cell."""
        pairs = [self.beliefs.posterior(view.cell, name, now) for name in view.deployments]
        a, b = np.array(pairs, dtype=np.float64).T
        return Ladder(Arms(a=a, b=b, usd=np.array(view.usd), explore=self.objective.explore))

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        chosen = choose(self.objective, self.ladder(view, now))
        weights = chosen.rung.weights
        least = self.objective.explore / len(weights)
        limits = tuple(("floor",) if weight <= least else () for weight in weights.tolist())
        return Weighing(
            weights=tuple(weights.tolist()),
            value_usd=chosen.rung.value_usd,
            note=chosen.note,
            limits=limits,
        )

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Rewards are learnt by the beliefs."""

    def settle(self, outcome: Outcome, now: float) -> None:
        """Spending is not paced under this objective."""

    def to_state(self) -> dict[str, Any]:
        return {}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """There is nothing to take over."""
