"""One base price, and every other meter and term from the best feed that agrees on the base.

The price in force is one feed's statement, and no feed states everything: one knows service tiers,
another what long prompts pay for the cache. Input, output and hours are those of the statement in
force; each other meter and term is that of the most trusted feed that states it and whose input and
output are the same, whatever the order they spoke in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.model.ticks import Quote, Tier
from windsock.core.model.units import (
    ANSWER_METERS,
    MAIN_METERS,
    MTOK,
    SEARCH_METERS,
    Meter,
    Prices,
)
from windsock.core.pricing.comparison import agrees
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import is_expired

PLAUSIBLE: dict[Meter, tuple[Decimal, Decimal]] = {
    Meter.CACHE_READ: (Decimal("0.01"), Decimal(1)),
    Meter.CACHE_WRITE: (Decimal("0.01"), Decimal(3)),
    Meter.CACHE_WRITE_1H: (Decimal("0.01"), Decimal(4)),
    Meter.REASONING: (Decimal("0.1"), Decimal(10)),
    Meter.AUDIO_INPUT: (Decimal("0.1"), Decimal(100)),
    Meter.AUDIO_OUTPUT: (Decimal("0.1"), Decimal(100)),
    Meter.AUDIO_CACHED: (Decimal("0.01"), Decimal(100)),
}
"""Least and most of input or output, of which it is a part: real ones lie 0.02 to 1 (cache read),
0.25 to 2 (writes), 0.4 to 4 (reasoning) and 0.4 to 53 (audio). Beyond, silence is believed more."""

MOST_USD_EACH: dict[Meter, Decimal] = {
    Meter.REQUEST: Decimal("0.05"),
    **dict.fromkeys(SEARCH_METERS, Decimal("0.2")),
    Meter.IMAGE: Decimal(1),
    Meter.INPUT_SECOND: Decimal("0.1"),
    Meter.OUTPUT_SECOND: Decimal(5),
    Meter.CACHE_STORAGE: Decimal("0.0001"),
}
"""Of what stands alone; the dearest real ones are 0.012, 0.05, 0.4, 0.0004, 0.7, 0.0000081."""


FEES = (Meter.REQUEST, *SEARCH_METERS)
"""What a call costs besides tokens; lists name it one way or another."""


def completed(base: Quote, statements: Sequence[Quote], rules: GuardRules, at: float) -> Quote:
    """The price in force with each meter and term from the best feed that agrees on its base.

    base        in force at `at` (unix s); of equal trust its own words stand
    returns     `base` itself if nothing is altered, or if it states no whole base
    """
    if any(meter not in base.usd_per_mtok for meter in MAIN_METERS):
        return base  # kept by a store of before; there is nothing to agree on
    speakers = sorted(
        [base, *_witnesses(base, statements, rules, at)],
        key=lambda each: (-each.trust, each is not base, each.feed),
    )
    whole = replace(base, usd_per_mtok=_main(base.usd_per_mtok), tiers=(), service_tiers={})
    for each in speakers:
        whole = _with(whole, each, Bounds(rules, is_own=each is base))
    return base if whole.same_price(base) else whole


def _witnesses(
    base: Quote, statements: Sequence[Quote], rules: GuardRules, at: float
) -> Sequence[Quote]:
    """Other feeds that say the same of input and output, not long before the last that spoke."""
    last_at = max((each.seen_at for each in statements), default=at)
    return [
        each
        for each in statements
        if each.feed != base.feed
        and not each.is_indirect
        and each.mode == base.mode
        and (each.valid_from is None or each.valid_from <= at)
        and last_at - each.seen_at <= rules.recent_s
        and not is_expired(each, at)
        and agrees(each, base, rules)
    ]


def _main(prices: Prices) -> Prices:
    return {meter: prices[meter] for meter in MAIN_METERS}


def _with(whole: Quote, speaker: Quote, bounds: Bounds) -> Quote:
    """`whole`, and where it is silent what `speaker` says."""
    prices = whole.usd_per_mtok
    return replace(
        whole,
        usd_per_mtok=bounds.filled(prices, _without_fees_known(prices, speaker), prices),
        tiers=_with_tiers(whole, speaker, bounds),
        service_tiers={
            name: bounds.filled(whole.service_tiers.get(name, {}), more, prices)
            for name, more in {**whole.service_tiers, **speaker.service_tiers}.items()
            if name in whole.service_tiers or bounds.is_near(more, prices)
        },
    )


def _without_fees_known(prices: Prices, speaker: Quote) -> Prices:
    """What a speaker says, without fees if another stated some: of a search model one list has a
    fee a request, another the same fee a search, and a third each size of it."""
    if not any(meter in prices for meter in FEES):
        return speaker.usd_per_mtok
    return {meter: usd for meter, usd in speaker.usd_per_mtok.items() if meter not in FEES}


def _with_tiers(whole: Quote, speaker: Quote, bounds: Bounds) -> tuple[Tier, ...]:
    """The sizes of one feed: another fills those of the same bound and price, adding none between.

    Bounds of two feeds mixed would be a price that nobody states. Two that are one token apart are
    one, which the more exact list has from where it begins.
    """
    prices = whole.usd_per_mtok
    stated = {_step(tier): tier for tier in _from_where(whole.tiers, speaker.tiers)}
    has_sizes = any(tier.service_tier is None for tier in whole.tiers)
    for tier in _from_where(speaker.tiers, whole.tiers):
        own = stated.get(_step(tier))
        if own is not None and bounds.is_same(own.usd_per_mtok, tier.usd_per_mtok):
            more = bounds.filled(own.usd_per_mtok, tier.usd_per_mtok, prices)
            stated[_step(tier)] = replace(own, usd_per_mtok=more)
        has_place = (_first(tier), None) in stated if tier.service_tier else not has_sizes
        if own is None and has_place and bounds.is_near(tier.usd_per_mtok, prices):
            stated[_step(tier)] = tier
    return tuple(stated.values())


def _from_where(tiers: Iterable[Tier], others: Iterable[Tier]) -> list[Tier]:
    """Tiers, each that begins one token after one of the others from there on."""
    firsts = {_first(other) for other in others}
    return [
        replace(tier, min_prompt_tokens=_first(tier) - 1, is_strict=False)
        if _first(tier) - 1 in firsts
        else tier
        for tier in tiers
    ]


def _first(tier: Tier) -> int:
    """The smallest prompt that reaches a tier, tokens."""
    return tier.min_prompt_tokens + tier.is_strict


def _step(tier: Tier) -> tuple[int, str | None]:
    return _first(tier), tier.service_tier


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is taken over from a feed; the words of the statement in force were judged before."""

    rules: GuardRules
    is_own: bool

    def filled(self, prices: Prices, more: Prices, base: Prices) -> dict[Meter, Decimal]:
        """Prices and, after them, those of meters that they lack, where they can be true."""
        term = {**base, **more}
        added = {m: usd for m, usd in more.items() if m not in prices}
        return {**prices, **{m: usd for m, usd in added.items() if self._can_be(m, usd, term)}}

    def is_near(self, term: Prices, base: Prices) -> bool:
        """True if input and output under a term are no further from the base than is known."""
        low, high = (Decimal(str(bound)) for bound in self.rules.override_ratios)
        stated = [meter for meter in MAIN_METERS if meter in term]
        return self.is_own or all(low * base[m] <= term[m] <= high * base[m] for m in stated)

    def is_same(self, one: Prices, other: Prices) -> bool:
        """True if both bill input and output alike, as far as both state them."""
        within = Decimal(str(self.rules.agree_within))
        shared = [meter for meter in MAIN_METERS if meter in one and meter in other]
        return all(abs(one[m] - other[m]) <= within * max(one[m], other[m]) for m in shared)

    def _can_be(self, meter: Meter, usd: Decimal, term: Prices) -> bool:
        if self.is_own or meter in MAIN_METERS:
            return True
        if meter in MOST_USD_EACH:
            return usd <= MOST_USD_EACH[meter] * MTOK
        whole = term[Meter.OUTPUT if meter in ANSWER_METERS else Meter.INPUT]
        least, most = PLAUSIBLE[meter]
        return least * whole <= usd <= most * whole
