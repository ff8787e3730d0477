"""What users do with answers is learnt, on routes that ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from operator import attrgetter

from windsock.clock import Clock
from windsock.core.evidence.use.edits import kept_share
from windsock.core.evidence.use.watch import Score, UseWatch
from windsock.core.model.requests import is_background
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.texts.answered import AnsweredTexts
from windsock.service.use.turns import turn_of

MOST_CHARS = 16_000_000
"""Of answers that are held in memory, until it is said what was used of them."""

EDIT = "use:edit"
"""The source of how much of an answer was left in what was used."""


_learns_from_use = attrgetter("learns_from_use")


class UseReader:
    """A `Reader` that holds digests of conversations, and the newest answers; nothing is stored."""

    def __init__(self, router: Router, feedbacks: FeedbackInbox, clock: Clock) -> None:
        self._router = router
        self._feedbacks = feedbacks
        self._clock = clock
        self._watch = UseWatch()
        self._as_of: int | None = None
        self._is_reading = False
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._chars = 0

    @property
    def is_reading(self) -> bool:
        """Whether any route asks for it."""
        if self._as_of != self._router.catalog.version:
            self._as_of = self._router.catalog.version
            self._is_reading = any(map(_learns_from_use, self._router.routes.values()))
        return self._is_reading

    def read(self, texts: AnsweredTexts) -> None:
        """What this turn says of the one before it is learnt."""
        decision = texts.outcome.decision
        route = self._router.routes.get(decision.cell.route)
        if route is None or not route.learns_from_use or is_background(decision.key_id):
            return
        found = turn_of(texts)
        if found is not None:
            turn, text = found
            self._hold(decision.id, text)
            self._learn(self._watch.note(turn))

    def expire(self) -> None:
        """What is said by nobody going on is learnt; call it now and then."""
        self._learn(self._watch.expire(self._clock.now()))

    def kept_share(self, decision_id: str, used: str) -> float | None:
        """0..1, how much of an answer is left in what was used; None if it is not held."""
        answer = self._texts.get(decision_id)
        return None if answer is None else kept_share(answer, used)

    def _learn(self, scores: Iterable[Score]) -> None:
        for name, source, value in scores:
            self._feedbacks.score(name, Reward(value=value, source=source))

    def _hold(self, decision_id: str, text: str) -> None:
        self._texts[decision_id] = text
        self._chars += len(text)
        while self._chars > MOST_CHARS:
            self._chars -= len(self._texts.popitem(last=False)[1])
