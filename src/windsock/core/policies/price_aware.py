"""Who gets the next request: the policy that prices move."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.change_detection import Mode
from windsock.core.cascades.cascade_arm import arm_of
from windsock.core.context.segments import SegmentSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import to_float
from windsock.core.policies.aims.measures import Measures
from windsock.core.policies.budgets.pacing import Pacer
from windsock.core.policies.budgets.pool import BudgetPool, purse_of
from windsock.core.policies.budgets.solver import LEAST_USD, Allocation, Demand, allocate
from windsock.core.policies.cascade_weights import (
    arm_names,
    cascade_weights,
    fold_into_deployments,
    pad,
    useful_arms,
)
from windsock.core.policies.floor_deficit import MOST_CELLS, FloorDeficit
from windsock.core.policies.frontier import Arms, Ladder
from windsock.core.policies.objectives import Chosen, Floor, Objective, choose
from windsock.core.policies.protocol import BasePolicy, CellView, Frontier, Weighing
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.task_assignment import TaskAssignment

MOST_LADDERS = 1024
"""Ladders remembered between two changes of belief or price."""

SETTLING = "the share moved per minute is limited"
SPENT = "the budget for today is spent"


@dataclass(slots=True)
class _Known:
    """What cells that are solved together share: ladders, and what a success is measured by."""

    ladders: dict[tuple[Hashable, ...], Ladder] = field(default_factory=dict)
    reference: Reference | None = None


@dataclass(slots=True)
class _Look(_Known):
    """What previews of the same views share, and what the budget would pay."""

    views: Sequence[CellView] | None = None
    paid: Allocation | None = None


class PriceAware(BasePolicy):
    """Belief and price meet here and nowhere else: weights from P(best) on the ladder of V."""

    name = "price_aware"
    keeps_conversations = True

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
        self._last: dict[tuple[Cell, tuple[str, ...]], tuple[FloatArray, float]] = {}
        self._measures = Measures(objective, beliefs, self.served)
        self._known = _Known()
        self._look = _Look(views=())

    @property
    def pacer(self) -> Pacer | None:
        """What the budget allows; None without a budget."""
        return self._purse.pacer if self._purse else None

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
        self._known = _Known()
        if self._tasks.segmenters:
            self._tasks.redraw(self.beliefs, self.served, [view.cell for view in cells], now)
        self._known.reference = self._measures.reference(cells)
        if self._purse is not None and cells:
            self._purse.solve(cells[0].cell[:2], self._claims(cells, self._known), now)

    def ladder(self, view: CellView, now: float) -> Ladder:
        """The live price-quality frontier of a cell."""
        return self._ladder(view, self._known)

    def _ladder(self, view: CellView, known: _Known) -> Ladder:
        extra = useful_arms(view)
        pairs = [self.beliefs.posterior(view.cell, name) for name in view.deployments]
        pairs += [(compound.a, compound.b) for compound in extra]
        a, b = np.array(pairs, dtype=np.float64).T
        costs = (*view.prudent_usd, *(compound.usd for compound in extra))
        arms = Arms(
            a=np.ascontiguousarray(a),
            b=np.ascontiguousarray(b),
            usd=np.array([usd if usd > LEAST_USD else 0.0 for usd in costs]),
            explore=self.objective.explore,
            probe=pad(self._measures.probe(view), len(extra), 0.0),
            most=pad(self._measures.most(view), len(extra), 1.0),
            is_paced=self.is_paced,
            labels=self.beliefs.labels_to_come(view.cell),
            incumbent=self._measures.incumbent(view, a + b),
        )
        key = arms.key()
        found = known.ladders.get(key)
        if found is None:
            if len(known.ladders) >= MOST_LADDERS:
                known.ladders.clear()
            found = known.ladders[key] = Ladder(arms)
        return found

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """The weights of now; the share that they have moved by is remembered."""
        paid = self._purse.paid if self._purse else None
        weighing, weights = self._weighed(view, paid, self._known, now)
        if self.objective.max_share_change_per_min < 1.0:
            self._remember(view, weights, now)
        return weighing

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """What `weigh` would answer; neither the budget nor the last weights are touched.

        Ladders are those of the look alone: what one of them has solved roughly for one grid of
        values would move another solve by a last digit.
        """
        if views is None or self._look.views is not views:
            self._look = _Look(views=views)
            known = self._known.reference
            self._look.reference = known if views is None else self._measures.reference(views)
        look = self._look
        paid = self._purse.paid if self._purse else None
        if self._purse is not None and views:
            if look.paid is None:
                claims = self._claims(views, look)
                look.paid = self._purse.preview(views[0].cell[:2], claims, now)
            paid = look.paid
        return self._weighed(view, paid, look, now)[0]

    def frontier(self, views: Sequence[CellView], view: CellView, now: float) -> Frontier:
        """The arms of a cell, and every rung from cheapest to best."""
        ladder, reference = self._ladder(view, _Known()), self._measures.standard(views)
        return Frontier(names=arm_names(view), ladder=ladder, reference=reference)

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Beliefs learn rewards by themselves; here segments do."""
        self._tasks.learn(decision, deployment, reward.value)

    def settle(self, outcome: Outcome, now: float) -> None:
        """Account for what a request has cost, for who answered it, and for its size."""
        cell = outcome.decision.cell
        if outcome.served is not None:
            self.count_served(cell, arm_of(outcome.decision, outcome.served), 1.0)
        if self._purse is not None and outcome.cost_usd is not None:
            self._purse.spend(cell[:2], to_float(outcome.cost_usd), now)
        if outcome.decision.features:
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
        self, view: CellView, paid: Allocation | None, known: _Known, now: float
    ) -> tuple[Weighing, FloatArray]:
        """The weighing at what the budget pays, and its weights by deployment."""
        ladder = self._ladder(view, known)
        chosen = self._choose(ladder, view, paid, known, now)
        wanted, within = fold_into_deployments(view, chosen.rung.weights)
        weights, is_settling = self._slowed(view, wanted, now)
        least = ladder.arms.least(chosen.rung.weights, chosen.rung.value_usd)[: len(weights)]
        weighing = Weighing(
            weights=tuple(weights.tolist()),
            cascading=cascade_weights(view, weights, within),
            value_usd=chosen.rung.value_usd,
            note="; ".join(filter(None, (chosen.note, SETTLING * is_settling))),
            decided_by=chosen.decided_by,
            is_settling=is_settling,
            limits=tuple(
                ("floor",) * bool(low) + self._doubts(view, name)
                for name, low in zip(view.deployments, weights <= least * 1.0001, strict=True)
            ),
        )
        return weighing, weights

    def _claims(self, cells: Sequence[CellView], known: _Known) -> list[Demand]:
        """What every cell asks of the budget, a divided task by its segments."""
        whole = [view for view in cells if not self._tasks.is_divided(view.cell)] or cells
        return [self._claim(view, known) for view in whole]

    def _slowed(self, view: CellView, wanted: FloatArray, now: float) -> tuple[FloatArray, bool]:
        """No more share moved than the objective allows since the last weights of this cell."""
        pace = self.objective.max_share_change_per_min
        if pace >= 1.0:
            return wanted, False
        last, at = self._last.get((view.cell, view.deployments), (wanted, now))
        allowed, moved = pace * (now - at) / 60.0, 0.5 * float(np.abs(wanted - last).sum())
        if moved <= allowed:
            return wanted, False
        return last + (wanted - last) * (allowed / moved), True

    def _remember(self, view: CellView, weights: FloatArray, now: float) -> None:
        self._last.pop((view.cell, view.deployments), None)
        self._last[view.cell, view.deployments] = (weights, now)
        if len(self._last) > MOST_CELLS:
            del self._last[next(iter(self._last))]

    def _doubts(self, view: CellView, name: str) -> tuple[str, ...]:
        """Why little is believed of a deployment: young, or its quality in doubt or lost."""
        mode = self.beliefs.mode(view.cell, name)
        is_young = self._measures.is_doubted(view.cell, name)
        return ("young",) * is_young + (mode.value,) * (mode is not Mode.STEADY)

    def _claim(self, view: CellView, known: _Known) -> Demand:
        ladder, reference = self._ladder(view, known), known.reference
        floor = self._measures.floor(ladder, view, reference)
        fixed = None if self.is_paced else self._aimed(ladder, floor, reference).rung.usd
        return Demand(ladder=ladder, share=view.share, floor=floor, fixed_usd=fixed)

    def _choose(
        self, ladder: Ladder, view: CellView, paid: Allocation | None, known: _Known, now: float
    ) -> Chosen:
        reference = known.reference or self._measures.reference([view])
        floor = self._measures.floor(ladder, view, reference)
        purse = self._purse
        if purse is None:
            return self._aimed(ladder, floor, reference)
        allowance = purse.pacer.allowance(now)
        if allowance.is_spent:
            return Chosen(rung=ladder.at(0.0), note=SPENT, by="budget")
        if not self.is_paced:
            return self._aimed(ladder, floor, reference)
        paid = paid or allocate([self._claim(view, known)], allowance.usd)
        return paid.chosen(ladder, floor)

    def _aimed(self, ladder: Ladder, floor: Floor | None, reference: Reference | None) -> Chosen:
        """The rung that the objective asks for, without a budget."""
        return choose(self.objective, ladder, floor, self._measures.worth_usd(reference))
