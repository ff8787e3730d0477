"""Which quotes are believed. A held quote keeps the last good price in force."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from windsock.core.quotes import Quote
from windsock.core.units import Meter, Prices

TOKEN_METERS = frozenset(Meter) - {Meter.IMAGE, Meter.REQUEST, Meter.WEB_SEARCH}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRules:
    """When a quote is believed at once, and what releases one that is not.

    least_usd_per_mtok, most_usd_per_mtok   absolute band of a token price; catches per-thousand
                        and per-token figures in a per-million field
    max_rise            a rise up to this ratio is believed from one feed: a false rise only loses
                        savings, and it is undone by the next quote
    max_fall            a fall down to this ratio is believed from one feed; a false fall draws
                        traffic, hence the narrower bound
    least_output_ratio  output below this share of input hints at swapped or cached prices
    slip_tolerance      how near to a power of ten counts as a slip of units
    fx_ratios           ratios to the last price that hint at an amount in another currency
    confirm_polls       equal polls in a row that release a held quote
    agree_within        two feeds agree when their blended prices differ by less than this share
    recent_s            a price in force this recently may come back at once
    stale_s             a price that no feed confirmed for this long is shown as stale
    """

    least_usd_per_mtok: Decimal = Decimal("0.001")
    most_usd_per_mtok: Decimal = Decimal(1000)
    max_rise: float = 5.0
    max_fall: float = 0.5
    least_output_ratio: float = 0.5
    slip_tolerance: float = 0.05
    fx_ratios: tuple[float, float] = (6.5, 7.4)
    confirm_polls: int = 3
    agree_within: float = 0.02
    recent_s: float = 7 * 86400.0
    stale_s: float = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quote that is not believed yet.

    polls       equal polls so far
    is_final    no number of polls releases it, only a person
    """

    quote: Quote
    reason: str
    since: float
    polls: int = 1
    is_final: bool = False


def fault(quote: Quote, rules: GuardRules) -> str | None:
    """Why this quote cannot be a price at all, or None."""
    if quote.currency != "USD":
        return f"stated in {quote.currency}, not in USD"
    if Meter.INPUT not in quote.usd_per_mtok or Meter.OUTPUT not in quote.usd_per_mtok:
        return "states no price for input or for output"
    for prices in _all_prices(quote):
        for meter, price in prices.items():
            reason = _meter_fault(meter, price, quote.zero_reason, rules)
            if reason is not None:
                return reason
    return None


def suspicion(quote: Quote, last: Quote | None, rules: GuardRules) -> str | None:
    """Why this quote should be confirmed before it is believed, or None."""
    base = quote.usd_per_mtok
    if _is_lopsided(base, rules) and (last is None or not _is_lopsided(last.usd_per_mtok, rules)):
        return "output is priced far below input"
    if last is None:
        return None
    was, now = blended(last.usd_per_mtok), blended(base)
    if was == now:
        return None
    if was == 0 or now == 0:
        return "moves between free and paid"
    ratio = float(now / was)
    slip = math.log10(ratio)
    if round(slip) != 0 and abs(10 ** (slip - round(slip)) - 1) < rules.slip_tolerance:
        return f"is {ratio:g} times the last price, a power of ten"
    low, high = rules.fx_ratios
    if low <= ratio <= high or low <= 1 / ratio <= high:
        return f"is {ratio:.3g} times the last price, like an amount in another currency"
    if base[Meter.INPUT] == last.usd_per_mtok.get(Meter.CACHE_READ):
        return "input equals the last price of cached input"
    if ratio > rules.max_rise:
        return f"rises {ratio:.3g} times at once"
    if ratio < rules.max_fall:
        return f"falls to {ratio:.3g} of the last price at once"
    return None


def shrunk(previous_count: int, count: int, *, least_share: float = 0.5) -> bool:
    """True if a feed lists less than half of what it listed before: refuse the whole poll."""
    return count < previous_count * least_share


def blended(prices: Prices) -> Decimal:
    """Three parts input to one part output, USD per million tokens."""
    return (3 * prices[Meter.INPUT] + prices[Meter.OUTPUT]) / 4


def agrees(one: Quote, other: Quote, rules: GuardRules) -> bool:
    a, b = blended(one.usd_per_mtok), blended(other.usd_per_mtok)
    return a == b or abs(a - b) <= Decimal(str(rules.agree_within)) * max(a, b)


def weighted_median(values: Sequence[tuple[Decimal, float]]) -> Decimal:
    """The value at half of the total weight; `values` are (value, weight), not empty."""
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    for value, weight in ordered:
        half -= weight
        if half <= 0:
            return value
    return ordered[-1][0]


def _all_prices(quote: Quote) -> Iterable[Prices]:
    yield quote.usd_per_mtok
    for tier in quote.tiers:
        yield tier.usd_per_mtok
    for window in quote.windows:
        yield window.usd_per_mtok
    yield from quote.service_tiers.values()


def _meter_fault(
    meter: Meter, price: Decimal, zero_reason: str | None, rules: GuardRules
) -> str | None:
    if not price.is_finite():
        return f"{meter} is not a finite number"
    if price < 0:
        return f"{meter} is negative ({price}), which stands for a dynamic price"
    if meter not in TOKEN_METERS:
        return None
    if price == 0:
        is_free_meter = meter not in (Meter.INPUT, Meter.OUTPUT)
        return None if zero_reason or is_free_meter else f"{meter} is 0 without a reason"
    if price < rules.least_usd_per_mtok:
        return f"{meter} is ${price} per million, below ${rules.least_usd_per_mtok}"
    if price > rules.most_usd_per_mtok:
        return f"{meter} is ${price} per million, above ${rules.most_usd_per_mtok}"
    return None


def _is_lopsided(prices: Prices, rules: GuardRules) -> bool:
    least = Decimal(str(rules.least_output_ratio))
    return prices[Meter.OUTPUT] < least * prices[Meter.INPUT]
