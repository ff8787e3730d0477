"""What a decision tells of the conversation that it belongs to."""

from __future__ import annotations

from windsock.core.model.decisions import ConversationFacts, SeatFacts
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.conversations.costs import Outlook, Turn
from windsock.core.routing.conversations.law import Choice, Weights
from windsock.core.routing.conversations.memory import Conversation

MOST_SEATS_TOLD = 8
"""Candidates that a decision tells the costs of: the home and the cheapest."""


def facts_of(
    session: str,
    request: RouteRequest,
    known: Conversation | None,
    turn: Turn,
    choice: Choice,
) -> ConversationFacts:
    """The conversation of a request, and what it would cost where."""
    lines = zip(choice.table.weights, choice.outlooks, strict=True)
    seats = [_seat(weight, each, known) for weight, each in lines if each is not None]
    home = known.home if known else None
    seats.sort(key=lambda seat: (seat.deployment != home, seat.turn_usd))
    return ConversationFacts(
        session=session,
        kind=request.session_kind,
        is_shared=request.is_session_shared,
        turn=known.turns + 1 if known else 1,
        prompt_tokens=turn.prompt_tokens,
        estimated_tokens=request.prompt_tokens,
        turns_left=turn.turns_left,
        home=home,
        seats=tuple(seats[:MOST_SEATS_TOLD]),
    )


def _seat(weight: float, each: Outlook, known: Conversation | None) -> SeatFacts:
    held = each.held_tokens
    return SeatFacts(
        deployment=each.deployment,
        weight=weight,
        held_tokens=held,
        held_until=known.seats[each.deployment].until if known and held else None,
        hit_rate=each.hit_rate,
        turn_usd=each.turn_usd,
        next_usd=each.next_usd,
        saved_usd=each.saved_usd,
    )


def note_of(choice: Choice, weights: Weights) -> str:
    """Why the weights are not the policy's own."""
    table, home = choice.table, choice.home
    if weights == table.weights:
        return ""
    likely = table.deployments[weights.index(max(weights))]
    if home is None:
        return f"begins at {likely}, which costs a whole conversation least"
    stays = table.deployments[home]
    if likely != stays:
        return f"leaves {stays} for {likely}, which costs the rest of the conversation less"
    held = choice.outlooks[home]
    why = "a move costs its prompt cache" if held and held.held_tokens else "it was answered there"
    return f"stays at {stays}: {why}"
