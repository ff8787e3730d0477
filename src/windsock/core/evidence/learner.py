"""What rewards, answers and failures teach: who is heard, for how much, and what is taken back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from windsock.core.evidence.how_known import HowKnown
from windsock.core.evidence.judgements import Credit, Judgement, with_new
from windsock.core.evidence.keys.key_watch import Dissent, dissent
from windsock.core.evidence.sharing.shared_evidence import SharedEvidence, tell_outcome
from windsock.core.evidence.sources import DEFAULT_EVIDENCE, is_label
from windsock.core.evidence.weighting import Weighed
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.replicas.contributions import tell_nobody
from windsock.errors import BadRequest


class Learner(SharedEvidence):
    """The way of everything that is said about answers into the beliefs."""

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
        self.sources.note((cell, deployment), said, reward, now)
        known = with_new(said, new)
        self._scores.note(decision, deployment, said, known, now)
        if weighting.is_label(reward.source):
            return self._label(decision, deployment, reward, said, known, now)
        counts = weighting.proxy_weight(reward.source)
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

    def take_back(
        self, decision: Decision, deployment: str, word: Feedback, said: Sequence[Feedback]
    ) -> None:
        """A word was none: what it had changed of what was `said` without it is changed back.

        That a task is judged, and that sources differ, stays known.
        """
        cell, weighting = decision.cell, self._weighting(decision.cell)
        weighting.unhear(cell, deployment, word.reward, said)
        known = with_new(said, word)
        self._scores.note(decision, deployment, known, said, word.at)
        if not weighting.is_label(word.reward.source):
            return
        before, after = weighting.judgements(known), weighting.judgements(said)
        for held in [held for key, held in before.items() if held != after.get(key)]:
            self._reduce(decision, deployment, held, 0.0)
        for held in [held for key, held in after.items() if held != before.get(key)]:
            weighed = weighting.weigh(cell, deployment, held.reward, held.at, most=held.weight)
            self._move(weighed.moved, held.at)
            self._believe(decision, deployment, held.reward, weighed, held.at, is_news=False)

    def forget(self, cells: frozenset[Cell]) -> None:
        """Drop who has judged these cells, and how much."""
        for weighting in self._weightings.values():
            weighting.forget(cells)

    def observe_outcome(self, outcome: Outcome, now: float) -> None:
        """Learn usage and transport success from a finished request that was answered.

        Which failures count is told beside, by `observe_failures`.
        """
        cell, served = outcome.decision.cell, outcome.served
        if served is None:
            return
        rules = self._rules_of(cell) or DEFAULT_EVIDENCE
        if rules.has_cascade:
            self._confidences.remember(outcome)
        if self._tell is not tell_nobody:
            tell_outcome(self._tell, outcome, served, now)
        weighting = self._weightings.get(cell.route) or self._weighting(cell)
        weighting.response(cell, served).count(answers=1.0)
        if outcome.usage is not None and not outcome.is_usage_estimated:
            self._beliefs.observe_usage(cell, served, outcome.usage, now)
        self._observe_unjudged(cell, served, rules.transport_weight, weighting, now)

    def feedback_rate(self, cell: Cell, deployment: str) -> float | None:
        """Rewards per recent answer of a deployment at a task; None without an answer."""
        known = self._weightings.get(cell.route)
        return known.judged_share(cell, deployment) if known else None

    def is_judged(self, cell: Cell) -> bool:
        """True if somebody judges answers of a task, so that success is more than an answer."""
        known = self._weightings.get(cell.route)
        return known is not None and known.is_judged(cell)

    def is_label(self, cell: Cell, source: str) -> bool:
        """True of a source that knows what was right, by what the route of a cell says."""
        return is_label(source, self._rules(cell).source_weights)

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
        self.set_silent(namespace, key, is_silent=is_silent, now=now)

    def set_silent(self, namespace: str, key: str, *, is_silent: bool, now: float) -> None:
        """The same, also of a key that has said nothing here yet."""
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
        as_of = self._beliefs.as_of(cell)
        found = known.how_known(cell, deployment, as_of) if known else HowKnown()
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
        self._tell_said(decision, deployment, reward, weighed.said, now)
        if not self._credit_cascade(decision, deployment, value, weight, now):
            self._beliefs.observe(
                decision.cell, deployment, value, weight=weight, now=now, is_news=is_news
            )

    def _credit_cascade(
        self, decision: Decision, deployment: str, value: float, weight: float, at: float
    ) -> bool:
        by_agreement = self._rules(decision.cell).by_agreement
        return self._confidences.credit_cascade(
            decision, deployment, value, weight, at, by_agreement=by_agreement
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
        self._tell_said(decision, deployment, held.reward, -back.said, held.at)
        if not self._credit_cascade(decision, deployment, value, -back.weight, held.at):
            self._beliefs.retract(
                decision.cell, deployment, value, weight=back.weight, observed_at=held.at
            )
