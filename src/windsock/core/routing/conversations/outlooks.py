"""What a turn of a conversation would cost at each deployment that could take it."""

from __future__ import annotations

from collections.abc import Callable, Set

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.catalog import CacheTraits, Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Prices
from windsock.core.routing.conversations.cache_hits import CacheHits
from windsock.core.routing.conversations.costs import (
    KnownRates,
    Outlook,
    PromptCache,
    Turn,
    outlook,
)
from windsock.core.routing.conversations.habits import Habits
from windsock.core.routing.conversations.memory import Conversation, Seat

MOST_LOOKED_AT = 12
"""Candidates whose costs are reckoned for one turn, beside those where it has been."""

PricesOf = Callable[[str, int], Prices | None]
"""(deployment, prompt tokens) -> what is billed there now."""


class Outlooks:
    """Reads what is known of conversations and caches, and changes none of it."""

    def __init__(
        self, *, catalog: Catalog, beliefs: Beliefs, habits: Habits, hits: CacheHits
    ) -> None:
        self._catalog = catalog
        self._beliefs = beliefs
        self._habits = habits
        self._hits = hits
        self._rates = KnownRates()

    def of(
        self,
        table: WeightTable,
        turn: Turn,
        request: RouteRequest,
        known: Conversation | None,
        prices_of: PricesOf,
        now: float,
    ) -> tuple[Outlook | None, ...]:
        """Of each deployment of a table; None for those that are not looked at or not priced."""
        habits = self._habits.of((table.cell.namespace, table.cell.route))
        looked_at = _looked_at(table, known)
        mixes = self._beliefs.mixes(table.cell, looked_at, prompt_tokens=turn.prompt_tokens)
        within = habits.chances(known)
        made: list[Outlook | None] = []
        for name in table.deployments:
            prices = prices_of(name, turn.prompt_tokens) if name in looked_at else None
            if prices is None:
                made.append(None)
                continue
            cache = self._cache(name, request, known, within, now)
            made.append(outlook(name, turn, mixes[name], self._rates.of(name, prices), cache))
        return tuple(made)

    def traits(self, name: str) -> CacheTraits:
        """What is known beforehand of a deployment's cache."""
        deployment = self._catalog.deployments.get(name)
        return deployment.cache if deployment else CacheTraits()

    def _cache(
        self,
        name: str,
        request: RouteRequest,
        known: Conversation | None,
        within: Callable[[float], float],
        now: float,
    ) -> PromptCache:
        traits, key = self.traits(name), (name, request.is_session_shared)
        seat = known.seats.get(name) if known else None
        ttl_s = kept_s(seat, traits)
        return PromptCache(
            min_tokens=traits.min_tokens,
            ttl_s=ttl_s,
            held_tokens=seat.held(now) if seat else 0,
            hit_rate=self._hits.hit_rate(key, traits, now),
            write_share=self._hits.write_share(key, traits, now),
            within=within(ttl_s),
        )


def kept_s(seat: Seat | None, traits: CacheTraits) -> float:
    """An hour where the conversation's own writes asked for it, else as its provider does."""
    return traits.ttl_s if seat is None else max(seat.ttl_s, traits.ttl_s)


def _looked_at(table: WeightTable, known: Conversation | None) -> Set[str]:
    """Where a conversation has been, and the cheapest of a long list."""
    if len(table.arms) <= MOST_LOOKED_AT:
        return set(table.deployments)
    cheapest = sorted(table.arms, key=lambda arm: arm.expected_usd)[:MOST_LOOKED_AT]
    return {arm.deployment for arm in cheapest} | set(known.seats if known else ())
