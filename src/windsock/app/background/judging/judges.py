"""Judges of the routes that have one: answers are scored by a model, beside the requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from windsock.app.background.cap_keeping import beside_name
from windsock.app.background.judging.material import (
    conversation_of,
    is_small,
    is_text,
    text_in,
    wishes_of,
)
from windsock.app.background.judging.rules import JudgeRules
from windsock.clock import Clock
from windsock.core.evidence.judging.biases import Judged
from windsock.core.evidence.judging.choosing import RelativeWorth
from windsock.core.evidence.judging.desk import MOST_PLACES, JudgeDesk
from windsock.core.evidence.judging.prompts import Turn, pairwise, pointwise
from windsock.core.evidence.judging.verdicts import against_reference, better_in, score_in
from windsock.core.evidence.sources import JUDGE
from windsock.core.model.requests import DEFAULT_NAMESPACE, Cell, RouteRequest, is_background
from windsock.core.model.rewards import Reward
from windsock.core.routing.outlook.label_worth import label_worth
from windsock.core.routing.router import Router
from windsock.core.routing.sampling import uniform
from windsock.errors import WindsockError
from windsock.providers.makers import maker_of
from windsock.service.background_requests import BackgroundRequests, Question
from windsock.service.control.overviews.judges import JudgeFacts
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.texts.reading import answer_of
from windsock.wire.json_codec import parsed

JUDGE_DRAW = 48
"""The number of the draw, among those of a decision, that says whether it is judged."""

REFRESH_S = 60.0
"""For so long what a label tells at a task is taken to be the same."""

ASKED_AGAIN = ("messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop",
               "response_format", "seed", "tools", "tool_choice", "reasoning_effort")  # fmt: skip
"""Fields of a request that the reference is asked with: none has anything done elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An answer before its judge: whose, what was asked and answered, and how likely that was."""

    rules: JudgeRules
    texts: AnsweredTexts
    chance: float
    asked: Sequence[Turn] = ()
    answer: str = ""

    @property
    def served(self) -> str:
        return self.texts.outcome.served or ""


@dataclass(slots=True, kw_only=True)
class Judges:
    """A `Reader` that draws answers and has them judged; their texts are gone after that."""

    router: Router
    background: BackgroundRequests
    feedbacks: FeedbackInbox
    clock: Clock
    rules: Mapping[str, JudgeRules]
    desks: dict[tuple[str, str], JudgeDesk] = field(default_factory=dict)
    _makers: dict[str, frozenset[str]] = field(default_factory=dict)
    _fresh_until: dict[Cell, float] = field(default_factory=dict)

    def adopt(self, rules: Mapping[str, JudgeRules]) -> None:
        """Other judges from now on; what is measured of one of another model begins anew."""
        for (namespace, route), _ in list(self.desks.items()):
            known, new = self.rules.get(route), rules.get(route)
            if known is None or new is None or known.model != new.model:
                del self.desks[namespace, route]
        self.rules = rules
        self._makers.clear()

    @property
    def is_reading(self) -> bool:
        """Whether any route has a judge."""
        return bool(self.rules)

    def read(self, texts: AnsweredTexts) -> None:
        """Draw whether this answer is judged; nothing that is in it moves the draw."""
        decision, served = texts.outcome.decision, texts.outcome.served
        rules = self.rules.get(decision.cell.route)
        if rules is None or served is None or not _is_ones(texts):
            return
        now, desk = self.clock.now(), self._desk(decision.cell)
        self._refresh_soon(decision.cell)
        chance = desk.chance((decision.cell, served), rules.share, now)
        if uniform(self.router.seed, decision.number, JUDGE_DRAW) >= chance:
            return
        if not rules.own_family and self._maker(served) in self._own_makers(rules):
            desk.own += 1
            return
        if not is_small(texts):
            desk.unseen += 1
            return
        work = partial(self._judge, _Case(rules=rules, texts=texts, chance=chance))
        self.background.offer(JUDGE, rules.route, work)

    def left_out(self, rules: JudgeRules) -> list[str]:
        """Deployments of its route whose answers it may not judge."""
        if rules.own_family:
            return []
        makers, route = self._own_makers(rules), self.router.routes[rules.route]
        return [name for name in route.deployments if self._maker(name) in makers]

    def facts(self, namespace: str) -> Iterator[JudgeFacts]:
        """As they stand for a namespace; what is shared is the default one's to see."""
        half_life_s = self.router.beliefs.settings.half_life_s
        is_owner, now = namespace == DEFAULT_NAMESPACE, self.clock.now()
        for name, rules in self.rules.items():
            account = self.router.caps.account(beside_name(name, JUDGE), now)
            yield JudgeFacts(
                route=name,
                model=rules.model,
                how="pairwise" if rules.reference else "pointwise",
                share=rules.share,
                desk=self.desks.get((namespace, name)) or JudgeDesk(half_life_s),
                said_of=self.feedbacks.said_of,
                tally=self.background.tally(JUDGE, name) if is_owner else None,
                waiting=self.background.waiting(JUDGE, name) if is_owner else None,
                account=account if is_owner else None,
            )

    async def _judge(self, drawn: _Case) -> None:
        """Have it judged, and tell what came of it as any other reward."""
        decision = drawn.texts.outcome.decision
        desk, place = self._desk(decision.cell), (decision.cell, drawn.served)
        case = _seen(drawn)
        if case is None:
            desk.unseen += 1
            return
        score = await self._score(case, desk)
        if score is None:
            return
        namespace, reward = decision.cell.namespace, Reward(value=score, source=JUDGE)
        await self.feedbacks.observe(decision.id, reward, namespace, None, inclusion=case.chance)
        desk.count(place, self.clock.now())
        is_own = self._maker(case.served) in self._own_makers(case.rules)
        length = math.log2(max(1, len(case.answer)))
        desk.biases.note(
            decision.id, Judged(place=place, length=length, is_own=is_own, score=score)
        )

    async def score(self, texts: AnsweredTexts) -> float | None:
        """What the judge of a route says of an answer that somebody else drew, 0..1.

        None where it has none, or the judge says nothing, or may not judge that maker's models.
        """
        cell, served = texts.outcome.decision.cell, texts.outcome.served or ""
        rules = self.rules.get(cell.route)
        if rules is None or (
            not rules.own_family and self._maker(served) in self._own_makers(rules)
        ):
            return None
        case = _seen(_Case(rules=rules, texts=texts, chance=1.0))
        return None if case is None else await self._score(case, self._desk(cell))

    async def _score(self, case: _Case, desk: JudgeDesk) -> float | None:
        score = self._compared if case.rules.reference else self._scored
        return await score(case, desk)

    async def _scored(self, case: _Case, desk: JudgeDesk) -> float | None:
        rules = case.rules
        body = pointwise(case.asked, case.answer, rubric=rules.rubric, most_chars=rules.max_chars)
        reply = await self._asked(case, body)
        score = None if reply is None else score_in(reply)
        desk.unreadable += reply is not None and score is None
        return score

    async def _compared(self, case: _Case, desk: JudgeDesk) -> float | None:
        """Against the reference's answer to the same, in both orders; equal to itself."""
        rules = case.rules
        if case.served == rules.reference:
            return 0.5
        other = await self._reference(case)
        if not other:
            return None
        compare = partial(pairwise, case.asked, rubric=rules.rubric, most_chars=rules.max_chars)
        verdicts = []
        for first, second in ((case.answer, other), (other, case.answer)):
            reply = await self._asked(case, compare(first, second))
            better = None if reply is None else better_in(reply)
            desk.unreadable += reply is not None and better is None
            if better is None:
                return None
            verdicts.append(better)
        desk.biases.note_pair((verdicts[0], verdicts[1]))
        return against_reference(verdicts[0], verdicts[1])

    async def _reference(self, case: _Case) -> str | None:
        """What the reference answers to the same, as the judge may see it."""
        body = parsed(case.texts.asked)
        if not isinstance(body, dict):
            return None
        kept = {name: body[name] for name in ASKED_AGAIN if name in body}
        answer = await self.background.ask(self._question(case, case.rules.reference, kept))
        text = text_in(answer)
        return case.rules.redact(text) if text else None

    async def _asked(self, case: _Case, body: Mapping[str, Any]) -> str | None:
        """What the judge replies; None if it does not."""
        asked = {**body, "max_tokens": case.rules.max_tokens}
        answer = await self.background.ask(self._question(case, case.rules.model, asked))
        return None if answer is None else text_in(answer)

    def _question(self, case: _Case, model: str, body: Mapping[str, Any]) -> Question:
        wishes = wishes_of(case.texts)
        return Question(
            purpose=JUDGE,
            route=case.rules.route,
            namespace=case.texts.outcome.decision.cell.namespace,
            model=model,
            body={**body, "provider": wishes} if wishes else body,
            optional=("response_format",),
        )

    def _desk(self, cell: Cell) -> JudgeDesk:
        half_life_s = self.router.beliefs.settings.half_life_s
        return self.desks.setdefault((cell.namespace, cell.route), JudgeDesk(half_life_s))

    def _maker(self, deployment: str) -> str:
        known = self.router.catalog.deployments.get(deployment)
        return maker_of(known.model if known else deployment)

    def _own_makers(self, rules: JudgeRules) -> frozenset[str]:
        """Whose models the judge may be."""
        found = self._makers.get(rules.route)
        if found is None:
            try:
                route = self.router.resolve(RouteRequest(model=rules.model))
            except WindsockError:
                return frozenset()
            found = frozenset(map(self._maker, route.deployments))
            self._makers[rules.route] = found
        return found

    def _refresh_soon(self, cell: Cell) -> None:
        """What labels tell at a task is looked up anew once a minute, after this request."""
        elapsed = self.clock.elapsed()
        if elapsed >= self._fresh_until.get(cell, -math.inf):
            if len(self._fresh_until) >= MOST_PLACES:
                self._fresh_until.clear()
            self._fresh_until[cell] = elapsed + REFRESH_S
            asyncio.get_running_loop().call_later(0.1, self._refresh, cell)

    def _refresh(self, cell: Cell) -> None:
        try:
            table = self.router.table(cell.namespace, cell.route, cell.task, self.clock.now())
        except WindsockError:
            return
        desk = self._desk(cell)
        desk.weigh(cell, RelativeWorth(label_worth(table)))
        for name in table.deployments:
            heard = self.router.operator.how_known(cell, name).sources.get(JUDGE)
            desk.seed((cell, name), heard[0].count if heard else 0.0, self.clock.now())


def _seen(drawn: _Case) -> _Case | None:
    """With its texts as the judge may see them; None if there is none, or no letter and no digit
    in the answer."""
    answer, redact = answer_of(drawn.texts), drawn.rules.redact
    if not is_text(drawn.texts):
        return None
    if answer is None or not any(map(str.isalnum, answer)):
        return None
    asked = tuple((role, redact(text)) for role, text in conversation_of(drawn.texts))
    return _Case(
        rules=drawn.rules,
        texts=drawn.texts,
        chance=drawn.chance,
        asked=asked,
        answer=redact(answer),
    )


def _is_ones(texts: AnsweredTexts) -> bool:
    """Whether a caller asked, and one deployment gave all that was shown."""
    results, decision = texts.outcome.results, texts.outcome.decision
    shown = [each for each in results if each.first_byte_s is not None and each.usage is not None]
    return not is_background(decision.key_id) and (not texts.is_stream or len(shown) == 1)
