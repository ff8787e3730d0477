"""Who gets the next request: the protocol, and the policy that prices move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.change_detection import Mode
from windsock.core.cascades.cascade_arm import arm_of
from windsock.core.context.segments import Segmenter, SegmentSettings
from windsock.core.context.task_classifier import TaskClassifier
from windsock.core.model.arrays import FloatArray
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import DEFAULT_TASK, Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import to_float
from windsock.core.policies.budgets.pacing import DayPacer, RequestPacer
from windsock.core.policies.budgets.pool import BudgetPool
from windsock.core.policies.budgets.solver import LEAST_USD, Demand, allocate
from windsock.core.policies.cascade_weights import (
    arm_names,
    cascade_weights,
    fold_into_deployments,
    pad,
    useful_arms,
)
from windsock.core.policies.floor_deficit import FloorDeficit
from windsock.core.policies.frontier import Arms, Ladder
from windsock.core.policies.objectives import Chosen, Floor, Objective, choose, floor_of
from windsock.core.policies.protocol import CellView, Weighing
from windsock.core.policies.segment_migration import reseat

LADDERS = 1024
"""Ladders remembered between two changes of belief or price."""

YOUNG_SHARE = 0.3
"""Most of a task's requests that go to a deployment of which little is known."""

PROMPT_WEIGHT = 0.3
"""What a prompt token counts against an answer's when requests are compared by size."""

SETTLING = "the share moved per minute is limited"
SPENT = "the budget for today is spent"


class PriceAware:
    """Belief and price meet here and nowhere else: weights from P(best) on the ladder of V."""

    name = "price_aware"
    is_contextual = False

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
        self._purse = purse or purse_of(objective)
        self.served = FloorDeficit()
        self._segments = segments
        self._segmenters: dict[str, Segmenter] = {}
        self._classifies = classifies
        self._classifiers: dict[str, TaskClassifier] = {}
        self._last: dict[tuple[Cell, tuple[str, ...]], tuple[FloatArray, float]] = {}
        self._ladders: dict[tuple[bytes, ...], Ladder] = {}

    @property
    def pacer(self) -> RequestPacer | DayPacer | None:
        """What the budget allows; None without a budget."""
        return self._purse.pacer if self._purse else None

    @property
    def is_paced(self) -> bool:
        """True if the budget chooses the rung, not only stops at its cap."""
        return self._purse is not None and self.objective.kind == "budget"

    @property
    def shadow_price(self) -> float | None:
        """Successes bought by the last dollar of the budget; None without a budget."""
        paid = self._purse.paid if self._purse else None
        if paid is None:
            return None
        return 1.0 / paid.high_usd if paid.high_usd else float("inf")

    def task_of(self, request: RouteRequest) -> str:
        """The request's task, or a proposed one; with its segment where segments are learnt."""
        if not request.features:
            return request.task
        task = request.task
        classifier = self._classifiers.get(request.namespace)
        if classifier is not None and task == DEFAULT_TASK:
            task = classifier.propose(request.features) or task
        segmenter = self._segmenters.get(request.namespace)
        return task if segmenter is None else segmenter.place(task, request.features)

    def segment_words(self, cell: Cell) -> str:
        """What the segment of a cell holds, for people; empty where there is none."""
        segmenter = self._segmenters.get(cell.namespace)
        return segmenter.words(cell.task) if segmenter else ""

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """Draw segments anew if due, and choose the budget's rung for all cells together."""
        self._ladders = {}
        self._redraw(cells, now)
        if self._purse is not None and cells:
            whole = [view for view in cells if not self._is_divided(view.cell)] or cells
            claims = [self._claim(view, now) for view in whole]
            self._purse.solve(cells[0].cell[:2], claims, now)

    def ladder(self, view: CellView, now: float) -> Ladder:
        """The live price-quality frontier of a cell."""
        extra = useful_arms(view)
        pairs = [self.beliefs.posterior(view.cell, name) for name in view.deployments]
        pairs += [(compound.a, compound.b) for compound in extra]
        a, b = np.array(pairs, dtype=np.float64).T
        costs = (*view.usd, *(compound.usd for compound in extra))
        arms = Arms(
            a=np.ascontiguousarray(a),
            b=np.ascontiguousarray(b),
            usd=np.array([usd if usd > LEAST_USD else 0.0 for usd in costs]),
            explore=self.objective.explore,
            probe=pad(self._probe(view), len(extra), 0.0),
            most=pad(self._most(view), len(extra), 1.0),
            is_paced=self.is_paced,
        )
        key = arms.key()
        found = self._ladders.get(key)
        if found is None:
            if len(self._ladders) >= LADDERS:
                self._ladders.clear()
            found = self._ladders[key] = Ladder(arms)
        return found

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        ladder = self.ladder(view, now)
        chosen = self._choose(ladder, view, now)
        wanted, within = fold_into_deployments(view, chosen.rung.weights)
        weights, is_settling = self._slowed(view, wanted, now)
        least = ladder.arms.least(chosen.rung.weights, chosen.rung.value_usd)[: len(weights)]
        return Weighing(
            weights=tuple(weights.tolist()),
            cascading=cascade_weights(view, weights, within),
            value_usd=chosen.rung.value_usd,
            note="; ".join(filter(None, (chosen.note, SETTLING * is_settling))),
            is_settling=is_settling,
            limits=tuple(
                ("floor",) * bool(low) + self._doubts(view, name)
                for name, low in zip(view.deployments, weights <= least * 1.0001, strict=True)
            ),
        )

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Beliefs learn rewards by themselves; here segments do."""
        if self._segments is not None and decision.features:
            segmenter = self._segmenter(decision.cell.namespace)
            segmenter.learn(decision.features, deployment, reward.value)

    def settle(self, outcome: Outcome, now: float) -> None:
        """Account for what a request has cost, for who answered it, and for its size."""
        cell = outcome.decision.cell
        if outcome.served is not None:
            self.served.count(cell, arm_of(outcome.decision, outcome.served))
        if self._purse is not None and outcome.cost_usd is not None:
            self._purse.spend(cell[:2], to_float(outcome.cost_usd), now)
        features, usage = outcome.decision.features, outcome.usage
        task = cell.task.partition("#")[0]
        is_tagged = task != DEFAULT_TASK and not outcome.decision.is_task_guessed
        if self._classifies and features and is_tagged:
            self._classifier(cell.namespace).learn(task, features)
        if self._segments is not None and features and usage is not None and outcome.served:
            tokens = usage.completion_tokens + PROMPT_WEIGHT * usage.prompt_tokens
            segmenter = self._segmenter(outcome.decision.cell.namespace)
            segmenter.learn_size(features, outcome.served, tokens)

    def to_state(self) -> dict[str, Any]:
        return {
            "pacer": self.pacer.to_state() if self.pacer else None,
            "served": self.served.to_state(),
            "segments": {name: made.to_state() for name, made in self._segmenters.items()},
            "tasks": {name: made.to_state() for name, made in self._classifiers.items()},
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        if self.pacer is not None and state.get("pacer"):
            self.pacer.from_state(state["pacer"])
        self.served.from_state(state.get("served", []))
        if self._classifies:
            for name, tagged in state.get("tasks", {}).items():
                self._classifier(name).from_state(tagged)
        if self._segments is not None:
            for name, body in state.get("segments", {}).items():
                self._segmenter(name).from_state(body)

    def _classifier(self, namespace: str) -> TaskClassifier:
        found = self._classifiers.get(namespace)
        if found is None:
            found = self._classifiers[namespace] = TaskClassifier()
        return found

    def _segmenter(self, namespace: str) -> Segmenter:
        found = self._segmenters.get(namespace)
        if found is None:
            found = self._segmenters[namespace] = Segmenter(self._segments or SegmentSettings())
        return found

    def _redraw(self, cells: Sequence[CellView], now: float) -> None:
        """Draw borders where evidence has grown enough, and seat every task by them."""
        for namespace, segmenter in self._segmenters.items():
            mine = [view.cell for view in cells if view.cell.namespace == namespace]
            if not mine or not segmenter.is_due():
                continue
            was = segmenter.borders
            if segmenter.draw_borders() is was:
                continue
            for task in dict.fromkeys(cell.task.partition("#")[0] for cell in mine):
                cell = mine[0]._replace(task=task)
                reseat(self.beliefs, self.served, cell, segmenter, now)

    def _is_divided(self, cell: Cell) -> bool:
        """True for a task whose requests fall in its segments."""
        segmenter = self._segmenters.get(cell.namespace)
        return segmenter is not None and segmenter.borders is not None and "#" not in cell.task

    def _slowed(self, view: CellView, wanted: FloatArray, now: float) -> tuple[FloatArray, bool]:
        """No more share moved than the objective allows since the last weights of this cell."""
        pace = self.objective.max_share_change_per_min
        if pace >= 1.0:
            return wanted, False
        key = (view.cell, view.deployments)
        last, at = self._last.get(key, (wanted, now))
        allowed, moved = pace * (now - at) / 60.0, 0.5 * float(np.abs(wanted - last).sum())
        is_settling = moved > allowed
        weights = last + (wanted - last) * (allowed / moved) if is_settling else wanted
        self._last[key] = (weights, now)
        return weights, is_settling

    def _probe(self, view: CellView) -> FloatArray | None:
        probes = [self.beliefs.probe(view.cell, name) for name in view.deployments]
        return np.array(probes) if any(probes) else None

    def _most(self, view: CellView) -> FloatArray | None:
        young = [self.beliefs.is_young(view.cell, name) for name in view.deployments]
        if not any(young) or all(young):
            return None
        return np.where(young, YOUNG_SHARE, 1.0)

    def _doubts(self, view: CellView, name: str) -> tuple[str, ...]:
        """Why little is believed of a deployment: young, or its quality in doubt or lost."""
        mode = self.beliefs.mode(view.cell, name)
        is_young = self.beliefs.is_young(view.cell, name)
        return ("young",) * is_young + (mode.value,) * (mode is not Mode.STEADY)

    def _claim(self, view: CellView, now: float) -> Demand:
        ladder = self.ladder(view, now)
        floor = self._floor(ladder, view)
        fixed = None if self.is_paced else choose(self.objective, ladder, floor).rung.usd
        return Demand(ladder=ladder, share=view.share, floor=floor, fixed_usd=fixed)

    def _choose(self, ladder: Ladder, view: CellView, now: float) -> Chosen:
        floor = self._floor(ladder, view)
        purse = self._purse
        if purse is None:
            return choose(self.objective, ladder, floor)
        allowance = purse.pacer.allowance(now)
        if allowance.is_spent:
            return Chosen(rung=ladder.at(0.0), note=SPENT)
        if not self.is_paced:
            return choose(self.objective, ladder, floor)
        paid = purse.paid or allocate([self._claim(view, now)], allowance.usd)
        return paid.chosen(ladder, floor)

    def _floor(self, ladder: Ladder, view: CellView) -> Floor | None:
        """The floor of a cell, raised by what its last requests got too little.

        At most half of the way to the best arm: the nearer to it, the dearer a success.
        """
        floor = floor_of(self.objective)
        if floor is None:
            return None
        success = dict(zip(arm_names(view), ladder.arms.mean.tolist(), strict=True))
        most = max(0.0, 0.5 * (max(success.values()) - floor.success))
        return replace(floor, owed=min(most, self.served.owed(view.cell, floor.success, success)))


def purse_of(objective: Objective) -> BudgetPool | None:
    """A budget of its own for one route, if it has one."""
    if objective.usd_per_request is not None:
        return BudgetPool(RequestPacer(objective.usd_per_request))
    if objective.usd_per_day is not None:
        return BudgetPool(DayPacer(objective.usd_per_day))
    return None
