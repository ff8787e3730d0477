"""The terms of a price as a mapping states them: meters, and the hours at which others hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from windsock.core.model.ticks import EVERY_DAY, Window
from windsock.core.model.units import STANDALONE, Meter, is_writable
from windsock.feeds.definition import USD_PER_MTOK
from windsock.resources.hours import minute_of_day, time_zone, weekday

DOLLARS = re.compile(r"^\s*(?:us)?\s?\$|\s?(?:usd|\$)\s*$", re.IGNORECASE)
CURRENCIES = {"$": "USD", "US$": "USD", "DOLLARS": "USD", "RMB": "CNY", "CN¥": "CNY", "¥": "CNY",
              "￥": "CNY", "元": "CNY", "YUAN": "CNY", "€": "EUR", "£": "GBP"}  # fmt: skip
"""Marks and words for currencies, in capitals. A ¥ may be yen as well: it is no dollar."""

UNREAD = "? "
"""Before the reason, in place of a price that could not be told from its cell."""


def meters(entry: Mapping[str, Any], factor: Decimal) -> dict[Meter, Decimal]:
    """The prices that a row states, USD per million.

    factor  what one unit of the feed's token prices is in USD per million; what stands alone is
            stated per single unit by every feed
    raises  decimal.InvalidOperation for what is no number, ValueError for one that is no price
    """
    prices = {}
    for meter in Meter:
        value = entry.get(meter.value)
        if value is None or value == "":
            continue
        scale = USD_PER_MTOK["usd/token"] if meter in STANDALONE else factor
        price = _number(str(value))
        if not is_writable(price):
            raise ValueError(f"{meter} is {price:.3}, which is no price")
        prices[meter] = (price * scale).normalize() + 0
    return prices


def _number(text: str) -> Decimal:
    """As JSON and tables write one, also with the dollar's mark; Decimal reads 3_0 and digits of
    any script besides."""
    if text.startswith(UNREAD):
        raise ValueError(text.removeprefix(UNREAD))
    text = DOLLARS.sub("", text)
    if "_" in text or not text.isascii():
        raise InvalidOperation
    return Decimal(text)


def currency_of(stated: str) -> str:
    """Its code, also where a mark or a word stands for it."""
    name = stated.strip().upper()
    return CURRENCIES.get(name, name)


def share_of(stated: Any) -> Decimal:
    """A share of 0..1 as a number or in percent; raises ValueError for what is none."""
    text = str(stated or 0).strip()
    share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not 0 <= share <= 1:
        raise ValueError(f"the discount {text} is no share of 0 to 1")
    return share


def windows(window: Mapping[str, Any], factor: Decimal, seen_at: float) -> list[Window]:
    """One window, or its pieces before and after midnight where another zone counts its days."""
    stated = Window(
        days=frozenset(weekday(day) for day in window["days"]) if window.get("days") else EVERY_DAY,
        start_minute=minute_of_day(window["start"]),
        end_minute=minute_of_day(window["end"]),
        timezone=time_zone(str(window.get("timezone") or "UTC")),
        min_prompt_tokens=int(window.get("min_prompt_tokens") or 0),
        usd_per_mtok=meters(window, factor),
    )
    if window.get("days_timezone"):
        return _by_days_of(stated, time_zone(str(window["days_timezone"])), seen_at)
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
