"""What stands between a list price and the bill: discounts, uplifts, fees, and other currencies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from math import prod

from windsock.core.model.ticks import Quote
from windsock.core.model.units import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A percentage on every list price of a deployment; it follows the feed.

    reason  discount, regional_uplift, gateway_fee
    share   added to the price: -0.15 is a discount of 15 %, 0.1 an uplift of 10 %; above -1
    source  where that is stated, in its owner's words; empty if nobody wrote it down
    """

    reason: str
    share: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRate:
    """What one unit of a currency is in US dollars, since `at` (unix s), as somebody stated it."""

    currency: str
    usd: Decimal
    at: float
    source: str = ""


def adjusted(quote: Quote, adjustments: Iterable[Adjustment]) -> Quote:
    """A list price as it is billed."""
    factor = prod((1 + each.share for each in adjustments), start=Decimal(1))
    return quote if factor == 1 else scaled(quote, factor)


def uplifted(quote: Quote, share: Decimal | None) -> Quote:
    """The worldwide price at a site that adds a share to it; None: it adds none."""
    return quote if share is None else scaled(quote, 1 + share)


def in_dollars(quote: Quote, rate: ExchangeRate | None) -> Quote:
    """A quote in another currency at a stated rate; without one it stays what it is."""
    if rate is None or quote.currency != rate.currency:
        return quote
    return replace(scaled(quote, rate.usd), currency="USD")


def scaled(quote: Quote, factor: Decimal) -> Quote:
    """Every price of a quote times `factor`."""
    return replace(
        quote,
        usd_per_mtok=_times(quote.usd_per_mtok, factor),
        tiers=tuple(replace(t, usd_per_mtok=_times(t.usd_per_mtok, factor)) for t in quote.tiers),
        windows=tuple(
            replace(w, usd_per_mtok=_times(w.usd_per_mtok, factor)) for w in quote.windows
        ),
        service_tiers={name: _times(p, factor) for name, p in quote.service_tiers.items()},
    )


def _times(prices: Prices, factor: Decimal) -> Prices:
    return {meter: (usd * factor).normalize() + 0 for meter, usd in prices.items()}
