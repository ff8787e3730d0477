"""What a policy is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.policies.budgets.pacing import Pacer
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Objective
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.views import CellView


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """
    weights     sum to 1, in the view's order
    cascading   for each compound of the view, its part of the weight of its first deployment;
                None if the policy weighs no cascades
    value_usd   V they were solved for, if the policy has one
    note        what the objective could not be given
    decided_by  what chose these weights and what moved them, in words
    usd         expected of one request of a mix of sizes; None: weights times costs
    limits      per deployment, what holds its weight up or down
    is_settling share is moved step by step; weigh again within seconds
    """

    weights: tuple[float, ...]
    cascading: tuple[float, ...] | None = None
    value_usd: float | None = None
    note: str = ""
    decided_by: str = ""
    usd: float | None = None
    limits: tuple[tuple[str, ...], ...] = ()
    is_settling: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The rungs of a cell, solved when they are looked at, beside those that requests are drawn by.

    names       of its arms: deployments, and cascades as "cheap > strong"
    reference   what a success is measured by; None where everything is free
    """

    names: tuple[str, ...]
    ladder: Ladder
    reference: Reference | None


class Policy(Protocol):
    """Turns a view into weights. `is_contextual` policies are asked anew for every request.

    is_varying              answers differ between requests that are alike
    keeps_conversations     a conversation stays where it was drawn to, as caches make it worth
    weighs_sizes            prompts of other sizes have weights of their own
    quality_floor           least success that is asked for at every task; None where none is
    incumbent               deployment that is used today; None where none is named
    """

    name: str
    is_contextual: bool
    is_varying: bool
    keeps_conversations: bool
    weighs_sizes: bool
    quality_floor: float | None
    incumbent: str | None

    @property
    def pacer(self) -> Pacer | None:
        """What a budget allows; None without one."""
        ...

    def task_of(self, request: RouteRequest) -> tuple[str, str]:
        """(task, segment) that a request is decided under."""
        ...

    def segment_words(self, cell: Cell) -> str:
        """What the segment of a cell holds, for people; empty where there is none."""
        ...

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """See all cells of one route together, once per re-solve."""
        ...

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """Weights of the candidates of a view, which are at least one."""
        ...

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """What `weigh` would answer after `refresh(views)`, or as it is if that is not due.

        Nothing is solved for good: the next `weigh` answers as if nobody had asked.
        """
        ...

    @property
    def aims(self) -> Objective | None:
        """What it aims at; None where weights are not chosen by aims."""
        ...

    def under(self, objective: Objective) -> Policy:
        """This policy with another objective, to preview by; itself where it has none."""
        ...

    def frontier(self, views: Sequence[CellView], view: CellView, now: float) -> Frontier | None:
        """What every value of a success would cost and deliver in a cell; None without a ladder.

        views   all of the route, by which is measured what a success costs
        """
        ...

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """A reward, after the beliefs have learnt it."""
        ...

    def settle(self, outcome: Outcome, now: float) -> None:
        """A request has ended: what it has cost, and who answered."""
        ...

    def count_served(self, cell: Cell, arm: str, requests: float) -> None:
        """So many requests of a cell were answered by an arm, in place of as many `settle`."""
        ...

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact."""
        ...

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `to_state` of the same kind gave."""
        ...


def state_of(policy: Policy) -> dict[str, Any]:
    """JSON-able, exact, with the name of the policy's kind."""
    return {"kind": policy.name, **policy.to_state()}


def take_over(policy: Policy, state: Mapping[str, Any]) -> None:
    """Go on from a state of `state_of`; after a policy of another kind this one starts fresh."""
    if state["kind"] == policy.name:
        policy.from_state(state)


class BasePolicy:
    """A policy without budget, segments or memory; what it weighs is up to its kind."""

    name = "base"
    is_contextual = False
    is_varying = False
    keeps_conversations = False
    weighs_sizes = False
    quality_floor: float | None = None
    incumbent: str | None = None

    @property
    def pacer(self) -> Pacer | None:
        """None: spending is not paced."""
        return None

    def task_of(self, request: RouteRequest) -> tuple[str, str]:
        """Tasks are taken as they come, and have no segments."""
        return request.task, ""

    def segment_words(self, cell: Cell) -> str:
        """Empty: there are no segments."""
        return ""

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """Cells are weighed one by one."""

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All alike."""
        return Weighing(weights=(1.0 / len(view.deployments),) * len(view.deployments))

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """What `weigh` answers; a policy that remembers what it weighed has its own."""
        return self.weigh(view, now)

    @property
    def aims(self) -> Objective | None:
        """None: it aims at nothing."""
        return None

    def under(self, objective: Objective) -> Policy:
        """Itself: it aims at nothing."""
        return self

    def frontier(self, views: Sequence[CellView], view: CellView, now: float) -> Frontier | None:
        """None: there is no ladder."""
        return None

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Rewards are learnt by the beliefs, if at all."""

    def settle(self, outcome: Outcome, now: float) -> None:
        """Spending is not paced."""

    def count_served(self, cell: Cell, arm: str, requests: float) -> None:
        """Nothing is owed to anybody."""

    def to_state(self) -> dict[str, Any]:
        """Empty: there is no memory."""
        return {}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """There is nothing to take over."""
