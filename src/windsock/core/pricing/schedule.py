"""A quote as a function: what it bills at a moment and a prompt size, and when that changes.

Terms multiply: half price for waiting stays half price for a long prompt and at night. A feed that
states the price under two terms together (a `Tier` with a service tier, a `Window` with a bound)
has the last word on it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from windsock.core.model.ticks import EVERY_DAY, Quote, Tier, Window
from windsock.core.model.units import BILLED_AS, Meter, Prices, price_of

DAY_S = 86400
DAY_MINUTES = 1440
OTHER_NAMES = {"fast": "priority"}
"""A service tier's older name, where a list knows only that: OpenAI renamed it on 2026-07-30, and
takes both."""

LONGEST_SPELL_S = 21 * DAY_S
"""No window that changes at all stays as it is for longer: once a week, were its day or hour
skipped by the clock, it waits for the next."""


def flat_prices(
    quote: Quote, at: float, *, prompt_tokens: int = 0, service_tier: str | None = None
) -> Prices:
    """Prices by meter at unix s `at`: the base times the ratios of every term that holds."""
    tier = tier_in(quote, service_tier) if service_tier else None
    if not (quote.tiers or quote.windows or tier):
        return quote.usd_per_mtok
    base = quote.usd_per_mtok
    served = whole(quote.service_tiers.get(tier or "", {}), base)
    sized = whole(_merged(_sizes(quote, prompt_tokens, None)), base)
    sized |= _hours(quote, at, lambda bound: 0 < bound < prompt_tokens)
    flat = times(times(base, served, base), sized, base)
    if tier:
        flat |= _merged(_sizes(quote, prompt_tokens, tier))
    return times(flat, _hours(quote, at, lambda bound: bound == 0), base)


def tier_in(quote: Quote, service_tier: str | None) -> str | None:
    """The name under which a quote has prices of a service tier; None if it has none."""
    names = (service_tier, OTHER_NAMES.get(service_tier or ""))
    return next((name for name in names if name in quote.service_tiers), None)


def starts_at(quote: Quote) -> float:
    """Unix s from which it can be in force: known, and valid."""
    valid_from = quote.valid_from
    return quote.seen_at if valid_from is None else max(quote.seen_at, valid_from)


def is_expired(quote: Quote, at: float) -> bool:
    """True from `valid_until` on; `at` in unix s."""
    return quote.valid_until is not None and quote.valid_until <= at


def is_open(window: Window, at: float) -> bool:
    """True if the recurring window holds at this moment; its days are those on which it opens."""
    minute, today = _local(window.timezone, at)
    start, end = window.start_minute, window.end_minute
    if start < end:
        return today in window.days and start <= minute < end
    yesterday = (today - 2) % 7 + 1
    return (today in window.days and minute >= start) or (yesterday in window.days and minute < end)


def next_moment(quote: Quote, after: float) -> float:
    """The next unix s at which the clock alone changes what it bills; inf if never."""
    bounds = [t for t in (quote.valid_from, quote.valid_until) if t is not None and t > after]
    bounds += [next_boundary(window, after) for window in quote.windows]
    return min(bounds, default=math.inf)


def next_of(accepted: Sequence[Quote], after: float) -> float:
    """The next unix s at which the clock alone changes the price; inf if never.

    accepted    in order of `starts_at`; those before the one that ends no more play no part
    """
    moment = math.inf
    for quote in reversed(accepted):
        moment = min(moment, next_moment(quote, after))
        if starts_at(quote) <= after and quote.valid_until is None:
            break
    return moment


def next_boundary(window: Window, after: float) -> float:
    """The first unix s after `after` at which `is_open` says otherwise than at `after`.

    The clock of the zone may skip or repeat what the window names; inf if it never changes.
    """
    if _never_changes(window):
        return math.inf
    is_open_now, at = is_open(window, after), after
    while at < after + LONGEST_SPELL_S:
        at = _next_step(window, at)
        if is_open(window, at) is not is_open_now:
            return at
    return math.inf


def _never_changes(window: Window) -> bool:
    is_whole_day = (window.end_minute - window.start_minute) % DAY_MINUTES == 0
    return not window.days or (is_whole_day and window.days >= EVERY_DAY)


def _next_step(window: Window, at: float) -> float:
    """The next unix s at which a wall clock of the zone shows a bound, or is itself changed."""
    second = math.floor(at)  # whole, as all bounds: a sum of fractions could stop short of one
    offset_s = _offset_s(window.timezone, second)
    bounds = (window.start_minute * 60, window.end_minute * 60)
    step = second + min((bound - second - offset_s) % DAY_S or DAY_S for bound in bounds)
    if _offset_s(window.timezone, step) == offset_s:
        return float(step)
    return float(_clock_change(window.timezone, second, step))


def _clock_change(timezone: str, before: int, after: int) -> int:
    """The unix s in (before, after] at which the zone's distance from UTC changes; there is one."""
    offset_s = _offset_s(timezone, before)
    seconds = range(before, after + 1)
    return seconds[bisect_left(seconds, True, key=lambda s: _offset_s(timezone, s) != offset_s)]


def _offset_s(timezone: str, at: float) -> int:
    """Seconds that the wall clock of a zone is ahead of UTC."""
    if timezone == "UTC":
        return 0
    return int(
        (datetime.fromtimestamp(at, _zone(timezone)).utcoffset() or timedelta()).total_seconds()
    )


def _local(timezone: str, at: float) -> tuple[int, int]:
    """(minute of the day, ISO weekday) in a zone."""
    if timezone == "UTC":
        days, second = divmod(at, DAY_S)
        return int(second // 60), int(days + 3) % 7 + 1
    local = datetime.fromtimestamp(at, UTC).astimezone(_zone(timezone))
    return local.hour * 60 + local.minute, local.isoweekday()


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def times(prices: Prices, term: Prices, base: Prices) -> dict[Meter, Decimal]:
    """`prices`, each times the ratio of the term's price to the base price of its meter.

    What the base bills as another meter, or for nothing, costs under the term what the term says.
    """
    flat = dict(prices)
    for meter, usd in term.items():
        was, now = price_of(meter, base), price_of(meter, prices)
        flat[meter] = usd if not was or now is None or now == was else now * usd / was
    return flat


def whole(term: Prices, base: Prices) -> dict[Meter, Decimal]:
    """A term with what it is silent about: lesser meters move as the one that they are part of.

    A list that doubles input above 200,000 tokens and names no cached price doubles that too.
    """
    full = dict(term)
    for meter, parent in BILLED_AS.items():  # parents before their parts
        usd, was = full.get(parent), price_of(parent, base)
        if meter in base and meter not in full and usd is not None and was:
            full[meter] = base[meter] * usd / was
    return full


def _sizes(quote: Quote, prompt_tokens: int, service_tier: str | None) -> Iterator[Tier]:
    """The tiers that a prompt of this size has reached, from the smallest bound on."""
    for tier in sorted(quote.tiers, key=lambda tier: tier.min_prompt_tokens):
        is_reached = prompt_tokens >= tier.min_prompt_tokens + tier.is_strict
        if is_reached and tier.service_tier == service_tier:
            yield tier


def _merged(tiers: Iterator[Tier]) -> dict[Meter, Decimal]:
    return {meter: usd for tier in tiers for meter, usd in tier.usd_per_mtok.items()}


def _hours(quote: Quote, at: float, fits: Callable[[int], bool]) -> dict[Meter, Decimal]:
    """Prices of the open windows whose bound on prompts fits; later ones win."""
    return {
        meter: usd
        for window in quote.windows
        if fits(window.min_prompt_tokens) and is_open(window, at)
        for meter, usd in window.usd_per_mtok.items()
    }
