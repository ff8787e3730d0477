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
    max_jump            beyond this ratio, either way, polls alone never release a quote
    disagree_beyond     a first quote further than this ratio from the trust-weighted median of
                        other feeds is held
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
    max_jump: float = 15.0
    disagree_beyond: float = 3.0
    agree_within: float = 0.02
    recent_s: float = 7 * 86400.0
    stale_s: float = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quote that is not believed yet.

    polls           equal polls so far
    needs_proof     polls do not release it, only a second feed, a bill or a person
    is_final        it is no price at all: only a person releases it
    """

    quote: Quote
    reason: str
    since: float
    polls: int = 1
    needs_proof: bool = False
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a quote should be confirmed; needs_proof: polls of the same feed are no confirmation."""

    reason: str
    needs_proof: bool = False


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


def suspicion(quote: Quote, last: Quote | None, rules: GuardRules) -> Doubt | None:
    """Why this quote should be confirmed before it is believed, or None."""
    base = quote.usd_per_mtok
    if _is_lopsided(base, rules) and (last is None or not _is_lopsided(last.usd_per_mtok, rules)):
        return Doubt(reason="output is priced far below input", needs_proof=True)
    if last is None:
        return None
    was = last.usd_per_mtok
    if base[Meter.INPUT] == was.get(Meter.CACHE_READ) != was[Meter.INPUT]:
        return Doubt(reason="input equals the last price of cached input", needs_proof=True)
    for meter in (Meter.INPUT, Meter.OUTPUT):
        doubt = _slip(meter, was[meter], base[meter], rules)
        if doubt is not None:
            return doubt
    return _jump(blended(was), blended(base), rules)


def disagreement(quote: Quote, others: Sequence[Quote], rules: GuardRules) -> Doubt | None:
    """Whether a first quote stands far from what other feeds say."""
    if not others:
        return None
    median = weighted_median([(blended(o.usd_per_mtok), o.trust) for o in others])
    mine = blended(quote.usd_per_mtok)
    if median == 0 or mine == 0:
        return None
    ratio = float(mine / median)
    if 1 / rules.disagree_beyond <= ratio <= rules.disagree_beyond:
        return None
    names = ", ".join(sorted({other.feed for other in others}))
    return Doubt(reason=f"is {ratio:.3g} times what {names} says", needs_proof=True)


def _slip(meter: Meter, was: Decimal, now: Decimal, rules: GuardRules) -> Doubt | None:
    """Ratios that hint at another unit or another currency."""
    if was == now or was == 0 or now == 0:
        return None
    ratio = float(now / was)
    power = math.log10(ratio)
    nearest = round(power)
    if nearest != 0 and abs(10 ** (power - nearest) - 1) < rules.slip_tolerance:
        return Doubt(
            reason=f"{meter} is {ratio:g} times the last price, a power of ten", needs_proof=True
        )
    low, high = rules.fx_ratios
    if low <= ratio <= high or low <= 1 / ratio <= high:
        return Doubt(
            reason=f"{meter} is {ratio:.3g} times the last price, like another currency",
            needs_proof=True,
        )
    return None


def _jump(was: Decimal, now: Decimal, rules: GuardRules) -> Doubt | None:
    """Moves that are large: a false fall draws traffic, so falls are large sooner than rises."""
    if was == now:
        return None
    if was == 0 or now == 0:
        return Doubt(reason="moves between free and paid")
    ratio = float(now / was)
    is_absurd = ratio > rules.max_jump or ratio < 1 / rules.max_jump
    if ratio > rules.max_rise:
        return Doubt(reason=f"rises {ratio:.3g} times at once", needs_proof=is_absurd)
    if ratio < rules.max_fall:
        return Doubt(reason=f"falls to {ratio:.3g} of the last price", needs_proof=is_absurd)
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
