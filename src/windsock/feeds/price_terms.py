"""The terms of a price as a mapping states them: meters, and the hours at which others hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from windsock.core.model.ticks import EVERY_DAY, Window
from windsock.core.model.units import STANDALONE, Meter
from windsock.feeds.definition import USD_PER_MTOK

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of ISO weekdays, from 1."""


def meters(entry: Mapping[str, Any], factor: Decimal) -> dict[Meter, Decimal]:
    """The prices that a row states, USD per million.

    factor  what one unit of the feed's token prices is in USD per million; what stands alone is
            stated per single unit by every feed
    raises  decimal.InvalidOperation for what is no number
    """
    prices = {}
    for meter in Meter:
        value = entry.get(meter.value)
        if value is None or value == "":
            continue
        scale = USD_PER_MTOK["usd/token"] if meter in STANDALONE else factor
        prices[meter] = (Decimal(str(value)) * scale).normalize() + 0
    return prices


def windows(window: Mapping[str, Any], factor: Decimal, seen_at: float) -> list[Window]:
    """One window, or its pieces before and after midnight where another zone counts its days."""
    stated = Window(
        days=frozenset(_weekday(day) for day in window["days"])
        if window.get("days")
        else EVERY_DAY,
        start_minute=_minute(window["start"]),
        end_minute=_minute(window["end"]),
        timezone=str(window.get("timezone") or "UTC"),
        min_prompt_tokens=int(window.get("min_prompt_tokens") or 0),
        usd_per_mtok=meters(window, factor),
    )
    if window.get("days_timezone"):
        return _by_days_of(stated, str(window["days_timezone"]), seen_at)
    return [stated]


def _by_days_of(window: Window, zone: str, seen_at: float) -> list[Window]:
    """The same hours told in `zone`, cut at its midnight: the day is the one of the moment."""
    here, there = (
        datetime.fromtimestamp(seen_at, ZoneInfo(name)).utcoffset() or timedelta()
        for name in (window.timezone, zone)
    )
    shift = int((there - here).total_seconds() // 60)
    start, end = (window.start_minute + shift) % 1440, (window.end_minute + shift) % 1440
    if start < end:
        spans = [(start, end)]
    else:
        spans = [span for span in ((start, 1440), (0, end)) if span[0] < span[1]]
    return [
        replace(window, start_minute=first, end_minute=last, timezone=zone) for first, last in spans
    ]


def _minute(clock: Any) -> int:
    """Minute of the day from 1030 (10:30) or from "10:30"; 24:00 is 1440."""
    if isinstance(clock, str) and ":" in clock:
        hour, minute = clock.split(":")[:2]
        return int(hour) * 60 + int(minute)
    hours, minutes = divmod(int(clock), 100)
    return hours * 60 + minutes


def _weekday(day: Any) -> int:
    return WEEKDAYS.index(day.lower()) + 1 if isinstance(day, str) else int(day)
