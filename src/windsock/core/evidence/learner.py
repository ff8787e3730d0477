"""What rewards, answers and failures teach: who is heard, for how much, and what is taken back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.confidence import Confidences
from windsock.core.evidence.credit import Credit
from windsock.core.evidence.judgements import Judgement, with_new
from windsock.core.evidence.keys.accounts import Place
from windsock.core.evidence.keys.key_watch import Dissent, KeyWatch, dissent
from windsock.core.evidence.keys.sums import Sums
from windsock.core.evidence.proxies.scores import Scores
from windsock.core.evidence.source_watch import SourceWatch
from windsock.core.evidence.sources import (
    DEFAULT_EVIDENCE,
    EXPLICIT,
    EvidenceRules,
)
from windsock.core.evidence.weighting import HowKnown, RewardWeighting, Weighed
from windsock.core.model.calls import FAILURES, WORTHLESS, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.errors import BadRequest

UNJUDGED_KEEPS = 2.0
"""Rewards that a belief from mere answers is worth when the first judgements come."""


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
        self._scores = Scores(beliefs, confidences, self._weightings, self._weighting)
        beliefs.listen(self._scores.heard)
        self.keys = KeyWatch()
        self.sources = SourceWatch()

    def observe(
        self,
        decision: Decision,
        deployment: str,
        reward: Reward,
        now: float,
        *,
        said: Sequence[Feedback] = (),
    ) -> Credit:
        """Credit a reward to the deployment that served.

        said    what had been said of the decision before, the last word on each matter: together
                they are one judgement
        """
        cell, weighting = decision.cell, self._weighting(decision.cell)
        new = Feedback(decision_id=decision.id, reward=reward, at=now, weight=math.inf)
        weighting.hear(cell, deployment, reward, said)
        if not said:
            weighting.response(cell, deployment).count(rewards=1.0)
        self.sources.note((cell, deployment), said, reward, now)
        known = with_new(said, new)
        self._scores.note(decision, deployment, said, known, now)
        if weighting.is_label(reward.source):
            return self._label(decision, deployment, reward, said, known, now)
        counts = weighting.proxy_weight(reward.source)
        weighting.count_score(cell, 0.0 if said else counts)
        return self._scores.credit(decision, deployment, reward, counts)

    def _label(
        self,
        decision: Decision,
        deployment: str,
        reward: Reward,
        said: Sequence[Feedback],
        known: Sequence[Feedback],
        now: float,
    ) -> Credit:
        """A label moves the belief of its cell by itself."""
        cell, weighting = decision.cell, self._weighting(decision.cell)
        before, after = weighting.judgements(said), weighting.judgements(known)
        key = reward.key_id
        for other, held in before.items():
            self._reduce(decision, deployment, held, 0.0 if other == key else after[other].weight)
        mine = after[key]
        weighed = weighting.weigh(cell, deployment, mine.reward, now, most=mine.weight)
        self._move(weighed.moved, now)
        had = sum(held.weight for held in before.values())
        kept = sum(each.weight for other, each in after.items() if other != key)
        self.count_judgement(cell, kept + weighed.said - had)
        self._believe(decision, deployment, mine.reward, weighed, now, is_news=key not in before)
        self.keys.note((cell, deployment), weighting.keys.apart_at((cell, deployment)), now)
        return Credit(
            cell=cell,
            deployment=deployment,
            belief=self._beliefs.summary(cell, deployment),
            weight=weighed.weight,
            value=weighed.value,
            said=weighed.said,
            part=1.0 / mine.parts,
        )

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop who has judged these cells, and how much."""
        for weighting in self._weightings.values():
            weighting.forget(cells)

    def observe_sums(
        self, cell: Cell, deployment: str, count: float, total: float, squares: float, now: float
    ) -> None:
        """Credit explicit rewards at once, by their number, sum and sum of squares."""
        self.count_judgement(cell, count)
        self._weighting(cell).sources.note(cell, deployment, EXPLICIT, count, total)
        self._beliefs.observe_sums(cell, deployment, count, total, squares, now=now)

    def observe_answers(self, cell: Cell, deployment: str, count: int, now: float) -> None:
        """Answers came back that nobody judged: that says nothing of who answers better.

        Until somebody judges a task, an answer is worth what its deployment's are expected to be:
        enough to outweigh failures of before, and no more. Were it a success, whoever is asked
        most, the cheapest, would slowly count as the best.
        """
        weight = count * self._rules(cell).transport_weight
        weighting = self._weighting(cell)
        judged = weighting.judged(cell)
        if weight > 0 and not weighting.is_judged(cell):
            most = UNJUDGED_KEEPS + judged
            self._beliefs.observe_answers(
                cell, deployment, weight, most=most, fades=not judged, now=now
            )

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

    def dissents(self, namespace: str) -> list[Dissent]:
        """Keys of a namespace that disagree with the others; looking changes nothing."""
        return [
            dissent(place, key, own)
            for weighting in self._weightings.values()
            for place, key, own in weighting.keys.apart()
            if place[0].namespace == namespace
        ]

    def silence(self, namespace: str, key: str, *, is_silent: bool, now: float) -> None:
        """Take all out of the beliefs that a key has said and will say, or count it again.

        raises  BadRequest if the key has said nothing here
        """
        spoken = [each.places(key) for each in self._weightings.values()]
        if namespace not in {cell.namespace for places in spoken for cell, _ in places}:
            raise BadRequest(f"no reward of a key {key!r} is known here", param="key")
        if is_silent:
            self.keys.silenced[key] = namespace
        else:
            self.keys.silenced.pop(key, None)
        for weighting in self._weightings.values():
            self._move(weighting.keys.weigh_again(key), now)
            for place in weighting.proxies.spoken(key):
                self._beliefs.note_proxy(*place, now)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {name: weighting.to_state() for name, weighting in self._weightings.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        for name, body in state.items():
            self._weighting(Cell("", name, "")).from_state(body)

    def how_known(self, cell: Cell, deployment: str) -> HowKnown:
        """How success is known of a deployment at a task; looking opens nothing."""
        known = self._weightings.get(cell.route)
        found = known.how_known(cell, deployment) if known else HowKnown()
        return replace(found, words=self._beliefs.words(cell, deployment))

    def _believe(
        self,
        decision: Decision,
        deployment: str,
        reward: Reward,
        weighed: Weighed,
        now: float,
        *,
        is_news: bool,
    ) -> None:
        weight, value = weighed.weight, weighed.value
        if weight > 0:
            self._confidences.learn(decision.id, decision.cell, deployment, value)
        if not self._confidences.credit_cascade(decision, deployment, value, weight, now):
            self._beliefs.observe(
                decision.cell, deployment, value, weight=weight, now=now, is_news=is_news
            )

    def _reduce(self, decision: Decision, deployment: str, held: Judgement, weight: float) -> None:
        """An earlier judgement counts for less now: the rest of it is taken back."""
        if held.weight <= weight:
            return
        weighting = self._weighting(decision.cell)
        value = held.reward.value
        back = weighting.give_back(
            decision.cell, deployment, held.reward, held.weight - weight, held.at
        )
        self._move(back.moved, held.at)
        if not self._confidences.credit_cascade(decision, deployment, value, -back.weight, held.at):
            self._beliefs.retract(
                decision.cell, deployment, value, weight=back.weight, observed_at=held.at
            )

    def _move(self, moved: Mapping[Place, Sums], now: float) -> None:
        """Keys count for more or less than they did: what stands of them is moved."""
        for (cell, deployment), sums in moved.items():
            counted = self._weighting(cell).keys.counted((cell, deployment)) - sums.weight
            self._beliefs.correct(cell, deployment, sums, counted=counted, now=now)

    def _weighting(self, cell: Cell) -> RewardWeighting:
        """Where rewards of a route are weighed: by source, and bounded for each key."""
        found = self._weightings.get(cell.route)
        if found is None:
            weights = self._rules(cell).source_weights
            found = self._weightings[cell.route] = RewardWeighting(
                weights,
                half_life_s=self._beliefs.settings.half_life_s,
                silenced=self.keys.silenced,
            )
        return found

    def _rules(self, cell: Cell) -> EvidenceRules:
        return self._rules_of(cell) or DEFAULT_EVIDENCE
