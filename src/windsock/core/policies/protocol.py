"""What a policy sees of a cell, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any, Protocol

from windsock.core.cascades.cascade_arm import CascadeArm
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.policies.budgets.pacing import Pacer
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Objective
from windsock.core.policies.restraint.reference import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class CellView:
    """What a policy may know of a cell just now.

    deployments     candidates that can serve
    usd             expected dollars of one request, in that order, at the prices in force
    dearer_by       relative: how much dearer than that each should be taken for, as price lists
                    disagree or one alone states it; empty: not at all
    most_share      of the weight that each may get, since its price is provisional; empty: all
    share           of the route's traffic that falls in this cell
    sizes           share and dollars of each class of prompt size; `usd` is of the mix; empty: one
    size            which of them is asked for; None: the mix
    compounds       cascades that could be arms of their own; None if the route has none
    """

    cell: Cell
    deployments: tuple[str, ...]
    usd: tuple[float, ...]
    dearer_by: tuple[float, ...] = ()
    most_share: tuple[float, ...] = ()
    share: float = 1.0
    compounds: tuple[CascadeArm, ...] | None = None
    sizes: tuple[tuple[float, tuple[float, ...]], ...] = ()
    size: int | None = None

    @property
    def asked_usd(self) -> tuple[float, ...]:
        """Expected dollars of one request of the size that is asked for."""
        return self.usd if self.size is None or not self.sizes else self.sizes[self.size][1]

    def mix_usd(self, by_class: Sequence[Sequence[float]]) -> float | None:
        """Expected dollars of one request of any size, by weights of each class; None without."""
        if self.size is not None or not by_class:
            return None
        spent = (sum(map(mul, w, usd)) for w, (_, usd) in zip(by_class, self.sizes, strict=True))
        return float(sum(share * usd for (share, _), usd in zip(self.sizes, spent, strict=True)))

    @property
    def prudent_usd(self) -> tuple[float, ...]:
        """`usd`, as dear as prices should be taken for."""
        return self.prudent(self.usd)

    def prudent(self, dollars: tuple[float, ...]) -> tuple[float, ...]:
        """Dollars by deployment, as dear as their prices should be taken for."""
        if not self.dearer_by:
            return dollars
        return tuple(usd * (1 + by) for usd, by in zip(dollars, self.dearer_by, strict=True))


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


MOST_BUSY = 8
"""Cells of a route by which the whole of it is measured where that must be quick."""


class LazyViews(Sequence[CellView]):
    """Views that are made when the first is asked for: 50 tasks x 100 arms take 70 ms.

    make    makes those of so many cells with most of the traffic, of all if None is said
    """

    def __init__(self, make: Callable[[int | None], list[CellView]]) -> None:
        self._make = make
        self._made: list[CellView] | None = None

    def busiest(self) -> list[CellView]:
        """Those of MOST_BUSY cells at most; the others are not made for it."""
        return self._make(MOST_BUSY) if self._made is None else busiest(self._made)

    def __len__(self) -> int:
        return len(self._views())

    def __getitem__(self, index: Any) -> Any:
        return self._views()[index]

    def _views(self) -> list[CellView]:
        if self._made is None:
            self._made = self._make(None)
        return self._made


def busiest(cells: Sequence[CellView]) -> list[CellView]:
    """Those of MOST_BUSY cells at most, by their share of the traffic."""
    if isinstance(cells, LazyViews):
        return cells.busiest()
    return sorted(cells, key=lambda view: (-view.share, view.cell))[:MOST_BUSY]


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
