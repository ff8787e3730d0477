"""Hours, days and spans as people and lists write them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of ISO weekdays, from 1."""

DAY_MINUTES = 1440


def minute_of_day(clock: Any) -> int:
    """0..1440, from 1030 (10:30) or from "10:30"; 24:00 is 1440. Raises ValueError."""
    if isinstance(clock, str) and ":" in clock:
        hours, minutes = (int(part) for part in clock.split(":")[:2])
    else:
        hours, minutes = divmod(int(clock), 100)
    if not (0 <= minutes < 60 and 0 <= hours * 60 + minutes <= DAY_MINUTES):
        raise ValueError(f"{clock!r} is no time of day; write one such as 22:00")
    return hours * 60 + minutes


def weekday(day: Any) -> int:
    """1..7 from Monday, from a number or an English name. Raises ValueError."""
    if isinstance(day, str) and day.lower() in WEEKDAYS:
        return WEEKDAYS.index(day.lower()) + 1
    number = day if isinstance(day, int) else 0
    if number not in range(1, len(WEEKDAYS) + 1):
        raise ValueError(f"{day!r} is no day; write 1 to 7 from Monday, or its English name")
    return number


def time_zone(name: str) -> str:
    """An IANA name; raises ValueError for any other."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no such time zone; write one such as UTC or Europe/Berlin") from error
    return name


def check_span(valid_from: float | None, valid_until: float | None) -> None:
    """Raises ValueError if what begins and ends then (unix s; None: never) would never hold."""
    if valid_from is not None and valid_until is not None and valid_until <= valid_from:
        raise ValueError("valid_until is not after valid_from; it would never hold")
