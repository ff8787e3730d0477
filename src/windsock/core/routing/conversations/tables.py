"""The weight tables of conversations: made once for all requests that are drawn alike."""

from __future__ import annotations

from dataclasses import replace

from windsock.core.model.decisions import CascadeFacts, ConversationFacts, WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Prices
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.routing.conversations.affinity import Conversations, NextTurn
from windsock.core.routing.conversations.law import Weights
from windsock.core.routing.weights.costs import ImaginedPrices
from windsock.core.routing.weights.tables import WeightTables

MAX_CONVERSATION_TABLES = 1024


class ConversationTables:
    """What a request of a conversation is drawn from, by the prices in force."""

    def __init__(
        self, *, conversations: Conversations, book: PricesInForce, tables: WeightTables
    ) -> None:
        self._conversations = conversations
        self._book = book
        self._tables = tables
        self._made: dict[tuple[int, str, Weights], WeightTable] = {}

    def of(
        self, table: WeightTable, request: RouteRequest, now: float
    ) -> tuple[WeightTable, ConversationFacts | None]:
        """The table for the next turn, and what the conversation was taken for."""

        def prices(name: str, prompt_tokens: int) -> Prices | None:
            return self._book.prices(
                name, now, prompt_tokens=prompt_tokens, service_tier=request.service_tier
            )

        turn = self._conversations.next_turn(table, request, prices, now)
        if turn is None:
            return table, None
        if turn.weights == table.weights:
            return table, turn.facts
        return self._variant(table, turn.weights, turn.note), turn.facts

    def imagine(
        self, table: WeightTable, request: RouteRequest, imagined: ImaginedPrices, now: float
    ) -> NextTurn | None:
        """The next turn of a conversation, if these were the prices; nothing is made for it."""

        def prices(name: str, prompt_tokens: int) -> Prices | None:
            known = self._book.prices(name, now, prompt_tokens=prompt_tokens)
            return {**(known or {}), **imagined.get(name, {})} or None

        return self._conversations.next_turn(table, request, prices, now)

    def _variant(self, table: WeightTable, weights: Weights, note: str) -> WeightTable:
        """Such tables are few, for weights move in steps."""
        key = (table.version, note, weights)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= MAX_CONVERSATION_TABLES:
                self._made.clear()
            note = "; ".join(filter(None, (table.note, note)))
            found = self._tables.variant(table, weights, note, cascades_of(table, weights))
            self._made[key] = found
        return found


def cascades_of(table: WeightTable, weights: Weights) -> tuple[CascadeFacts, ...] | None:
    """The table's cascades, each as much of its deployment's weight as before."""
    if table.cascades is None:
        return None
    share = {
        name: new / old if old > 0 else 0.0
        for name, old, new in zip(table.deployments, table.weights, weights, strict=True)
    }
    return tuple(
        replace(each, weight=each.weight * share[each.deployment]) for each in table.cascades
    )
