"""What a turn of a conversation would cost at each deployment that could take it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.catalog import CacheTraits, Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.units import Prices
from windsock.core.routing.conversations.cache_hits import CacheHits
from windsock.core.routing.conversations.costs import (
    KnownRates,
    Outlook,
    PromptCache,
    Rates,
    Turn,
    Use,
    outlook,
    use_of,
)
from windsock.core.routing.conversations.habits import Habits
from windsock.core.routing.conversations.memory import Conversation, Seat

MOST_LOOKED_AT = 12
"""Candidates whose costs are reckoned for one turn, beside those where it has been."""

USE_S = 0.1
"""For so long a use stands though more is counted: an answer moves it by a part in hundreds."""

MAX_USES = 4096
"""Of tasks and deployments whose use in dollars is remembered."""

PricesOf = Callable[[str, int], Prices | None]
"""(deployment, prompt tokens) -> what is billed there now."""


class Outlooks:
    """Reads what is known of conversations and caches, and changes none of it."""

    def __init__(
        self, *, catalog: Catalog, beliefs: Beliefs, habits: Habits, hits: CacheHits
    ) -> None:
        self._catalog = catalog
        self._habits = habits
        self._hits = hits
        self._rates = KnownRates()
        self._uses = KnownUses(beliefs)

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
        looked_at, within = _looked_at(table, known), habits.chances(known)
        rates: dict[str, Rates] = {}
        for name in table.deployments:
            prices = prices_of(name, turn.prompt_tokens) if name in looked_at else None
            if prices is not None:
                rates[name] = self._rates.of(name, prices)
        uses = self._uses.of(table.cell, rates, now)
        made: dict[str, Outlook | None] = {}
        for name, known_rates in rates.items():
            cache = self._cache(name, request, known, within, now)
            made[name] = outlook(name, turn, uses[name], known_rates, cache)
        return tuple(map(made.get, table.deployments))

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
        hit_rate, write_share = self._hits.shares(key, traits, now)
        return PromptCache(
            min_tokens=traits.min_tokens,
            ttl_s=ttl_s,
            held_tokens=seat.held(now) if seat else 0,
            hit_rate=hit_rate,
            write_share=write_share,
            within=within(ttl_s),
        )


class _KnownUse(NamedTuple):
    """Of one deployment at one task, as of a moment (unix s).

    counted     what it was reckoned from; None: what was counted of others
    """

    at: float
    counted: object | None
    rates: Rates
    use: Use | None


class KnownUses:
    """What requests take in dollars by task and deployment, reckoned anew where other units have
    been counted, once in USE_S, and where other prices are in force, at once."""

    def __init__(self, beliefs: Beliefs) -> None:
        self._beliefs = beliefs
        self._known: dict[tuple[Cell, str], _KnownUse] = {}

    def of(self, cell: Cell, rates_of: Mapping[str, Rates], now: float) -> dict[str, Use | None]:
        """By deployment, at these rates of each."""
        found: dict[str, Use | None] = {}
        anew = []
        for name, rates in rates_of.items():
            known = self._known.get((cell, name))
            if known is not None and known.rates is rates and self._stands(known, cell, name, now):
                found[name] = known.use
            else:
                anew.append(name)
        if anew:
            if len(self._known) > MAX_USES:
                self._known.clear()
            for name, mix in self._beliefs.mixes(cell, anew).items():
                counted, rates = self._beliefs.counted(cell, name), rates_of[name]
                found[name] = use = use_of(mix, rates)
                self._known[cell, name] = _KnownUse(now, counted, rates, use)
        return found

    def _stands(self, known: _KnownUse, cell: Cell, name: str, now: float) -> bool:
        """The first count of a deployment holds at once."""
        is_new = 0.0 <= now - known.at < USE_S
        if is_new and known.counted is not None:
            return True
        counted = self._beliefs.counted(cell, name)
        return counted is known.counted and (is_new or counted is not None)


def kept_s(seat: Seat | None, traits: CacheTraits) -> float:
    """An hour where the conversation's own writes asked for it, else as its provider does."""
    return traits.ttl_s if seat is None else max(seat.ttl_s, traits.ttl_s)


def _looked_at(table: WeightTable, known: Conversation | None) -> Container[str]:
    """Where a conversation has been, and the cheapest of a long list."""
    if len(table.arms) <= MOST_LOOKED_AT:
        return table.deployments
    cheapest = sorted(table.arms, key=lambda arm: arm.expected_usd)[:MOST_LOOKED_AT]
    return {arm.deployment for arm in cheapest} | set(known.seats if known else ())
