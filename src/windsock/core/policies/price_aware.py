"""Who gets the next request: the policy that prices move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.cascade_arm import arm_of
from windsock.core.context.routing_value import Stakes
from windsock.core.context.segments import SegmentSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import to_float
from windsock.core.policies.aims.doubts import doubts_of, most_shares, probe_shares
from windsock.core.policies.aims.looks import Known, Look
from windsock.core.policies.aims.measures import Measures
from windsock.core.policies.aims.route_floor import held_over_route, lifted
from windsock.core.policies.aims.share_pace import SharePace
from windsock.core.policies.aims.sized_ladder import dollars, ladder_of
from windsock.core.policies.budgets.pacing import Pacer
from windsock.core.policies.budgets.pool import BudgetPool, purse_of
from windsock.core.policies.budgets.solver import Allocation, Demand, allocate
from windsock.core.policies.cascade_weights import (
    arm_names,
    cascade_weights,
    fold_into_deployments,
    pad,
    useful_arms,
)
from windsock.core.policies.floor_deficit import FloorDeficit
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Chosen, Floor, Objective, choose
from windsock.core.policies.protocol import BasePolicy, Frontier, Weighing
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.rungs import Arms
from windsock.core.policies.task_assignment import TaskAssignment
from windsock.core.policies.views import CellView

MOST_LADDERS = 1024
"""Ladders remembered between two changes of belief or price."""

SETTLING = "the share moved per minute is limited"
SPENT = "the budget for today is spent"


class PriceAware(BasePolicy):
    """Belief and price meet here and nowhere else: weights from P(best) on the ladder of V."""

    name = "price_aware"
    keeps_conversations = True
    weighs_sizes = True

    def __init__(
        self,
        beliefs: Beliefs,
        objective: Objective,
        *,
        segments: SegmentSettings | None = None,
        purse: BudgetPool | None = None,
        classifies: bool = False,
    ) -> None:
        self.beliefs = beliefs
        self.objective = objective
        self.quality_floor, self.incumbent = objective.quality_floor, objective.incumbent
        self._purse = purse or purse_of(objective)
        self.served = FloorDeficit()
        self._tasks = TaskAssignment(segments=segments, classifies=classifies)
        self._pace = SharePace(objective.max_share_change_per_min)
        self._measures = Measures(objective, beliefs, self.served)
        self._known = Known()
        self._look = Look(views=())

    @property
    def pacer(self) -> Pacer | None:
        """What the budget allows; None without a budget."""
        return self._purse.pacer if self._purse else None

    @property
    def aims(self) -> Objective | None:
        """What it aims at."""
        return self.objective

    @property
    def is_paced(self) -> bool:
        """True if the budget chooses the rung, not only stops at its cap."""
        return self._purse is not None and self.objective.kind == "budget"

    def task_of(self, request: RouteRequest) -> tuple[str, str]:
        """The request's task, or a proposed one; with its segment where segments are learnt."""
        return self._tasks.of(request) if request.features else (request.task, "")

    def segment_words(self, cell: Cell) -> str:
        """What the segment of a cell holds, for people; empty where there is none."""
        return self._tasks.words(cell)

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """Draw segments anew if due, and choose the budget's rung for all cells together."""
        self._known = Known()
        if self._tasks.segmenters:
            stakes = partial(self._stakes, cells, now)
            self._tasks.redraw(self.beliefs, self.served, cells, stakes, now)
        self._known.reference = self._measures.reference(cells)
        self._known.held = self._held(cells, self._known)
        if self._purse is not None and cells:
            self._purse.solve(cells[0].cell[:2], self._claims(cells, self._known), now)

    def ladder(self, view: CellView, now: float) -> Ladder:
        """The live price-quality frontier of a cell."""
        return self._ladder(view, self._known)

    def _ladder(self, view: CellView, known: Known) -> Ladder:
        extra = useful_arms(view)
        pairs = self.beliefs.posteriors(view.cell, view.deployments)
        pairs += [(compound.a, compound.b) for compound in extra]
        a, b = np.array(pairs, dtype=np.float64).T
        costs = (*view.prudent_usd, *(compound.usd for compound in extra))
        arms = Arms(
            a=np.ascontiguousarray(a),
            b=np.ascontiguousarray(b),
            usd=dollars(costs),
            explore=self.objective.explore,
            probe=pad(probe_shares(self.beliefs, view), len(extra), 0.0),
            most=pad(
                most_shares(self.beliefs, view, self.objective.quality_floor), len(extra), 1.0
            ),
            is_paced=self.is_paced,
            labels=self.beliefs.labels_to_come(view.cell),
            incumbent=self._measures.incumbent(view, a + b),
        )
        if len(known.ladders) >= MOST_LADDERS:
            known.ladders.clear()
        sized = [(share, dollars(view.prudent(usd))) for share, usd in view.sizes]
        is_alone = self.objective.gives_value
        return ladder_of(arms, sized, known.ladders, size=view.size, is_alone=is_alone)

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """The weights of now; the share that they have moved by is remembered."""
        paid = self._purse.paid if self._purse else None
        weighing, weights = self._weighed(view, paid, self._known, now)
        self._pace.remember(view, weights, now)
        return weighing

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """What `weigh` would answer; neither the budget nor the last weights are touched.

        Ladders are those of the look alone: what one of them has solved roughly for one grid of
        values would move another solve by a last digit.
        """
        if views is None or self._look.views is not views:
            self._look = Look(views=views)
            known = self._known.reference
            self._look.reference = known if views is None else self._measures.reference(views)
            known_held = self._known.held
            self._look.held = known_held if views is None else self._held(views, self._look)
        look = self._look
        paid = self._purse.paid if self._purse else None
        if self._purse is not None and views:
            if look.paid is None:
                claims = self._claims(views, look)
                look.paid = self._purse.preview(views[0].cell[:2], claims, now)
            paid = look.paid
        return self._weighed(view, paid, look, now)[0]

    def under(self, objective: Objective) -> PriceAware:
        """This policy with another objective, to preview by: all that is known is shared."""
        purse = self._purse and self._purse.under(objective)
        other = PriceAware(self.beliefs, objective, purse=purse)
        other.served, other._tasks = self.served, self._tasks
        other._measures = Measures(objective, self.beliefs, self.served)
        return other

    def frontier(self, views: Sequence[CellView], view: CellView, now: float) -> Frontier:
        """The arms of a cell, and every rung from cheapest to best."""
        ladder, reference = self._ladder(view, Known()), self._measures.standard(views)
        return Frontier(names=arm_names(view), ladder=ladder, reference=reference)

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Beliefs learn rewards by themselves; here segments do."""
        self._tasks.learn(decision, deployment, reward.value)

    def settle(self, outcome: Outcome, now: float) -> None:
        """Account for what a request has cost, for who answered it, and for its size."""
        decision, served = outcome.decision, outcome.served
        cell = decision.cell
        if served is not None:
            arm = served if decision.escalates_to is None else arm_of(decision, served)
            self.served.observe(cell, arm)
        if self._purse is not None and outcome.cost_usd is not None:
            self._purse.spend(cell[:2], to_float(outcome.cost_usd), now)
        if decision.features:
            self._tasks.settle(outcome)

    def count_served(self, cell: Cell, arm: str, requests: float) -> None:
        """What a floor owes is judged by who has answered."""
        self.served.observe(cell, arm, requests)

    def to_state(self) -> dict[str, Any]:
        """JSON-able, exact: the pacer, who served, segments and tasks."""
        return {
            "pacer": self.pacer.to_state() if self.pacer else None,
            "served": self.served.to_state(),
            **self._tasks.to_state(),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over what is still asked for by the settings of now."""
        if self.pacer is not None and state["pacer"]:
            self.pacer.from_state(state["pacer"])
        self.served.from_state(state["served"])
        self._tasks.from_state(state)

    def _weighed(
        self, view: CellView, paid: Allocation | None, known: Known, now: float
    ) -> tuple[Weighing, FloatArray]:
        """The weighing at what the budget pays, and its weights by deployment."""
        ladder = self._ladder(view, known)
        chosen = self._choose(ladder, view, paid, known, now)
        rung = chosen.rung.of(view.size)
        wanted, within = fold_into_deployments(view, rung.weights)
        weights, is_settling = self._pace.slowed(view, wanted, now)
        least = ladder.of(view.size).least(rung.weights, rung.value_usd)[: len(weights)]
        weighing = Weighing(
            weights=tuple(weights.tolist()),
            cascading=cascade_weights(view, weights, within),
            value_usd=rung.value_usd,
            note="; ".join(filter(None, (chosen.note, SETTLING * is_settling))),
            decided_by=chosen.decided_by,
            usd=view.mix_usd([part.weights.tolist() for part in rung.parts]),
            is_settling=is_settling,
            limits=tuple(
                ("floor",) * bool(low)
                + doubts_of(self.beliefs, view, name, self.objective.quality_floor)
                for name, low in zip(view.deployments, weights <= least * 1.0001, strict=True)
            ),
        )
        return weighing, weights

    def _stakes(self, cells: Sequence[CellView], now: float, view: CellView) -> Stakes:
        """What its requests cost where, at the value of a success that they are weighed at."""
        known = Known(reference=self._measures.reference(cells))
        chosen = self._choose(self._ladder(view, known), view, None, known, now)
        usd = dict(zip(view.deployments, view.usd, strict=True))
        return Stakes(usd=usd, value_usd=chosen.rung.value_usd)

    def _claims(self, cells: Sequence[CellView], known: Known) -> list[Demand]:
        """What every cell asks of the budget, a divided task by its segments."""
        return [self._claim(view, known) for view in self._undivided(cells)]

    def _undivided(self, cells: Sequence[CellView]) -> Sequence[CellView]:
        return [view for view in cells if not self._tasks.is_divided(view.cell)] or cells

    def _held(self, cells: Sequence[CellView], known: Known) -> Allocation | None:
        """V for all cells of the route by the floor over its traffic; None without one."""
        if self.objective.route_quality_floor is None or not cells:
            return None
        pairs = [(view, self._ladder(view, known)) for view in self._undivided(cells)]
        floor = self._measures.route_floor(pairs, known.reference)
        claims = [self._measures.demand(view, each, known.reference) for view, each in pairs]
        return held_over_route(claims, floor) if floor else None

    def _claim(self, view: CellView, known: Known) -> Demand:
        wanted = self._measures.demand(view, self._ladder(view, known), known.reference)
        if self.is_paced:
            return wanted
        aimed = self._aimed(wanted.ladder, wanted.floor, known.reference)
        return replace(wanted, fixed_usd=aimed.rung.usd)

    def _choose(
        self, ladder: Ladder, view: CellView, paid: Allocation | None, known: Known, now: float
    ) -> Chosen:
        purse = self._purse
        if purse is not None and purse.pacer.allowance(now).is_spent:
            return Chosen(rung=ladder.at(0.0), note=SPENT, by="budget")
        reference = known.reference or self._measures.reference([view])
        floor = self._measures.floor(ladder, view, reference)
        if purse is None or not self.is_paced:
            chosen = self._aimed(ladder, floor, reference)
        else:
            usd = purse.pacer.allowance(now).usd
            chosen = (paid or allocate([self._claim(view, known)], usd)).chosen(ladder, floor)
        held = known.held or self._held([view], known)
        return lifted(held, ladder, chosen) if held else chosen

    def _aimed(self, ladder: Ladder, floor: Floor | None, reference: Reference | None) -> Chosen:
        """The rung that the objective asks for, without a budget."""
        return choose(self.objective, ladder, floor, self._measures.worth_usd(reference))
