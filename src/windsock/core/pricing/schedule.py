"""A quote as a function: what it bills at a moment and a prompt size, and when that changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from windsock.core.model.ticks import Quote, Window
from windsock.core.model.units import Prices

DAY_S = 86400
WEEK_DAYS = 8
CLOCK_CHANGE_S = 900
"""Zones change their clocks at full quarters of an hour."""


def flat_prices(
    quote: Quote, at: float, *, prompt_tokens: int = 0, service_tier: str | None = None
) -> Prices:
    """Prices by meter: base, then service tier, then prompt size, then the hour; later ones win."""
    if not (quote.tiers or quote.windows or service_tier):
        return quote.usd_per_mtok
    flat = dict(quote.usd_per_mtok)
    flat.update(quote.service_tiers.get(service_tier or "", {}))
    for tier in sorted(quote.tiers, key=lambda tier: tier.min_prompt_tokens):
        if prompt_tokens >= tier.min_prompt_tokens + tier.is_strict:
            flat.update(tier.usd_per_mtok)
    for window in quote.windows:
        bound = window.min_prompt_tokens
        if (not bound or prompt_tokens > bound) and is_open(window, at):
            flat.update(window.usd_per_mtok)
    return flat


def starts_at(quote: Quote) -> float:
    """Unix s from which it can be in force: known, and valid."""
    valid_from = quote.valid_from
    return quote.seen_at if valid_from is None else max(quote.seen_at, valid_from)


def is_expired(quote: Quote, at: float) -> bool:
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


def next_boundary(window: Window, after: float) -> float:
    """The next unix s at which the window opens or closes, or a quarter hour near a clock change.

    inf if it has no days.
    """
    zone = _zone(window.timezone)
    here = datetime.fromtimestamp(after, zone)
    if here.utcoffset() != (here + timedelta(days=2)).utcoffset():
        return (after // CLOCK_CHANGE_S + 1) * CLOCK_CHANGE_S
    return min((t for t in _boundaries(window, here.date(), zone) if t > after), default=math.inf)


def _boundaries(window: Window, today: date, zone: ZoneInfo) -> Iterator[float]:
    for offset in range(-1, WEEK_DAYS):
        day = today + timedelta(days=offset)
        if day.isoweekday() not in window.days:
            continue
        wraps = window.end_minute <= window.start_minute
        midnight = datetime.combine(day, time(), zone)
        for minute in (window.start_minute, window.end_minute + 1440 * wraps):
            yield (midnight + timedelta(minutes=minute)).timestamp()


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
