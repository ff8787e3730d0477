"""Why a quote that may be a price should be confirmed before it is believed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from windsock.core.model.ticks import CHAT, Quote
from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.core.pricing.meter_bands import lesser_doubt, move_doubt
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import flat_prices
from windsock.core.pricing.validation import Doubt, Evidence


def suspicion(quote: Quote, ground: Evidence, rules: GuardRules) -> Doubt | None:
    """Why this quote should be confirmed before it is believed, or None."""
    last = ground.last
    reason = _misshapen(quote, last, rules)
    if reason is not None:
        return _grave(reason, quote, ground, rules)
    if last is None:
        reason = _lonely(quote, rules)
        dear = _grave(reason, quote, ground, rules) if reason else None
        return dear or lesser_doubt(quote, None, (), rules)
    slip = _unit_slip(quote, last, rules)
    if slip is not None:
        reason, is_once = slip
        return _grave(reason, quote, ground, rules, seconds=rules.slip_s if is_once else None)
    reason = _foreign(quote, last, rules) or _misplaced(quote, last, rules)
    reason = reason or _reshaped(quote, last, rules)
    if reason is not None:
        return _grave(reason, quote, ground, rules)
    pairs = list(_faces(quote, last))
    return _moved(quote, ground, pairs, rules) or lesser_doubt(quote, ground, pairs, rules)


def _faces(quote: Quote, last: Quote) -> Iterator[tuple[Prices, Prices]]:
    """Prices now and before: plainly, at each size, and in each service tier; no hours."""
    now, was = replace(quote, windows=()), replace(last, windows=())
    bounds = {tier.min_prompt_tokens + 1 for each in (now, was) for tier in each.tiers}
    for size in sorted({0, *bounds}):
        yield flat_prices(now, 0.0, prompt_tokens=size), flat_prices(was, 0.0, prompt_tokens=size)
    for name in sorted(now.service_tiers.keys() & was.service_tiers.keys()):
        yield flat_prices(now, 0.0, service_tier=name), flat_prices(was, 0.0, service_tier=name)


def _misshapen(quote: Quote, last: Quote | None, rules: GuardRules) -> str | None:
    """Suspicions that lie in the quote itself; the same shape before excuses it."""
    if _is_lopsided(quote, rules) and (last is None or not _is_lopsided(last, rules)):
        return "output is priced far below input, or far above it"
    return _far_from_base(quote, rules) or _odd_bound(quote, last, rules)


def _far_from_base(quote: Quote, rules: GuardRules) -> str | None:
    """An hour, a size or a service tier that is hardly of the same price list as the base."""
    by_ratios = (
        (rules.override_ratios, _overrides(quote)),
        (rules.service_ratios, quote.service_tiers.values()),
    )
    for (low, high), lists in by_ratios:
        for prices in lists:
            for meter in prices.keys() & quote.usd_per_mtok.keys():
                base = quote.usd_per_mtok[meter]
                if base and not low <= float(prices[meter] / base) <= high:
                    return f"{meter} at some hour or size is far from the base price"
    return None


def _odd_bound(quote: Quote, last: Quote | None, rules: GuardRules) -> str | None:
    """A size from which another price holds that is no size of a long prompt: 128 for 128k."""
    bounds = sorted(tier.min_prompt_tokens for tier in quote.tiers)
    least, most = rules.tier_tokens
    if any(bound and not least <= bound <= most for bound in bounds):
        return "another price holds from a prompt size that nobody sells by"
    known = sorted(tier.min_prompt_tokens for tier in last.tiers) if last else []
    if len(known) == len(bounds) and any(
        one and other and not 1 / rules.max_rise <= one / other <= rules.max_rise
        for one, other in zip(bounds, known, strict=True)
    ):
        return "the prompt size from which another price holds has moved far"
    return None


def _is_lopsided(quote: Quote, rules: GuardRules) -> bool:
    if quote.mode != CHAT:
        return False
    given, got = (float(quote.usd_per_mtok[meter]) for meter in MAIN_METERS)
    return got < rules.least_output_ratio * given or (0 < given < got / rules.most_output_ratio)


def _overrides(quote: Quote) -> Iterable[Prices]:
    yield from (tier.usd_per_mtok for tier in quote.tiers)
    yield from (window.usd_per_mtok for window in quote.windows)


def _grave(
    reason: str,
    quote: Quote,
    ground: Evidence,
    rules: GuardRules,
    seconds: float | None = None,
) -> Doubt:
    """What looks like an error stands only after a long time, and if nobody contradicts it.

    Unless it mends one: lists take back slips of units by moves that look like slips themselves.

    seconds     how long; None: `uncontradicted_s`
    """
    if not ground.is_unopposed or any(not quote.usd_per_mtok[meter] for meter in MAIN_METERS):
        return Doubt(reason)
    if ground.is_mending:
        return Doubt(reason, rules.fall_polls)
    return Doubt(reason, seconds=rules.uncontradicted_s if seconds is None else seconds)


def _lonely(quote: Quote, rules: GuardRules) -> str | None:
    """A first price is measured by what was ever sold; other feeds outvote it."""
    is_dear = any(
        quote.usd_per_mtok[meter] > most
        for meter, most in zip(MAIN_METERS, rules.dear_usd_per_mtok, strict=True)
    )
    return "is dearer than anything sold so far" if is_dear else None


def _ratios(quote: Quote, last: Quote) -> tuple[float, float] | None:
    """New over old of input and of output; None unless both are above 0."""
    one, other = (_ratio(quote.usd_per_mtok, last.usd_per_mtok, meter) for meter in MAIN_METERS)
    return None if one is None or other is None else (one, other)


def _unit_slip(quote: Quote, last: Quote, rules: GuardRules) -> tuple[str, bool] | None:
    """Both meters off by one power of ten, or one alone; True if both by ten."""
    ratios = _ratios(quote, last)
    if ratios is None:
        return None
    one, other = ratios
    powers = {_power_of_ten(one, rules), _power_of_ten(other, rules)}
    if powers != {0} and (len(powers) == 1 or _is_still(one) or _is_still(other)):
        is_once = powers in ({-1}, {1})
        return f"is {_far(one, other):.3g} times the last price, a power of ten", is_once
    return None


def _foreign(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """An amount in another currency: both meters off by its rate."""
    ratios = _ratios(quote, last)
    if ratios is None:
        return None
    one, other = ratios
    low, high = rules.fx_ratios
    if low <= min(one, other) <= max(one, other) <= high or (
        low <= 1 / max(one, other) <= 1 / min(one, other) <= high
    ):
        return f"is {one:.3g} times the last price, like an amount in another currency"
    return None


def _misplaced(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """A price in another meter's place; models whose input and output cost about the same may."""
    now, was = quote.usd_per_mtok, last.usd_per_mtok
    cached = {p[Meter.CACHE_READ] for p in (now, was) if Meter.CACHE_READ in p}
    given, got = now[Meter.INPUT], now[Meter.OUTPUT]
    if given < was[Meter.INPUT] and given in cached:
        return "input is priced like cached input"
    if got < was[Meter.OUTPUT] and got in cached:
        return "output is priced like cached input"
    fall = Decimal(str(rules.max_fall))
    if was[Meter.INPUT] < fall * was[Meter.OUTPUT] and 0 < got == given < fall * was[Meter.OUTPUT]:
        return "output is priced like input"
    return None


def _reshaped(quote: Quote, last: Quote, rules: GuardRules) -> str | None:
    """One meter fell far and the other did not follow; a shape that was odd may be mended so."""
    ratios = _ratios(quote, last)
    if ratios is None or quote.mode != CHAT or _is_lopsided(last, rules):
        return None
    low, high = sorted(ratios)
    if low < rules.max_fall and high > rules.most_apart * low:
        return "one of input and output fell far more than the other"
    return None


def _moved(
    quote: Quote, ground: Evidence, pairs: Iterable[tuple[Prices, Prices]], rules: GuardRules
) -> Doubt | None:
    """Falls at any hour, size and service tier, and within a day; rises at any size and tier."""
    befores = [before for before in (ground.last, ground.anchor) if before is not None]
    falls = [
        _lowest(quote, meter) / was
        for meter in MAIN_METERS
        for before in befores
        if (was := _lowest(before, meter))
    ]
    ratios = [now[m] / was[m] for now, was in pairs for m in MAIN_METERS if was[m]]
    lowest, highest = min([*falls, *ratios], default=Decimal(1)), max(ratios, default=Decimal(1))
    fallen = move_doubt("", lowest, ground, rules) if lowest < 1 else None
    return fallen or (move_doubt("", highest, ground, rules) if highest > 1 else None)


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
