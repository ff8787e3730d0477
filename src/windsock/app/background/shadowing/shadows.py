"""Some requests are also sent to a candidate that did not serve; its answer is compared, and gone.

What the answer is worth is a reward of the task at that candidate. Nobody waits for it, and it is
paid and capped apart. Texts are in memory only, and those of private requests never come here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from windsock.app.background.cap_keeping import beside_name
from windsock.app.background.judging.judges import Judges
from windsock.app.background.judging.material import is_small, wishes_of
from windsock.app.background.shadowing.rules import ShadowRules
from windsock.clock import Clock
from windsock.core.evidence.agreement.canonical import Canonical
from windsock.core.evidence.agreement.shadow import (
    ShadowDesk,
    credited,
    least_known,
    shadow_of,
    value_of,
)
from windsock.core.evidence.sources import SHADOW
from windsock.core.evidence.weighting import CHECK
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import DEFAULT_NAMESPACE, Cell, is_background
from windsock.core.model.rewards import Feedback, OpenDecision, Reward
from windsock.core.routing.router import Router
from windsock.core.routing.sampling import uniform
from windsock.observability import background
from windsock.service.background_questions import Question
from windsock.service.background_requests import BackgroundRequests
from windsock.service.checking.answer_checks import first_message
from windsock.service.control.overviews.shadows import ShadowFacts
from windsock.service.feedback_inbox import FeedbackInbox, UnknownDecision
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.asked import asked_of
from windsock.service.texts.reading import message_in
from windsock.wire.formats.openai_ends import choices_in, finish_of
from windsock.wire.json_codec import dumps, parsed

SHADOW_DRAW = 49
"""The number of the draw, among those of a decision, that says whether it is sent twice."""

ASKED_ALIKE = frozenset(
    {"messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed",
     "response_format", "reasoning_effort", "frequency_penalty", "presence_penalty"}
)  # fmt: skip
"""Fields of a request that is sent twice: none has anything done elsewhere."""

TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"})
SEARCHES = frozenset({"web_search_options", "search_parameters", "enable_search"})
ACTING = TOOLS | SEARCHES | {"plugins", "mcp_servers"}
"""What may act, at a provider too."""

NOTHING: tuple[object, ...] = (None, [], "none", False)
"""Values of such fields that ask for nothing."""

HELD_FROM = 0.5
"""A judge's score from which on an answer counts as held."""

AGREES, DIFFERS = "agrees", "differs"
"""What a shadow's answer was found to do, as the metric of its reward."""

Verdict = tuple[Reward, bool]
"""What an answer was worth, and whether it agreed or passed."""


@dataclass(slots=True, kw_only=True)
class Shadows:
    """A `Reader` that draws requests and sends them to a second deployment."""

    router: Router
    background: BackgroundRequests
    feedbacks: FeedbackInbox
    judges: Judges
    clock: Clock
    rules: Mapping[str, ShadowRules]
    desks: dict[tuple[str, str], ShadowDesk] = field(default_factory=dict)

    def adopt(self, rules: Mapping[str, ShadowRules]) -> None:
        """Other shadows from now on; what came of those of a route that has none is forgotten."""
        self.rules = rules
        self.background.end(SHADOW, but=rules)
        self.desks = {place: desk for place, desk in self.desks.items() if place[1] in rules}

    @property
    def is_reading(self) -> bool:
        """Whether any route has a shadow."""
        return bool(self.rules)

    def read(self, texts: AnsweredTexts) -> None:
        """Draw whether this request is sent twice; nothing that is in it moves the draw."""
        decision = texts.outcome.decision
        if not self._is_drawn(decision):
            return
        if is_small(texts):
            self.background.offer(SHADOW, decision.cell.route, partial(self._shadow, texts))
        else:
            self._desk(decision.cell).skipped += 1

    def miss(self, outcome: Outcome) -> None:
        """A stream was too long to be held: where it is drawn, that is counted."""
        if self._is_drawn(outcome.decision):
            self._desk(outcome.decision.cell).skipped += 1

    def _is_drawn(self, decision: Decision) -> bool:
        rules = self.rules.get(decision.cell.route)
        if rules is None or is_background(decision.key_id):
            return False
        return uniform(self.router.seed, decision.number, SHADOW_DRAW) < rules.share

    def facts(self, namespace: str) -> Iterator[ShadowFacts]:
        """As they stand for a namespace; what is shared is the default one's to see."""
        is_owner, now = namespace == DEFAULT_NAMESPACE, self.clock.now()
        for name, rules in self.rules.items():
            account = self.router.caps.account(beside_name(name, SHADOW), now)
            dollars = self.router.caps.whole(account, now) if account else None
            yield ShadowFacts(
                route=name,
                compare=rules.compare,
                share=rules.share,
                desk=self.desks.get((namespace, name)) or ShadowDesk(),
                tally=self.background.tally(SHADOW, name) if is_owner else None,
                dollars=dollars if is_owner else None,
            )

    async def _shadow(self, texts: AnsweredTexts) -> None:
        """Send it, compare the answer and learn what it was worth."""
        decision = texts.outcome.decision
        rules = self.rules[decision.cell.route]  # of now: an edit may have come while it waited
        desk = self._desk(decision.cell)
        body = _body(texts, with_tools=rules.with_tools)
        name = None if body is None else self._second(rules, texts)
        if body is None or name is None:
            desk.skipped += 1
            return
        reply = await self.background.reply(self._question(decision, name, body))
        if reply is None:
            return
        verdict = await self._verdict(rules, texts, name, reply.answer)
        reward, holds = verdict or (None, False)
        desk.of(name).note(reward.value if reward else None, holds=holds)
        if reward is not None:
            self.feedbacks.remember(credited(reply.decision), name)
            self.feedbacks.score(reply.decision.id, reward)
            known = self.feedbacks.at_hand(decision.id)
            if known is not None and reward.source == SHADOW:
                await self._correct(known)

    def hear(self, known: OpenDecision, reward: Reward) -> None:
        """A label on what was served tells more of the answer that was compared with it."""
        rules = self.rules.get(known.decision.cell.route)
        if rules is None or rules.compare != "agreement" or not self._is_label(known, reward):
            return
        background.start("what a label says of a shadow", self._correct(known))

    async def _correct(self, known: OpenDecision) -> None:
        """By the same rule, with what labels say of the one that served for what was believed."""
        decision = known.decision
        said = [each.reward for each in known.said.values()]
        labels = [each.value for each in said if self._is_label(known, each)]
        if not labels:
            return
        try:
            own = await self.feedbacks.known(shadow_of(decision.id), decision.cell.namespace)
        except UnknownDecision:
            return
        before = next((r for r in map(_spoken, own.said.values()) if r.source == SHADOW), None)
        if before is None:
            return
        a, b = self.router.beliefs.posterior(own.decision.cell, own.deployment)
        served = sum(labels) / len(labels)
        value = value_of(before.metric == AGREES, served, a / (a + b))
        corrected = replace(before, value=value)
        await self.feedbacks.observe(own.decision.id, corrected, decision.cell.namespace, None)

    def _is_label(self, known: OpenDecision, reward: Reward) -> bool:
        return self.router.operator.is_label(known.decision.cell, reward.source)

    def _desk(self, cell: Cell) -> ShadowDesk:
        return self.desks.setdefault((cell.namespace, cell.route), ShadowDesk())

    def _second(self, rules: ShadowRules, texts: AnsweredTexts) -> str | None:
        """Who did not serve, can be asked, and is least known."""
        cell, now = texts.outcome.decision.cell, self.clock.now()
        names = rules.candidates or self._candidates(cell, now)
        asked = {result.attempt.deployment for result in texts.outcome.results}
        open_now = (
            name
            for name in names
            if name not in asked and self.router.availability.can_take(name, now)
        )
        return least_known((name, self.router.beliefs.posterior(cell, name)) for name in open_now)

    def _candidates(self, cell: Cell, now: float) -> tuple[str, ...]:
        return self.router.table(cell.namespace, cell.route, cell.task, now).deployments

    async def _verdict(
        self, rules: ShadowRules, texts: AnsweredTexts, name: str, answer: Mapping[str, Any]
    ) -> Verdict | None:
        if rules.compare == "judge":
            return await self._judged(texts, name, answer)
        if rules.compare == "checks":
            return await self._checked(rules, texts, answer)
        return await self._compared(rules, texts, name, message_in(answer))

    async def _judged(
        self, texts: AnsweredTexts, name: str, answer: Mapping[str, Any]
    ) -> Verdict | None:
        """By the judge of the route, and by its money, as if it had served."""
        reward = await self.judges.score(
            replace(
                texts,
                outcome=replace(texts.outcome, served=name),
                answer=dumps(answer),
                is_stream=False,
                language="",
            )
        )
        return None if reward is None else (reward, reward.value >= HELD_FROM)

    async def _checked(
        self, rules: ShadowRules, texts: AnsweredTexts, answer: Mapping[str, Any]
    ) -> Verdict | None:
        """None where the route has no check, or none that such an answer is for."""
        route = self.router.routes.get(rules.route)
        if route is None or route.checks is None:
            return None
        asked = asked_of(texts.asked, finish_of(choices_in(answer)))
        results = await asyncio.to_thread(route.checks.results, message_in(answer), asked)
        holds = all(results.values())
        return (Reward(value=float(holds), source=CHECK), holds) if results else None

    async def _compared(
        self, rules: ShadowRules, texts: AnsweredTexts, name: str, message: Mapping[str, Any]
    ) -> Verdict | None:
        """By whether it says what was served, and what is believed of both."""
        served, cell = texts.outcome.served or "", texts.outcome.decision.cell
        agrees = await asyncio.to_thread(_agree, rules.canonical, texts, message)
        if agrees is None:
            return None
        means = [a / (a + b) for a, b in self.router.beliefs.posteriors(cell, (served, name))]
        said = AGREES if agrees else DIFFERS
        return Reward(value=value_of(agrees, *means), source=SHADOW, metric=said), agrees

    def _question(self, decision: Decision, name: str, body: Mapping[str, Any]) -> Question:
        return Question(
            purpose=SHADOW,
            cell=decision.cell,
            served=name,
            model=name,
            body=body,
            known_as=shadow_of(decision.id),
        )


def _spoken(feedback: Feedback) -> Reward:
    return feedback.reward


def _body(texts: AnsweredTexts, *, with_tools: bool) -> dict[str, Any] | None:
    """What is asked once more; None if that may act, or wants several answers."""
    body = parsed(texts.asked)
    if not isinstance(body, dict) or body.get("n") not in (None, 1):
        return None
    wishes = wishes_of(texts)
    acts = {name for name in ACTING if body.get(name) not in NOTHING}
    if acts and not with_tools:
        return None
    asked = {name: body[name] for name in (ASKED_ALIKE | acts) if name in body}
    return {**asked, "provider": wishes} if wishes else asked


def _agree(canonical: Canonical, texts: AnsweredTexts, message: Mapping[str, Any]) -> bool | None:
    """Whether it says what was served; None if that cannot be told."""
    given = first_message(texts)
    return None if given is None else canonical.agree(given, message)
