"""Conversations under way: where each was answered last, and what may still be cached where."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

MAX_CONVERSATIONS = 50_000
"""Conversations that are remembered; the one answered longest ago is forgotten first."""

MAX_SEATS = 4
"""Deployments of one conversation whose caches are remembered."""

MAX_KEPT = 2_000
"""Conversations, the latest, that a snapshot holds."""

GOES_ON_FROM = 0.9
"""Of what was held, so much must a prompt have to be the same with something added."""

FORGET_S = 6 * 3600.0
"""Silent for so long, and held by no cache, a conversation begins anew."""

SessionKey = tuple[str, str, str]
"""(namespace, route, session)."""


@dataclass(slots=True)
class Seat:
    """tokens: of the prompt that a deployment has read, and may still hold, until then.

    ttl_s   how long it keeps them after each use
    """

    tokens: int
    until: float
    ttl_s: float

    def held(self, now: float) -> int:
        """Tokens that may be there now."""
        return self.tokens if now < self.until else 0


@dataclass(slots=True, kw_only=True)
class Conversation:
    """
    home            where its turns are asked first, since the last one was answered there
    answered_by     whose answer was given last: another than the home, where that one was doubted
    weight          of the home when it was chosen, the least since then
    turns           answers so far
    at              unix s of the last request
    gap_s           between requests, the latest counting most; 0 before there were two
    estimated_tokens, counted_tokens    of the last prompt: as we took it, and as it was counted
    answer_tokens   of the last answer
    is_over         it has been silent for so long that it was taken to have ended
    """

    home: str
    weight: float = 1.0
    turns: int = 0
    at: float = 0.0
    gap_s: float = 0.0
    estimated_tokens: int = 0
    counted_tokens: int = 0
    answer_tokens: int = 0
    is_over: bool = False
    answered_by: str = ""
    seats: dict[str, Seat] = field(default_factory=dict)

    def prompt_tokens(self, estimated: int) -> int:
        """What a prompt that we take for so many tokens will be counted as there."""
        if not self.estimated_tokens or not self.counted_tokens:
            return estimated
        return round(estimated * self.counted_tokens / self.estimated_tokens)

    def held(self, deployment: str, now: float) -> int:
        """Tokens of it that a deployment may hold now."""
        seat = self.seats.get(deployment)
        return seat.held(now) if seat else 0

    def is_forgotten(self, now: float) -> bool:
        """True if nobody holds anything of it, and nobody would go on with it."""
        return now - self.at > FORGET_S and not any(s.held(now) for s in self.seats.values())

    def take_seat(self, deployment: str, seat: Seat, now: float) -> None:
        """It was answered there; of more seats than are kept the one that ends first goes.

        A shorter prompt is another one, as agents send beside their work: what is held of the
        long one is neither less nor held for longer.
        """
        if self.held(deployment, now) * GOES_ON_FROM > seat.tokens:
            return
        self.seats[deployment] = seat
        if len(self.seats) > MAX_SEATS:
            del self.seats[min(self.seats, key=lambda name: self.seats[name].until)]


class ConversationMemory:
    """The most recent conversations, and the answers that they can be continued from."""

    def __init__(self) -> None:
        self._known: OrderedDict[SessionKey, Conversation] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._answerers: OrderedDict[tuple[str, str], str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: SessionKey, now: float) -> Conversation | None:
        """A conversation that may go on; None if it is not known, or long over."""
        found = self._known.get(key)
        return found if found is not None and not found.is_forgotten(now) else None

    def keep(self, key: SessionKey, conversation: Conversation) -> None:
        """This one was answered last."""
        self._known[key] = conversation
        self._known.move_to_end(key)
        if len(self._known) > MAX_CONVERSATIONS:
            self._known.popitem(last=False)

    def link(self, namespace: str, response_id: str, session: str) -> None:
        """An answer of a conversation, by whose id it may be continued."""
        self._answers[namespace, response_id] = session
        if len(self._answers) > MAX_CONVERSATIONS:
            self._answers.popitem(last=False)

    def note_answerer(self, namespace: str, response_id: str, deployment: str) -> None:
        """Where an answer is kept, from which a request may go on by its id."""
        self._answerers[namespace, response_id] = deployment
        if len(self._answerers) > MAX_CONVERSATIONS:
            self._answerers.popitem(last=False)

    def answerer(self, namespace: str, response_id: str) -> str | None:
        """The deployment that keeps this answer; None if that is not known."""
        return self._answerers.get((namespace, response_id))

    def session_of(self, namespace: str, response_id: str) -> str | None:
        """The session that this answer belongs to; None if that is not known."""
        return self._answers.get((namespace, response_id))

    def to_state(self) -> list[Any]:
        """JSON-able, oldest first: the latest, at most MAX_KEPT."""
        latest = list(islice(reversed(self._known.items()), MAX_KEPT))
        return [_told(key, each) for key, each in reversed(latest)]

    def answerers_to_state(self) -> list[Any]:
        """JSON-able, oldest first: where the latest answers are kept, at most MAX_KEPT."""
        latest = list(islice(reversed(self._answerers.items()), MAX_KEPT))
        return [[*key, deployment] for key, deployment in reversed(latest)]

    def hear(self, key: SessionKey, told: list[Any]) -> None:
        """A turn that another replica answered, as `told_of` says it; a later one stays."""
        heard, known = _read(*told), self._known.get(key)
        if known is None or known.at <= heard.at:
            self.keep(key, heard)

    def told_of(self, key: SessionKey) -> list[Any]:
        """A conversation that is known, JSON-able."""
        return _told(key, self._known[key])[len(key) :]

    def from_state(self, state: list[Any], answerers: list[Any]) -> None:
        """Take over a state of `to_state` and of `answerers_to_state`."""
        self._answerers = OrderedDict(((space, name), at) for space, name, at in answerers)
        self._known.clear()
        for namespace, route, session, *told in state:
            self._known[namespace, route, session] = _read(*told)


def _told(key: SessionKey, it: Conversation) -> list[Any]:
    seats = {name: [seat.tokens, seat.until, seat.ttl_s] for name, seat in it.seats.items()}
    return [
        *key,
        it.home,
        it.weight,
        it.turns,
        it.at,
        it.gap_s,
        it.estimated_tokens,
        it.counted_tokens,
        it.answer_tokens,
        it.is_over,
        seats,
        it.answered_by,
    ]


def _read(
    home: str,
    weight: float,
    turns: int,
    at: float,
    gap_s: float,
    estimated: int,
    counted: int,
    answer: int,
    is_over: bool,
    seats: dict[str, list[Any]],
    answered_by: str,
) -> Conversation:
    return Conversation(
        home=home,
        weight=weight,
        turns=turns,
        at=at,
        gap_s=gap_s,
        estimated_tokens=estimated,
        counted_tokens=counted,
        answer_tokens=answer,
        is_over=is_over,
        answered_by=answered_by,
        seats={name: Seat(*seat) for name, seat in seats.items()},
    )
