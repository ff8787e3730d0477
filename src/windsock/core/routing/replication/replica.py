"""One of several routers that think alike: what it learns it tells, what others learn it learns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, Protocol

from windsock.core.evidence.judging.desk import Replies
from windsock.core.evidence.warm_start import WarmStart
from windsock.core.evidence.warm_start import tell_nobody as keep_lesson
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.core.model.ticks import Quote
from windsock.core.pricing.state import quote_of_state, quote_state
from windsock.core.replicas.contributions import Contribution, Kind, tell_nobody
from windsock.core.replicas.deltas import Delta, Outbox, Seen, Word
from windsock.core.routing.conversations.memory import SessionKey
from windsock.core.routing.replication.hearing import HEARD
from windsock.core.routing.router import Router

MAX_RECENT = 256
"""Deltas that are learnt again where another's word on quality replaced what they had taught."""

FIRST = (Kind.SETTLED, Kind.SAID)
"""Learnt before the rest: whether answers are judged decides what a mere answer counts."""

REPORTED = "reported"
"""Subject of what was said of an answer."""

COOLDOWNS = {EventKind.COOLDOWN_BEGAN, EventKind.COOLDOWN_ENDED, EventKind.COOLDOWN_CUT_SHORT}
QUALITY = {EventKind.QUALITY_DRIFTED, EventKind.QUALITY_UNDONE, EventKind.MODEL_REDIRECTED}
SILENCE = {EventKind.KEY_SILENCED, EventKind.KEY_HEARD}


class HearRuling(Protocol):
    """Takes over what a person decided of a quote elsewhere."""

    def __call__(self, quote: Quote, *, is_believed: bool) -> None:
        """It is believed from now on, or dropped."""


class Replica:
    """A router's part in a group of them.

    seen    deltas that it has learnt, its own among them
    on_unheard  told the subject of what another has said and could not be heard
    on_ruling   hears how a person ruled elsewhere on a held quote; None: the price book alone does
    on_replies  hears what a judge replied elsewhere: namespace, route, judge, replica
    on_reported hears what was reported elsewhere of an answer, as it was told there, and by whom
    """

    def __init__(self, router: Router, name: str) -> None:
        self.router = router
        self.name = name
        self.outbox = Outbox(name, router.beliefs.settings.half_life_s)
        self.seen = Seen()
        self._recent: deque[Delta] = deque(maxlen=MAX_RECENT)
        self._changed: set[tuple[str, str, str]] = set()
        self.on_ruling: HearRuling | None = None
        self.on_replies: Callable[[tuple[str, ...], Replies], object] = lambda *_: None
        self.on_reported: Callable[[Any, str], object] = lambda *_: None
        self.on_unheard: Callable[[str], object] = str
        self._unheard: set[str] = set()
        self.listen()

    def listen(self) -> None:
        """What the router learns from now on is this replica's to tell."""
        self.router.learner.share(self.outbox.learnt.add)
        self.router.conversations.on_turn = self._tell_turn
        self.router.conversations.on_answer = self._tell_answer
        self.router.lessons.tell = self._tell_lesson

    def close(self) -> None:
        """The router learns for itself alone from now on."""
        self.router.learner.share(tell_nobody)
        self.router.conversations.on_turn = lambda key: None
        self.router.conversations.on_answer = None
        self.router.lessons.tell = keep_lesson

    def cut(self, now: float) -> Delta | None:
        """What it has to tell since the last one; None if that is nothing."""
        self._tell_changed()
        if (delta := self.outbox.cut(now)) is not None:
            self._note(delta)
        return delta

    def absorb(self, delta: Delta, now: float) -> bool:
        """Learn what another has learnt; False if that is known, or its own."""
        if delta.replica == self.name or not self.seen.note(delta.replica, delta.number):
            return False
        self._recent.append(delta)
        self.outbox.learnt.is_muted = True
        try:
            self._learn(delta.learnt)
            for word in delta.told:
                if word.subject != REPORTED:
                    self._hear(word, now, delta.replica)
        finally:
            self.outbox.learnt.is_muted = False
        for word in reversed(delta.told):  # what is counted anew by them is one's own to tell
            if word.subject == REPORTED:
                self._hear(word, now, delta.replica)
        return True

    def take_over(self, state: Mapping[str, Any], seen: Seen) -> None:
        """Believe another replica's state, which knows `seen`, and what it lacks of one's own.

        raises  KeyError, TypeError or ValueError if it is none (`Router.from_state`)
        """

        def taken() -> Seen:
            self.router.from_state(state)
            return Seen.from_state(seen.to_state())

        self.begin_anew(taken)

    def begin_anew(self, build: Callable[[], Seen]) -> None:
        """`build` makes the router's state, and tells which deltas are in it; what it lacks of
        one's own is learnt again. Nothing of all that is told: it was, or will be."""
        self.outbox.learnt.is_muted = True
        try:
            self.seen = build()
            self._recent.clear()
            for delta in self.outbox.lacking(self.seen):
                self._note(delta)
                self._learn(delta.learnt)
            self._learn(self.outbox.learnt.waiting())
        finally:
            self.outbox.learnt.is_muted = False
            self.listen()
        self.router.tables.forget()

    def tell_of(self, event: Event) -> None:
        """Something was published here that others act on as well."""
        if event.kind in COOLDOWNS:
            others = event.facts.get("with", ())
            for name in (event.deployment, *(others if isinstance(others, list) else ())):
                self._tell_cooldown(name, event.at)
        elif event.kind in QUALITY:
            if event.kind is EventKind.QUALITY_UNDONE:
                self.outbox.tell("own model", (event.deployment,), True)
            for namespace, route in self.router.beliefs.routes():
                if event.namespace in (None, namespace):
                    self._changed.add((namespace, route, event.deployment))
        elif event.kind in SILENCE:
            key = (str(event.facts["namespace"]), str(event.facts["key"]))
            self.outbox.tell("silenced", key, event.kind is EventKind.KEY_SILENCED)
        elif event.kind is EventKind.CAP_RAISED:
            self.outbox.tell("raised", (str(event.facts["cap"]),), dict(event.facts))

    def tell_ruling(self, quote: Quote, is_believed: bool) -> None:
        """A person has ruled here on a quote that was held."""
        word = {"quote": quote_state(quote), "is_believed": is_believed}
        self.outbox.tell("ruled", (quote.deployment, quote.feed), word)

    def tell_replies(self, key: tuple[str, ...], replies: Replies) -> None:
        """A judge replied here; key: namespace, route, judge."""
        self.outbox.tell("judge", (*key, self.name), list(replies))

    def tell_reported(self, about: tuple[str, ...], word: object) -> None:
        """Something was reported here of an answer, which `learnt` sums hold; about: its decision
        and the matter. Known elsewhere, it counts once however often it is said."""
        if not self.outbox.is_full:
            self.outbox.tell(REPORTED, about, word)

    def _note(self, delta: Delta) -> None:
        self.seen.note(delta.replica, delta.number)
        self._recent.append(delta)

    def _learn(self, learnt: Iterable[Contribution]) -> None:
        for each in sorted(learnt, key=lambda each: each.kind not in FIRST):
            if each.kind is Kind.SPENT or each.kind is Kind.SERVED:
                self._count(each)
            else:
                cell = self.router.learner.hear(each)
                if cell is not None:
                    self._count_evidence(cell, each)

    def _count_evidence(self, cell: Cell, each: Contribution) -> None:
        """What others are asked is a part of the route's traffic here as well."""
        route = None if cell.is_own else self.router.routes.get(cell.route)
        if cell.segment and route is not None and not route.policy.segment_words(cell):
            route = None
        count = max(1, round(each.values[0]))
        self.router.tables.count_evidence(cell, each.at, count, route)

    def _count(self, each: Contribution) -> None:
        """What a policy of a route knows beside beliefs."""
        route = self.router.routes.get(each.key[1])
        if route is None:
            return
        if each.kind is Kind.SERVED:
            *cell, arm = each.key
            route.policy.count_served(Cell.read(*cell), arm, each.values[0])
        elif route.policy.pacer is not None:
            requests, usd = each.values
            route.policy.pacer.spend(usd, each.at, requests)

    def _hear(self, word: Word, now: float, by: str) -> None:
        """What another version says in a form of its own is lost, and nothing else."""
        try:
            if word.subject == REPORTED:
                self.on_reported(word.word, by)
            elif word.subject in HEARD:
                HEARD[word.subject](self.router, word.key, word.word, now)
            else:
                OWN[word.subject](self, word.key, word.word, now)
        except Exception:  # of whatever form it is, or subject
            self.note_unheard(word.subject)

    def note_unheard(self, subject: str) -> None:
        """Tell once of what is lost of others' words."""
        if subject not in self._unheard:
            self._unheard.add(subject)
            self.on_unheard(subject)

    def _hear_quality(self, key: tuple[str, ...], word: Mapping[str, Any], now: float) -> None:
        namespace, route, deployment = key
        self.router.beliefs.quality.take_over(namespace, route, deployment, word["state"])
        seen = Seen.from_state(word["seen"])
        unknown = [d for d in self._recent if not seen.has(d.replica, d.number)]
        for each in chain(*(d.learnt for d in unknown), self.outbox.learnt.waiting()):
            if each.key[:2] == (namespace, route) and each.key[3:4] == (deployment,):
                self.router.learner.believe_again(each)
        for said in chain(*(d.told for d in unknown), self.outbox.waiting()):
            if said.subject == "lesson" and said.word["lesson"]["route"] == route:
                self._believe_again(said, namespace, deployment)
        self.router.tables.forget()

    def _believe_again(self, said: Word, namespace: str, deployment: str) -> None:
        if said.key[0] == namespace:
            taught = WarmStart.from_state(said.word["lesson"])
            is_held = said.word["is_held"]
            self.router.lessons.believe_again(taught, deployment, is_held=is_held)

    def _hear_ruled(self, key: tuple[str, ...], word: Mapping[str, Any], now: float) -> None:
        quote, is_believed = quote_of_state(word["quote"]), word["is_believed"]
        if self.on_ruling is not None:
            self.on_ruling(quote, is_believed=is_believed)
        elif not is_believed or self.router.book.said_since(quote) is None:  # the store is later
            self.router.book.rule(quote, now, is_believed=is_believed)

    def _tell_turn(self, key: SessionKey) -> None:
        self.outbox.tell("turn", key, self.router.conversations.memory.told_of(key))

    def _tell_answer(self, namespace: str, name: str) -> None:
        memory = self.router.conversations.memory
        word = [memory.session_of(namespace, name), memory.answerer(namespace, name)]
        if word != [None, None]:
            self.outbox.tell("answer", (namespace, name), word)

    def _tell_lesson(self, number: int, taught: WarmStart, is_held: bool) -> None:
        word = {"lesson": taught.to_word(), "is_held": is_held}
        self.outbox.tell("lesson", (taught.namespace, str(number)), word)

    def _tell_cooldown(self, deployment: str, at: float) -> None:
        health = self.router.health
        cause = health.cause(deployment, at)
        word = {"until": health.cooldown_until(deployment), "cause": cause.value if cause else None}
        self.outbox.tell("cooldown", (deployment,), word)

    def _tell_changed(self) -> None:
        """With what it rests on: others learn the rest of what they know once more.

        Told as of the next delta, whose sums are in it: they would else count twice.
        """
        if not self._changed:
            return
        seen = Seen.from_state(self.seen.to_state())
        seen.note(self.name, self.outbox.number + 1)
        for key in self._changed:
            state = self.router.beliefs.quality.to_state(*key)
            if state is not None:
                self.outbox.tell("quality", key, {"state": state, "seen": seen.to_state()})
        self._changed.clear()


OWN: Mapping[str, Callable[[Replica, tuple[str, ...], Any, float], object]] = {
    "quality": Replica._hear_quality,
    "ruled": Replica._hear_ruled,
    "judge": lambda replica, key, word, now: replica.on_replies(key, Replies(*word)),
}
"""How subjects are heard of which a replica knows more than its router."""
