"""A price laid out: what a request pays by prompt size, service tier and hour, and who says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from windsock.core.model.ticks import Quote
from windsock.core.model.units import BILLED_AS, Meter, Prices
from windsock.core.pricing.schedule import DAY_S, flat_prices, is_open, next_boundary

LAID_OUT_S = 8 * DAY_S
"""How far ahead hours are looked for: a whole week, and the day on which a clock changes."""

MOST_SPELLS = 200
"""Switches of windows looked at; no list states more than four a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """What requests of one size, service tier and hour pay.

    from_prompt_tokens  the smallest such prompt; the next line's ends it, 0 is from the smallest
    service_tier        None: served as usual
    open_windows        places in the quote's windows of those that are open; empty: outside all
    usd_per_mtok        by meter, of all meters that the quote prices
    feed_by_meter       who states it, in its most special term; None where no feed says the same
    """

    from_prompt_tokens: int
    service_tier: str | None
    open_windows: tuple[int, ...]
    usd_per_mtok: Prices
    feed_by_meter: Mapping[Meter, str | None]


class Term(NamedTuple):
    """Prices under a condition, as one part of a quote states them."""

    from_prompt_tokens: int
    service_tier: str | None
    window: int | None
    usd_per_mtok: Prices


class Place(NamedTuple):
    """Which requests a line is of."""

    from_prompt_tokens: int
    service_tier: str | None
    windows: tuple[int, ...]


Said = Sequence[tuple[str, Sequence[Term]]]
"""(feed, what it states) of those that agree, the first counts most."""


def price_lines(quote: Quote, speakers: Sequence[Quote], now: float) -> list[PriceLine]:
    """Every size, service tier and hour of a price in force at `now` (unix s).

    speakers    statements that agree with it, as its contract bills them, the first counts most
    """
    tiers = (None, *sorted(quote.service_tiers))
    own, said = list(terms(quote)), [(each.feed, list(terms(each))) for each in speakers]
    return [
        _line(quote, own, said, Place(size, tier, windows), at)
        for tier, (windows, at), size in product(tiers, spells(quote, now).items(), sizes(quote))
    ]


def sizes(quote: Quote) -> list[int]:
    """The smallest prompts from which another price holds, in tokens, from 0 on."""
    steps = {tier.min_prompt_tokens + tier.is_strict for tier in quote.tiers}
    steps |= {window.min_prompt_tokens + 1 for window in quote.windows if window.min_prompt_tokens}
    return sorted({0} | steps)


def spells(quote: Quote, now: float) -> dict[tuple[int, ...], float]:
    """A moment (unix s) of each set of windows that is ever open together, by their places."""
    found: dict[tuple[int, ...], float] = {}
    at = now
    for _ in range(MOST_SPELLS):
        found.setdefault(_open_at(quote, at), at)
        at = min((next_boundary(each, at) for each in quote.windows), default=now + LAID_OUT_S)
        if at >= now + LAID_OUT_S:
            break
    return dict(sorted(found.items()))


def _open_at(quote: Quote, at: float) -> tuple[int, ...]:
    return tuple(n for n, window in enumerate(quote.windows) if is_open(window, at))


def _line(quote: Quote, own: Sequence[Term], said: Said, place: Place, at: float) -> PriceLine:
    size, tier, windows = place
    prices = flat_prices(quote, at, prompt_tokens=size, service_tier=tier)
    holds = [term for term in own if _holds(term, place)]
    return PriceLine(
        from_prompt_tokens=size,
        service_tier=tier,
        open_windows=windows,
        usd_per_mtok=prices,
        feed_by_meter={meter: _source(meter, holds, said) for meter in prices},
    )


def terms(quote: Quote) -> Iterator[Term]:
    """What a quote states, from the most general part to the most special."""
    yield Term(0, None, None, quote.usd_per_mtok)
    for tier in sorted(quote.tiers, key=lambda each: each.min_prompt_tokens):
        if tier.service_tier is None:
            yield Term(tier.min_prompt_tokens + tier.is_strict, None, None, tier.usd_per_mtok)
    for place, window in enumerate(quote.windows):
        bound = window.min_prompt_tokens
        yield Term(bound + 1 if bound else 0, None, place, window.usd_per_mtok)
    for name, prices in quote.service_tiers.items():
        yield Term(0, name, None, prices)
    for tier in quote.tiers:
        if tier.service_tier is not None:
            bound = tier.min_prompt_tokens + tier.is_strict
            yield Term(bound, tier.service_tier, None, tier.usd_per_mtok)


def _holds(term: Term, place: Place) -> bool:
    is_hour = term.window is None or term.window in place.windows
    is_size = term.from_prompt_tokens <= place.from_prompt_tokens
    return is_hour and is_size and term.service_tier in (None, place.service_tier)


def _source(meter: Meter, holds: Sequence[Term], said: Said) -> str | None:
    """Whoever first states the most special term for a meter, or for what it is part of."""
    stated: Meter | None = meter
    while stated is not None:
        for term in reversed(holds):
            if stated in term.usd_per_mtok:
                return next((feed for feed, terms in said if _says(terms, term, stated)), None)
        stated = BILLED_AS.get(stated)
    return None


def _says(terms: Iterable[Term], wanted: Term, meter: Meter) -> bool:
    """True if one of these terms is this very price under this very condition."""
    usd, condition = wanted.usd_per_mtok[meter], wanted[:2]
    return any(
        term[:2] == condition
        and (term.window is None) == (wanted.window is None)
        and term.usd_per_mtok.get(meter) == usd
        for term in terms
    )
