"""Why a quote that may be a price should be confirmed before it is believed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from windsock.core.model.ticks import CHAT, Quote
from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.core.pricing.comparison import blended
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import Doubt, Evidence

JUDGED = (Meter.INPUT, Meter.OUTPUT, Meter.CACHE_READ)
"""Meters whose falls are measured."""


def suspicion(quote: Quote, ground: Evidence, rules: GuardRules) -> Doubt | None:
    """Why this quote should be confirmed before it is believed, or None."""
    last = ground.last
    reason = _misshapen(quote, last, rules)
    if reason is not None:
        return Doubt(reason)
    if last is None:
        return _lonely(quote, ground, rules)
    reason = _slipped(quote, last, rules) or _misplaced(quote, last, rules)
    if reason is not None:
        return Doubt(reason)
    return _fallen(quote, ground, rules) or _risen(quote, last, rules)


def _misshapen(quote: Quote, last: Quote | None, rules: GuardRules) -> str | None:
    """Suspicions that lie in the quote itself; the same shape before excuses it."""
    if _is_lopsided(quote, rules) and (last is None or not _is_lopsided(last, rules)):
        return "output is priced far below input, or far above it"
    low, high = rules.override_ratios
    for prices in _overrides(quote):
        for meter in MAIN_METERS:
            base = quote.usd_per_mtok[meter]
            if base and meter in prices and not low <= float(prices[meter] / base) <= high:
                return f"{meter} at some hour or size is far from the base price"
    return None


def _is_lopsided(quote: Quote, rules: GuardRules) -> bool:
    if quote.mode != CHAT:
        return False
    given, got = (float(quote.usd_per_mtok[meter]) for meter in MAIN_METERS)
    return got < rules.least_output_ratio * given or (0 < given < got / rules.most_output_ratio)


def _overrides(quote: Quote) -> Iterable[Prices]:
    yield from (tier.usd_per_mtok for tier in quote.tiers)
    yield from (window.usd_per_mtok for window in quote.windows)
    yield from quote.service_tiers.values()


def _lonely(quote: Quote, ground: Evidence, rules: GuardRules) -> Doubt | None:
    """A first price has only other feeds, and what was ever sold, to be measured by."""
    price = blended(quote.usd_per_mtok)
    if ground.elsewhere is None:
        is_dear = any(
            quote.usd_per_mtok[meter] > most
            for meter, most in zip(MAIN_METERS, rules.dear_usd_per_mtok, strict=True)
        )
        return Doubt("is dearer than anything sold so far") if is_dear else None
    if not price or not ground.elsewhere:
        return None
    ratio = float(price / ground.elsewhere)
    bound = rules.alone_ratios[0 if ground.is_elsewhere_direct else 1]
    if _power_of_ten(ratio, rules):
        return Doubt(f"is {ratio:.3g} times what other feeds say, a power of ten")
    if not 1 / bound <= ratio <= bound:
        return Doubt(f"is {ratio:.3g} times what other feeds say", rules.contradicted_polls)
    return None


def _slipped(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """Units or currencies: both meters off by one factor, or one by a power of ten alone."""
    ratios = [_ratio(quote.usd_per_mtok, last.usd_per_mtok, meter) for meter in MAIN_METERS]
    if None in ratios:
        return None
    one, other = (ratio for ratio in ratios if ratio is not None)
    powers = {_power_of_ten(one, rules), _power_of_ten(other, rules)}
    if powers != {0} and (len(powers) == 1 or _is_still(one) or _is_still(other)):
        return f"is {_far(one, other):.3g} times the last price, a power of ten"
    low, high = rules.fx_ratios
    if low <= min(one, other) <= max(one, other) <= high or (
        low <= 1 / max(one, other) <= 1 / min(one, other) <= high
    ):
        return f"is {one:.3g} times the last price, like an amount in another currency"
    return None


def _misplaced(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """A price in another meter's place."""
    now, was = quote.usd_per_mtok, last.usd_per_mtok
    cached = {p[Meter.CACHE_READ] for p in (now, was) if Meter.CACHE_READ in p}
    given, got = now[Meter.INPUT], now[Meter.OUTPUT]
    if given < was[Meter.INPUT] and given in cached:
        return "input is priced like cached input"
    if got < was[Meter.OUTPUT] and got in cached:
        return "output is priced like cached input"
    if got < Decimal(str(rules.max_fall)) * was[Meter.OUTPUT] and 0 < got == given:
        return "output is priced like input"
    return None


def _fallen(quote: Quote, ground: Evidence, rules: GuardRules) -> Doubt | None:
    last = ground.last
    if last is None:
        return None
    falls = [
        _lowest(quote, meter) / was
        for meter in JUDGED
        for before in (last, ground.anchor or last)
        if (was := _lowest(before, meter)) and meter in quote.usd_per_mtok
    ]
    ratio = float(min(falls, default=Decimal(1)))
    if ratio == 0:
        return Doubt("becomes free")
    if ratio < rules.deepest_fall:
        return Doubt(f"falls to {ratio:.3g} of the last price at once")
    if ratio < rules.max_fall:
        polls = rules.contradicted_polls if ground.is_contradicted else rules.fall_polls
        return Doubt(f"falls to {ratio:.3g} of the last price at once", polls)
    return None


def _risen(quote: Quote, last: Quote, rules: GuardRules) -> Doubt | None:
    ratios = [_ratio(quote.usd_per_mtok, last.usd_per_mtok, meter) for meter in MAIN_METERS]
    ratio = max((each for each in ratios if each is not None), default=1.0)
    if ratio > rules.highest_rise:
        return Doubt(f"rises {ratio:.3g} times at once")
    if ratio > rules.max_rise:
        return Doubt(f"rises {ratio:.3g} times at once", rules.rise_polls)
    return None


def _lowest(quote: Quote, meter: Meter) -> Decimal:
    """The least this meter costs at any hour and size; 0 if it is not stated."""
    stated = [quote.usd_per_mtok]
    stated += [tier.usd_per_mtok for tier in quote.tiers]
    stated += [window.usd_per_mtok for window in quote.windows]
    return min((prices[meter] for prices in stated if meter in prices), default=Decimal(0))


def _ratio(now: Prices, was: Prices, meter: Meter) -> float | None:
    return float(now[meter] / was[meter]) if was[meter] and now[meter] else None


def _power_of_ten(ratio: float, rules: GuardRules) -> int:
    """k if the ratio is nearly 10 to the k, else 0."""
    k = round(math.log10(ratio))
    return k if abs(ratio / 10.0**k - 1) < rules.slip_tolerance else 0


def _is_still(ratio: float) -> bool:
    return abs(ratio - 1) < 0.01


def _far(one: float, other: float) -> float:
    return max(one, other, key=lambda ratio: abs(math.log(ratio)))
