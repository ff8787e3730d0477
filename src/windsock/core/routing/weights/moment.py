"""Prices and health of deployments at one moment."""

from __future__ import annotations

from math import nan

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.model.catalog import Catalog
from windsock.core.model.ticks import Quote
from windsock.core.model.units import MIX_METERS, Prices, unit_prices_usd
from windsock.core.pricing.consensus.timeline import Standing
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.pricing.schedule import flat_prices
from windsock.core.resilience.health import HealthBoard

UNPRICED = [nan] * (len(MIX_METERS) + 1)
"""Of what has no quote."""

UnitPrices = dict[str, tuple[Prices, list[float]]]
"""Prices by deployment, and the same by one unit, of those that are the same for every request."""


class Moment:
    """What is true of every cell of a solve, each thing asked for once; nothing moves meanwhile.

    now             unix s
    unit_prices     those of earlier moments
    """

    __slots__ = (
        "_book", "_catalog", "_dearer", "_health", "_out", "_plain", "_quoted", "_standing",
        "_unit_prices", "now",
    )  # fmt: skip

    def __init__(
        self,
        catalog: Catalog,
        book: PricesInForce,
        health: HealthBoard,
        now: float,
        unit_prices: UnitPrices,
    ) -> None:
        self.now = now
        self._catalog, self._book, self._health = catalog, book, health
        self._unit_prices = unit_prices
        self._standing: dict[str, Standing] = {}
        self._quoted: dict[str, tuple[Quote | None, float | None]] = {}
        self._plain: dict[tuple[str, ...], FloatArray | None] = {}
        self._dearer: dict[tuple[str, ...], tuple[float, ...]] = {}
        self._out: dict[str, str | None] = {}

    def standing(self, name: str) -> Standing:
        """What is to be thought of a price: provisional, dearer than stated, bounded."""
        known = self._standing.get(name)
        if known is None:
            known = self._standing[name] = self._book.standing(name, self.now)
        return known

    def dearer_by(self, names: tuple[str, ...]) -> tuple[float, ...]:
        """What prices should be taken to be above what is stated; empty if none should."""
        if names not in self._dearer:
            dearer = tuple(self.standing(name).dearer_by for name in names)
            self._dearer[names] = dearer if any(dearer) else ()
        return self._dearer[names]

    def quoted(self, name: str) -> tuple[Quote | None, float | None]:
        """The quote in force and its age in s."""
        known = self._quoted.get(name)
        if known is None:
            known = self._quoted[name] = self._book.quoted(name, self.now)
        return known

    def prices(self, name: str) -> Prices | None:
        """Flat prices by meter for one request of ordinary size; None without a quote."""
        quote = self.quoted(name)[0]
        return None if quote is None else flat_prices(quote, self.now)

    def unit_prices_usd(self, name: str, prompt_tokens: int, tier: str | None) -> list[float]:
        """The same by one unit of each meter of a mix, and a request; nan: unpriced."""
        quote = self.quoted(name)[0]
        if quote is None:
            return UNPRICED
        prices = flat_prices(quote, self.now, prompt_tokens=prompt_tokens, service_tier=tier)
        if prices is not quote.usd_per_mtok:
            return unit_prices_usd(prices)
        known = self._unit_prices.get(name)
        if known is None or known[0] is not prices:
            known = self._unit_prices[name] = prices, unit_prices_usd(prices)
        return known[1]

    def plain_prices_usd(self, names: tuple[str, ...]) -> FloatArray | None:
        """(names, meters) of these; None if the price of one hangs on the size of a request."""
        if names not in self._plain:
            quotes = [self.quoted(name)[0] for name in names]
            is_plain = not any(quote and (quote.tiers or quote.windows) for quote in quotes)
            rows = [self.unit_prices_usd(name, 0, None) for name in names] if is_plain else None
            self._plain[names] = None if rows is None else np.array(rows)
        return self._plain[names]

    def why_out(self, name: str) -> str | None:
        """Why it gets no traffic just now, or None."""
        if name not in self._out:
            provider = self._catalog.deployments[name].provider
            self._out[name] = self._health.why_out(name, provider, self.now)
        return self._out[name]
