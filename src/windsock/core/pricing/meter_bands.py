"""Doubts about the lesser meters: cached, reasoned, heard, seen, searched, and fees per request."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from windsock.core.model.ticks import Quote
from windsock.core.model.units import BILLED_AS, MAIN_METERS, MTOK, Meter, Prices, price_of
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import Doubt, Evidence

BANDS: Mapping[Meter, tuple[Decimal, Decimal]] = {
    Meter.CACHE_READ: (Decimal("0.004"), Decimal("1.5")),
    Meter.CACHE_WRITE: (Decimal("0.1"), Decimal(3)),
    Meter.CACHE_WRITE_1H: (Decimal("0.5"), Decimal(4)),
    Meter.REASONING: (Decimal("0.2"), Decimal(10)),
    Meter.AUDIO_INPUT: (Decimal("0.2"), Decimal(100)),
    Meter.AUDIO_OUTPUT: (Decimal("0.2"), Decimal(100)),
    Meter.IMAGE: (Decimal(0), Decimal(2)),
    Meter.REQUEST: (Decimal(0), Decimal("0.1")),
    Meter.WEB_SEARCH: (Decimal(0), Decimal("0.5")),
    Meter.WEB_SEARCH_LOW: (Decimal("0.2"), Decimal(2)),
    Meter.WEB_SEARCH_MEDIUM: (Decimal("0.5"), Decimal(3)),
    Meter.WEB_SEARCH_HIGH: (Decimal("0.5"), Decimal(5)),
    Meter.AUDIO_CACHED: (Decimal("0.2"), Decimal(40)),
    Meter.INPUT_SECOND: (Decimal(0), Decimal("0.1")),
    Meter.OUTPUT_SECOND: (Decimal(0), Decimal(5)),
    Meter.CACHE_STORAGE: (Decimal(0), Decimal("0.0001")),
    Meter.INPUT_CHARACTER: (Decimal(0), Decimal("0.001")),
}
"""What a meter may cost: times the meter it would else be billed as, or dollars each.

Sold in 2026: cached 0.0083 (deepseek-v4-pro) to 1, written 0.17 (with storage apart) to 1.25, for
an hour 1.6 of that, reasoning 0.375 (sonar-deep-research) to 5.8 (gemini-2.5-flash of April 2025),
audio 1 to 66 (gpt-4o-mini-audio), cached audio 1 to 20 times cached text, a request to $0.018, a
search to $0.05 (of low context 0.6, of high 1.5 times the medium one), a second of speech $0.0004,
of video $0.7, a token-hour $0.0000081 (gemini-2.5-pro, priority), a spoken character $0.00003.
"""

LESSER = tuple(BANDS)

SHORT_CALL = Decimal(1250)
"""Tokens of a small request, by which a fee that comes or goes is measured."""


def lesser_doubt(
    quote: Quote, ground: Evidence | None, pairs: Iterable[tuple[Prices, Prices]], rules: GuardRules
) -> Doubt | None:
    """What should be confirmed of the lesser meters, and what may be believed meanwhile.

    pairs   prices now and before at every size and service tier; none for a first price
    """
    last = ground.last if ground else None
    found: dict[Meter, Doubt] = {}
    for meter in LESSER:
        doubt = _off_band(meter, quote.usd_per_mtok, last)
        doubt = doubt or _moved(meter, pairs, ground, rules)
        if doubt is not None:
            found[meter] = doubt
    if not found:
        return None
    worst = max(found.values(), key=lambda each: each.polls or math.inf)
    return replace(worst, cautious=_cautious(quote, last, found))


def move_doubt(
    name: str, ratio: Decimal, ground: Evidence | None, rules: GuardRules
) -> Doubt | None:
    """Why a price that moved by this ratio, new over old, is not believed of one feed at once."""
    fall, rise = Decimal(str(rules.max_fall)), Decimal(str(rules.max_rise))
    if fall <= ratio <= rise:
        return None
    if ratio == 0:
        return Doubt(f"{name}becomes free")
    if ratio > rise:
        is_open = ratio <= Decimal(str(rules.highest_rise))
        reason = f"{name}rises {float(ratio):.3g} times at once"
        if is_open:
            return Doubt(reason, rules.rise_polls)
        is_unopposed = ground is not None and ground.is_unopposed
        return Doubt(reason, seconds=rules.uncontradicted_s if is_unopposed else 0.0)
    reason = f"{name}falls to {float(ratio):.3g} of the last price at once"
    if ratio < Decimal(str(rules.deepest_fall)):
        return Doubt(reason)
    if ground is not None and ground.is_contradicted:
        return Doubt(reason, rules.contradicted_polls, rules.contradicted_s)
    return Doubt(reason, rules.fall_polls)


def _off_band(meter: Meter, prices: Prices, last: Quote | None) -> Doubt | None:
    """Far from the meter that it would else be billed as; the same before excuses it."""
    if _is_in_band(meter, prices) or (last and not _is_in_band(meter, last.usd_per_mtok)):
        return None
    return Doubt(f"{meter} is priced far from what such a meter costs")


def _is_in_band(meter: Meter, prices: Prices) -> bool:
    if meter not in prices:
        return True
    low, high = BANDS[meter]
    unit = _unit(meter, prices)
    return not unit or low * unit <= prices[meter] <= high * unit


def _unit(meter: Meter, prices: Prices) -> Decimal:
    """What a band is times of: the price it would else have, or a dollar each."""
    other = BILLED_AS.get(meter)
    return MTOK if other is None else price_of(other, prices) or Decimal(0)


def _moved(
    meter: Meter, pairs: Iterable[tuple[Prices, Prices]], ground: Evidence | None, rules: GuardRules
) -> Doubt | None:
    """Farther than one feed alone is believed, at some size or service tier."""
    doubts = (move_doubt(f"{meter} ", each, ground, rules) for each in _ratios(meter, pairs))
    return next((doubt for doubt in doubts if doubt is not None), None)


def _ratios(meter: Meter, pairs: Iterable[tuple[Prices, Prices]]) -> Iterator[Decimal]:
    """New price over old, where both state it; a fee that comes or goes by a small request."""
    for now, was in pairs:
        if meter in now and was.get(meter):
            yield now[meter] / was[meter]
        elif meter is Meter.REQUEST:
            call = SHORT_CALL * sum(was[m] for m in MAIN_METERS) / 2
            fee, before = now.get(meter, Decimal(0)), was.get(meter, Decimal(0))
            if call and fee != before:
                yield (fee + call) / (before + call)


def _cautious(quote: Quote, last: Quote | None, found: Iterable[Meter]) -> Quote:
    """The quote with the last price of the meters in doubt, else the dearest plausible one."""
    prices = dict(quote.usd_per_mtok)
    for meter in found:
        stated = prices.pop(meter, None)
        if last is not None and meter in last.usd_per_mtok:
            prices[meter] = last.usd_per_mtok[meter]
        elif stated is not None and stated > (most := BANDS[meter][1] * _unit(meter, prices)):
            prices[meter] = most
    return replace(quote, usd_per_mtok=prices)
