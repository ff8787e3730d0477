"""What rewards, answers and failures teach: who is heard, for how much, and what is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.sources import DEFAULT_EVIDENCE, UNCALIBRATING, EvidenceRules
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.calls import FAILURES, WORTHLESS, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward

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

    rules_of    what the route of a cell says of evidence, None if it is gone
    """

    def __init__(
        self,
        beliefs: Beliefs,
        confidences: Confidences,
        rules_of: Callable[[Cell], EvidenceRules | None],
    ) -> None:
        self._beliefs = beliefs
        self._confidences = confidences
        self._rules_of = rules_of
        self._weightings: dict[str, RewardWeighting] = {}

    def observe(
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
        weighting = self._weighting(cell)
        if replaced is not None:
            weighting.give_back(cell, deployment, replaced.reward, replaced.weight)
            self._retract(decision, deployment, replaced)
        else:
            weighting.response(cell, deployment).count(rewards=1.0)
        weight, value = weighting.weigh(cell, deployment, reward)
        self.count_judgement(cell, weight - (replaced.weight if replaced else 0.0))
        if weight > 0 and reward.source not in UNCALIBRATING:
            self._confidences.learn(decision.id, cell, deployment, value)
        if not self._confidences.credit_cascade(decision, deployment, value, weight, now):
            self._beliefs.observe(cell, deployment, value, weight=weight, now=now)
        return Credit(
            cell=cell,
            deployment=deployment,
            belief=self._beliefs.summary(cell, deployment),
            weight=weight,
            value=value,
        )

    def observe_sums(
        self, cell: Cell, deployment: str, count: float, total: float, squares: float, now: float
    ) -> None:
        """Credit explicit rewards at once, by their number, sum and sum of squares."""
        self.count_judgement(cell, count)
        self._beliefs.observe_sums(cell, deployment, count, total, squares, now=now)

    def observe_answers(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Answers came back that nobody judged: that says nothing of who answers better.

        Until somebody judges a task, an answer is worth what its deployment's are expected to be:
        enough to outweigh failures of before, and no more. Were it a success, whoever is asked
        most, the cheapest, would slowly count as the best.
        """
        weight = count * self._rules(cell).transport_weight
        if weight > 0 and not self._weighting(cell).is_heard(cell):
            self._beliefs.observe_answers(cell, deployment, weight, most=UNJUDGED_KEEPS, now=now)

    def observe_failures(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """So many calls of requests that got no answer failed, which counts against success."""
        weight = count * self._rules(cell).transport_weight
        if weight > 0:
            self._beliefs.observe_sums(cell, deployment, weight, 0.0, 0.0, now=now)

    def observe_outcome(self, outcome: Outcome, now: float) -> None:
        """Learn usage and transport success from a finished request.

        A failure counts where no answer came; an answer with nothing to show, which was paid for,
        counts also where another deployment answered.
        """
        cell, served = outcome.decision.cell, outcome.served
        blamed = FAILURES if served is None else WORTHLESS
        for result in outcome.results:
            if result.kind in blamed:
                self.observe_failures(cell, result.attempt.deployment, 1, now)
        if served is None:
            return
        if self._rules(cell).has_cascade:
            self._confidences.remember(outcome)
        self._weighting(cell).response(cell, served).count(answers=1.0)
        if outcome.usage is not None and not outcome.is_usage_estimated:
            self._beliefs.observe_usage(cell, served, outcome.usage, now)
        self.observe_answers(cell, served, 1, now)

    def count_judgement(self, cell: Cell, weight: float) -> None:
        """Somebody judges this task: what mere answers have taught it is dropped."""
        if self._weighting(cell).count_judgement(cell, weight):
            self._beliefs.shrink_to(cell, UNJUDGED_KEEPS)

    def feedback_rate(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer of a deployment at a task; None without an answer."""
        known = self._weightings.get(cell.route)
        return known.judged_share(cell, deployment) if known else None

    def is_judged(self, cell: Cell) -> bool:
        """True if somebody judges answers of a task, so that success is more than an answer."""
        known = self._weightings.get(cell.route)
        return known is not None and known.is_judged(cell)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {name: weighting.to_state() for name, weighting in self._weightings.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        for name, body in state.items():
            self._weighting(Cell("", name, "")).from_state(body)

    def _retract(self, decision: Decision, deployment: str, replaced: Feedback) -> None:
        """Take an earlier reward back, from whom it was credited to."""
        value, weight = replaced.reward.value, replaced.weight
        if not self._confidences.credit_cascade(decision, deployment, value, -weight, replaced.at):
            self._beliefs.retract(
                decision.cell,
                deployment,
                value,
                weight=weight,
                observed_at=replaced.at,
            )

    def _weighting(self, cell: Cell) -> RewardWeighting:
        """Where rewards of a route are weighed: by source, and bounded for each key."""
        found = self._weightings.get(cell.route)
        if found is None:
            weights = self._rules(cell).source_weights
            found = self._weightings[cell.route] = RewardWeighting(weights)
        return found

    def _rules(self, cell: Cell) -> EvidenceRules:
        return self._rules_of(cell) or DEFAULT_EVIDENCE
