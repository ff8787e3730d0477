"""What rewards, answers and failures teach: who is heard, for how much, and what is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs, BeliefSummary
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.calls import FINAL, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.routing.routes import Route

CLAIMS = frozenset({"check", "confidence"})
"""Sources that only repeat what an answer's confidence was made of; they cannot calibrate it."""

UNJUDGED_KEEPS = 2.0
"""Rewards that a belief from mere answers is worth when the first judgements come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """Who a reward went to, what it counted for and as, and what is believed now."""

    cell: Cell
    deployment: str
    belief: BeliefSummary
    weight: float
    value: float


class Learner:
    """The way of everything that is said about answers into the beliefs.

    route_of    the route of a cell, None if it is gone
    """

    def __init__(
        self,
        beliefs: Beliefs,
        confidences: Confidences,
        route_of: Callable[[Cell], Route | None],
    ) -> None:
        self._beliefs = beliefs
        self._confidences = confidences
        self._route_of = route_of
        self._intakes: dict[str, RewardWeighting] = {}

    def take(
        self,
        decision: Decision,
        deployment: str,
        reward: Reward,
        now: float,
        *,
        replaced: Feedback | None = None,
    ) -> Credit:
        """Credit a reward to the deployment that served; `replaced` is taken back first."""
        cell = decision.cell
        rewards = self._rewards(cell)
        if replaced is not None:
            rewards.give_back(cell, deployment, replaced.reward, replaced.weight)
            self._retract(decision, deployment, replaced, now)
        else:
            rewards.response(cell, deployment).count(rewards=1.0)
        weight, value = rewards.take(cell, deployment, reward)
        self.hear(cell, weight)
        if weight > 0 and reward.source not in CLAIMS:
            self._confidences.learn(decision.id, cell, deployment, value)
        if not self._confidences.credit(decision, deployment, value, weight, now):
            self._beliefs.observe(cell, deployment, value, weight=weight, now=now)
        return Credit(
            cell=cell,
            deployment=deployment,
            belief=self._beliefs.summary(cell, deployment, now),
            weight=weight,
            value=value,
        )

    def take_sums(
        self, cell: Cell, deployment: str, n: float, s: float, q2: float, now: float
    ) -> None:
        """Credit `n` explicit rewards at once, which sum to `s` and their squares to `q2`."""
        self.hear(cell, n)
        self._beliefs.observe_sums(cell, deployment, n, s, q2, now=now)

    def take_answers(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Answers came back. It says little of their worth, and nothing once somebody judges them.

        Where only a part of the answers is judged, counting the others as good would lift every
        belief towards 1, the least judged most.
        """
        weight = count * self._transport_weight(cell)
        if weight > 0 and not self._rewards(cell).is_judged(cell):
            self._beliefs.observe_sums(cell, deployment, weight, weight, weight, now=now)

    def take_failures(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """So many calls of requests that got no answer failed, which counts against success."""
        weight = count * self._transport_weight(cell)
        if weight > 0:
            self._beliefs.observe_sums(cell, deployment, weight, 0.0, 0.0, now=now)

    def take_outcome(self, outcome: Outcome, now: float) -> None:
        """Learn usage and transport success from a finished request."""
        cell, served = outcome.decision.cell, outcome.served
        if served is None:
            self._take_failures(cell, outcome, now)
            return
        route = self._route_of(cell)
        if route is not None and route.cascade is not None:
            self._confidences.remember(outcome)
        self._rewards(cell).response(cell, served).count(answers=1.0)
        if outcome.usage is not None and not outcome.is_usage_estimated:
            self._beliefs.observe_usage(cell, served, outcome.usage, now)
        self.take_answers(cell, served, 1, now)

    def hear(self, cell: Cell, weight: float) -> None:
        """Somebody judges this task: what mere answers have taught it is dropped."""
        if self._rewards(cell).hear(cell, weight):
            self._beliefs.keep(cell, UNJUDGED_KEEPS)

    def feedback_rate(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer of a deployment at a task; None without an answer."""
        found = self._rewards(cell).response(cell, deployment)
        return found.rewards / found.answers if found.answers else None

    def to_state(self) -> dict[str, Any]:
        return {name: intake.to_state() for name, intake in self._intakes.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        for name, rewards in state.items():
            self._rewards(Cell("", name, "")).from_state(rewards)

    def _retract(self, decision: Decision, deployment: str, replaced: Feedback, now: float) -> None:
        """Take an earlier reward back, from whom it was credited to."""
        value, weight = replaced.reward.value, replaced.weight
        if not self._confidences.credit(decision, deployment, value, -weight, replaced.at):
            self._beliefs.retract(
                decision.cell,
                deployment,
                value,
                weight=weight,
                now=now,
                observed_at=replaced.at,
            )

    def _take_failures(self, cell: Cell, outcome: Outcome, now: float) -> None:
        """No answer came back, which counts against success."""
        weight = self._transport_weight(cell)
        for result in outcome.results:
            if weight > 0 and result.kind not in FINAL:
                self._beliefs.observe(cell, result.attempt.deployment, 0.0, weight=weight, now=now)

    def _rewards(self, cell: Cell) -> RewardWeighting:
        """Where rewards of a route are weighed: by source, and bounded for each key."""
        found = self._intakes.get(cell.route)
        if found is None:
            route = self._route_of(cell)
            weights = route.source_weights if route else SOURCE_WEIGHTS
            found = self._intakes[cell.route] = RewardWeighting(weights)
        return found

    def _transport_weight(self, cell: Cell) -> float:
        route = self._route_of(cell)
        return (route.source_weights if route else SOURCE_WEIGHTS).get("transport", 0.0)
