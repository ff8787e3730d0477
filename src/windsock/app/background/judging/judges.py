"""Judges of the routes that have one: answers are scored by a model, beside the requests."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from windsock.app.background.cap_keeping import beside_name
from windsock.app.background.judging.material import is_small
from windsock.app.background.judging.rules import JudgeRules
from windsock.app.background.judging.verdict_calls import Case, VerdictCalls, seen
from windsock.clock import Clock
from windsock.core.beliefs.proxies.sums import NO_SUMS
from windsock.core.evidence.judging.biases import Judged
from windsock.core.evidence.judging.choosing import RelativeWorth, openness
from windsock.core.evidence.judging.desk import MOST_PLACES, JudgeDesk, Replies
from windsock.core.evidence.keys.accounts import Place
from windsock.core.evidence.sources import JUDGE, judge_voice
from windsock.core.model.calls import Outcome
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import DEFAULT_NAMESPACE, Cell, RouteRequest, is_background
from windsock.core.model.rewards import Reward
from windsock.core.routing.outlook.label_worth import label_worth
from windsock.core.routing.router import Router
from windsock.core.routing.sampling import uniform
from windsock.errors import WindsockError
from windsock.providers.makers import maker_of
from windsock.service.background_requests import BackgroundRequests
from windsock.service.control.overviews.judges import JudgeFacts
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts

JUDGE_DRAW = 48
"""The number of the draw, among those of a decision, that says whether it is judged."""

REFRESH_S, BETWEEN_S = 5.0, 0.25
"""For so long what a label tells at a task is taken to be the same; and the least time between two
such looks, which may solve a table."""


@dataclass(slots=True, kw_only=True)
class Judges:
    """A `Reader` that draws answers and has them judged; their texts are gone after that.

    tell_others     other processes are told what a judge replied here: namespace, route, judge
    """

    router: Router
    background: BackgroundRequests
    feedbacks: FeedbackInbox
    clock: Clock
    rules: Mapping[str, JudgeRules]
    publish: Callable[[Event], object]
    tell_others: Callable[[tuple[str, ...], Replies], object] = lambda *_: None
    desks: dict[tuple[str, str], JudgeDesk] = field(default_factory=dict)
    _makers: dict[str, frozenset[str]] = field(default_factory=dict)
    _fresh_until: dict[Cell, float] = field(default_factory=dict)
    _next_refresh: float = -math.inf

    def adopt(self, rules: Mapping[str, JudgeRules]) -> None:
        """Other judges from now on; what is measured of one of another model begins anew."""
        for (namespace, route), desk in list(self.desks.items()):
            known, new = self.rules.get(route), rules.get(route)
            if known is None or new is None or known.model != new.model:
                del self.desks[namespace, route]
                if desk.is_unread and known is not None:
                    self._tell(Cell(namespace, route, ""), known)
        self.rules = rules
        self._makers.clear()
        self.background.end(JUDGE, but=rules)

    @property
    def is_reading(self) -> bool:
        """Whether any route has a judge."""
        return bool(self.rules)

    def read(self, texts: AnsweredTexts) -> None:
        """Draw whether this answer is judged; nothing that is in it moves the draw."""
        rules = self.rules.get(texts.outcome.decision.cell.route)
        if rules is None or not _is_ones(texts):
            return
        chance = self._drawn(rules, texts.outcome)
        if chance is None:
            return
        if not is_small(texts):
            self._desk(texts.outcome.decision.cell).too_long += 1
            return
        work = partial(self._judge, Case(rules=rules, texts=texts, chance=chance))
        self.background.offer(JUDGE, rules.route, work)

    def miss(self, outcome: Outcome) -> None:
        """A stream was too long to be held: where it is drawn, that is counted."""
        rules = self.rules.get(outcome.decision.cell.route)
        if rules is not None and self._drawn(rules, outcome) is not None:
            self._desk(outcome.decision.cell).too_long += 1

    def _drawn(self, rules: JudgeRules, outcome: Outcome) -> float | None:
        """With which chance it was drawn to be judged; None: it was not, or may not be."""
        decision, served = outcome.decision, outcome.served
        if served is None or is_background(decision.key_id):
            return None
        now, desk = self.clock.now(), self._desk(decision.cell)
        self._refresh_soon((decision.cell, served), desk)
        chance = desk.chance((decision.cell, served), rules.share, now)
        if uniform(self.router.seed, decision.number, JUDGE_DRAW) >= chance:
            return None
        if not self._may_judge(rules, served):
            desk.own += 1
            return None
        return chance

    def left_out(self, rules: JudgeRules) -> list[str]:
        """Deployments of its route whose answers it may not judge."""
        route = self.router.routes[rules.route]
        return [name for name in route.deployments if not self._may_judge(rules, name)]

    async def score(self, texts: AnsweredTexts) -> Reward | None:
        """What the judge of a route says of an answer that somebody else drew.

        None where it has none, or the judge says nothing, or may not judge that maker's models.
        """
        cell, served = texts.outcome.decision.cell, texts.outcome.served or ""
        rules = self.rules.get(cell.route)
        if rules is None or not self._may_judge(rules, served):
            return None
        case = await seen(Case(rules=rules, texts=texts, chance=1.0))
        if case is None:
            return None
        score = await self._verdicts(cell, rules).score(case)
        return None if score is None else _said(rules, score)

    def facts(self, namespace: str) -> Iterator[JudgeFacts]:
        """As they stand for a namespace; what is shared is the default one's to see."""
        half_life_s = self.router.beliefs.settings.half_life_s
        is_owner, now = namespace == DEFAULT_NAMESPACE, self.clock.now()
        for name, rules in self.rules.items():
            account = self.router.caps.account(beside_name(name, JUDGE), now)
            dollars = self.router.caps.whole(account, now) if account else None
            yield JudgeFacts(
                route=name,
                model=rules.model,
                how="pairwise" if rules.reference else "pointwise",
                share=rules.share,
                desk=self.desks.get((namespace, name)) or JudgeDesk(half_life_s),
                said_of=self.feedbacks.said_of,
                is_label=partial(self.router.operator.is_label, Cell(namespace, name, "")),
                tally=self.background.tally(JUDGE, name) if is_owner else None,
                waiting=self.background.waiting(JUDGE, name) if is_owner else None,
                dollars=dollars if is_owner else None,
            )

    async def _judge(self, drawn: Case) -> None:
        """Have it judged, and tell what came of it as any other reward."""
        decision = drawn.texts.outcome.decision
        desk, place = self._desk(decision.cell), (decision.cell, drawn.served)
        rules = self.rules[drawn.rules.route]  # of now: an edit may have come while it waited
        case = await seen(replace(drawn, rules=rules))
        if case is None:
            desk.unseen += 1
            return
        score = await self._verdicts(decision.cell, rules).score(case)
        if score is None:
            return
        namespace, reward = decision.cell.namespace, _said(rules, score)
        await self.feedbacks.observe(decision.id, reward, namespace, None, inclusion=case.chance)
        desk.count(place, self.clock.now())
        is_own = self._maker(case.served) in self._own_makers(case.rules)
        length = math.log2(max(1, len(case.answer)))
        desk.biases.note(
            decision.id, Judged(place=place, length=length, is_own=is_own, score=score)
        )

    def _desk(self, cell: Cell) -> JudgeDesk:
        half_life_s = self.router.beliefs.settings.half_life_s
        return self.desks.setdefault((cell.namespace, cell.route), JudgeDesk(half_life_s))

    def _verdicts(self, cell: Cell, rules: JudgeRules) -> VerdictCalls:
        return VerdictCalls(self.background, self._desk(cell), partial(self._replied, cell, rules))

    def _replied(self, cell: Cell, rules: JudgeRules, is_read: bool) -> None:
        if not self._is_judge(cell.route, rules.model):
            return
        desk = self._desk(cell)
        if desk.note_reply(is_read=is_read):
            self._tell(cell, rules)
        self.tell_others((cell.namespace, cell.route, rules.model), desk.replies)

    def hear(self, key: tuple[str, ...], replies: Replies) -> None:
        """A judge replied to another process; key: namespace, route, judge, process."""
        namespace, route, judge, name = key
        cell = Cell(namespace, route, "")
        if self._is_judge(route, judge) and self._desk(cell).hear(name, replies):
            self._tell(cell, self.rules[route])

    def _is_judge(self, route: str, model: str) -> bool:
        """Whether it judges a route still: what another said late is not its successor's."""
        rules = self.rules.get(route)
        return rules is not None and rules.model == model

    def tell_again(self) -> None:
        """Of those that cannot be read: who told before is gone."""
        for (namespace, route), desk in self.desks.items():
            if desk.is_unread and route in self.rules:
                self._tell(Cell(namespace, route, ""), self.rules[route])

    def _tell(self, cell: Cell, rules: JudgeRules) -> None:
        """The judge cannot be read any more, or can again."""
        is_unread = self._desk(cell).is_unread
        kind = EventKind.JUDGE_IS_UNREAD if is_unread else EventKind.JUDGE_IS_READ
        facts = {"namespace": cell.namespace, "route": cell.route, "judge": rules.model}
        self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))

    def _maker(self, deployment: str) -> str:
        known = self.router.catalog.deployments.get(deployment)
        return maker_of(known.model if known else deployment)

    def _may_judge(self, rules: JudgeRules, deployment: str) -> bool:
        return rules.own_family or self._maker(deployment) not in self._own_makers(rules)

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

    def _refresh_soon(self, place: Place, desk: JudgeDesk) -> None:
        """What labels tell at a task is looked up once, and now and then where it decides."""
        cell, elapsed = place[0], self.clock.elapsed()
        fresh_until = self._fresh_until.get(cell)
        is_due = fresh_until is None or (
            elapsed >= fresh_until and desk.has_enough(place, self.clock.now())
        )
        if is_due and elapsed >= self._next_refresh:
            if len(self._fresh_until) >= MOST_PLACES:
                self._fresh_until.clear()
            self._fresh_until[cell] = elapsed + REFRESH_S
            self._next_refresh = elapsed + BETWEEN_S
            asyncio.get_running_loop().call_later(0.1, self._refresh, cell)

    def _refresh(self, cell: Cell) -> None:
        try:
            table = self.router.table(cell.namespace, cell.route, cell.name, self.clock.now())
        except WindsockError:
            return
        desk = self._desk(cell)
        desk.weigh(cell, RelativeWorth(label_worth(table), openness(table.weights)))
        for name in table.deployments:
            said = self.router.operator.how_known(cell, name).proxies.get(JUDGE, NO_SUMS)
            desk.seed((cell, name), said.scored()[0], self.clock.now())


def _said(rules: JudgeRules, score: float) -> Reward:
    return Reward(value=score, source=JUDGE, key_id=judge_voice(rules.model))


def _is_ones(texts: AnsweredTexts) -> bool:
    """Whether one deployment gave all that was shown."""
    results = texts.outcome.results
    shown = [each for each in results if each.first_byte_s is not None and each.usage is not None]
    return not texts.is_stream or len(shown) == 1
