"""Conversations: what is known of each, what it would cost where, and the weights of its next turn.

Providers keep the beginning of a prompt for minutes or hours and bill it at the price of a cached
read. A turn that goes elsewhere pays for all of it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.calls import CallKind, CallResult, Outcome
from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import ConversationFacts, WeightTable
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.routing.conversations.cache_hits import CacheHits
from windsock.core.routing.conversations.costs import HOUR_S, Turn
from windsock.core.routing.conversations.explaining import facts_of, note_of
from windsock.core.routing.conversations.habits import Habits
from windsock.core.routing.conversations.law import Choice, Weights, conversation_weights
from windsock.core.routing.conversations.memory import (
    GOES_ON_FROM,
    Conversation,
    ConversationMemory,
    Seat,
    SessionKey,
)
from windsock.core.routing.conversations.outlooks import Outlooks, PricesOf, kept_s

GAP_SHARE = 0.4
"""How much the latest pause counts in a conversation's own."""


@dataclass(slots=True, kw_only=True)
class NextTurn:
    """
    weights     in the order of the table they were made from
    facts       what they follow from
    note        in one sentence; empty where the weights are the policy's own
    """

    weights: Weights
    facts: ConversationFacts
    note: str


class Conversations:
    """What conversations and caches have been like, and what follows for the next turn.

    is_judged   whether the success of a cell's deployments has been learnt from judgements
    on_turn     called with the (namespace, route, session) of each that was answered
    on_answer   called with namespace and id of each answer that may be gone on from; None: nobody
    """

    def __init__(
        self, *, catalog: Catalog, beliefs: Beliefs, is_judged: Callable[[Cell], bool]
    ) -> None:
        self._catalog = catalog
        self._beliefs = beliefs
        self._is_judged = is_judged
        self.on_turn: Callable[[SessionKey], None] = lambda key: None
        self.on_answer: Callable[[str, str], None] | None = None
        self.memory = ConversationMemory()
        self.habits = Habits()
        self.hits = CacheHits()
        self._outlooks = Outlooks(
            catalog=catalog, beliefs=beliefs, habits=self.habits, hits=self.hits
        )

    def next_turn(
        self, table: WeightTable, request: RouteRequest, prices_of: PricesOf, now: float
    ) -> NextTurn | None:
        """How a request of a session is to be drawn; None if it has none. Changes nothing."""
        session = self._session(request)
        if session is None:
            return None
        known = self.memory.find((request.namespace, table.cell.route, session), now)
        turn = self._turn(table.cell, request, known)
        outlooks = self._outlooks.of(table, turn, request, known, prices_of, now)
        home = _home(table, known)
        choice = Choice(
            table=table,
            outlooks=outlooks,
            is_judged=self._is_judged(table.cell),
            leans=self._beliefs.published.shifts(table.cell.name, table.deployments),
            home=home,
            home_weight=known.weight if known else 0.0,
            is_shared=request.is_session_shared and not _goes_on(request, known),
            turns=1.0 + turn.turns_left,
        )
        weights = conversation_weights(choice)
        return NextTurn(
            weights=weights,
            facts=facts_of(session, request, known, turn, choice),
            note=note_of(choice, weights),
        )

    def observe(self, outcome: Outcome) -> None:
        """A turn was answered: the home is there, and its cache holds the prompt."""
        cell, facts, served = outcome.decision.cell, outcome.decision.conversation, outcome.served
        known = None if served is None else self._catalog.deployments.get(served)
        name = outcome.response_id if known is not None and known.keeps_answers else None
        if name is not None and served is not None:
            self.memory.note_answerer(cell.namespace, name, served)
        if facts is not None and served is not None:
            self._keep_turn(outcome, facts, served, name)
        if name is not None and self.on_answer is not None:
            self.on_answer(cell.namespace, name)

    def note_sealed(self, namespace: str, name: str, deployment: str) -> None:
        """Only this one can read a part of an answer, when a later request brings it back."""
        self.memory.note_answerer(namespace, name, deployment)
        if self.on_answer is not None:
            self.on_answer(namespace, name)

    def _keep_turn(
        self, outcome: Outcome, facts: ConversationFacts, served: str, name: str | None
    ) -> None:
        """
        name    of the answer, by which the next turn may go on; None where it cannot
        """
        cell, at = outcome.decision.cell, outcome.decision.at
        key = (cell.namespace, cell.route, facts.session)
        found = self.memory.find(key, at) or Conversation(home=served)
        answered = [each for each in outcome.results if each.kind is CallKind.ANSWERED]
        for each in answered:
            self._fill(found, each, facts, at)
        _settle_in(found, answered[0].attempt.deployment if answered else served, facts)
        found.answered_by = served
        gap_s = max(0.0, at - found.at) if found.turns else 0.0
        if found.turns:
            found.gap_s = gap_s if not found.gap_s else _mixed(found.gap_s, gap_s)
        found.turns, found.at = found.turns + 1, at
        self.habits.observe((cell.namespace, cell.route), found, gap_s)
        self.memory.keep(key, found)
        self.on_turn(key)
        if name is not None:
            self.memory.link(cell.namespace, name, facts.session)

    def home(self, request: RouteRequest, route: str, now: float) -> str | None:
        """Who answered the session of a request last; None if that is not known, or several may
        share it."""
        if request.continues is not None:
            found = self.memory.answerer(request.namespace, request.continues)
            if found is not None:
                return found
        session = None if request.is_session_shared else self._session(request)
        if session is None:
            return None
        known = self.memory.find((request.namespace, route, session), now)
        return None if known is None else known.answered_by

    def to_state(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "memory": self.memory.to_state(),
            "answerers": self.memory.answerers_to_state(),
            "habits": self.habits.to_state(),
            "hits": self.hits.to_state(),
        }

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`; an empty one leaves nothing known."""
        self.memory.from_state(state.get("memory", []), state.get("answerers", []))
        self.habits.from_state(state.get("habits", []))
        self.hits.from_state(state.get("hits", []))

    def _session(self, request: RouteRequest) -> str | None:
        if request.continues is not None:
            found = self.memory.session_of(request.namespace, request.continues)
            return found or request.session_id
        return request.session_id

    def _turn(self, cell: Cell, request: RouteRequest, known: Conversation | None) -> Turn:
        habits = self.habits.of((cell.namespace, cell.route))
        estimated = request.prompt_tokens
        size = known.prompt_tokens(estimated) if known else estimated
        return Turn(
            prompt_tokens=size,
            growth_tokens=known.answer_tokens if known else 0,
            turns_left=habits.turns_left(known.turns + 1 if known else 1),
        )

    def _fill(
        self, found: Conversation, result: CallResult, facts: ConversationFacts, at: float
    ) -> None:
        """How long the conversation is, and who holds it now; its own counts tell of a cache."""
        name, usage = result.attempt.deployment, result.usage
        if usage is None:
            return
        traits, held = self._outlooks.traits(name), found.held(name, at)
        is_whole = usage.prompt_tokens >= max(traits.min_tokens, GOES_ON_FROM * held)
        if is_whole and not result.is_usage_estimated:
            self.hits.observe((name, facts.is_shared), held, usage, at)
        prompt = usage.prompt_tokens - usage.audio_input_tokens
        ttl_s = HOUR_S if usage.cache_write_1h_tokens else kept_s(found.seats.get(name), traits)
        found.take_seat(name, Seat(prompt, at + ttl_s, ttl_s), at)
        found.counted_tokens = usage.prompt_tokens
        found.estimated_tokens = facts.estimated_tokens
        found.answer_tokens = usage.output_tokens


def _home(table: WeightTable, known: Conversation | None) -> int | None:
    if known is None or known.home not in table.deployments:
        return None
    return table.deployments.index(known.home)


def _goes_on(request: RouteRequest, known: Conversation | None) -> bool:
    """True if a prompt may be the last one with something added."""
    return known is not None and request.prompt_tokens >= known.estimated_tokens


def _settle_in(found: Conversation, name: str, facts: ConversationFacts) -> None:
    """Its home now, whoever was asked again; the least weight that it ever had is remembered."""
    seat = facts.seat(name)
    weight = seat.weight if seat else 0.0
    is_new = not found.turns or found.home != name
    found.weight = weight if is_new else min(found.weight, weight)
    found.home = name


def _mixed(gap_s: float, latest_s: float) -> float:
    """The geometric mean of pauses, the latest counting most."""
    return float(max(1.0, gap_s) ** (1 - GAP_SHARE) * max(1.0, latest_s) ** GAP_SHARE)
