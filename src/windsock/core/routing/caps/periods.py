"""Days, weeks and months of a time zone, as spans of unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from math import inf
from zoneinfo import ZoneInfo

DAY_S = 86_400.0


class Period(StrEnum):
    """What a sum is for; a week begins on Monday, `total` never ends."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"

    __hash__ = str.__hash__  # Enum's own is a Python function


def span(period: Period, timezone: str, at: float) -> tuple[float, float]:
    """(begin, end) of the period of `at`, unix s, from local midnight to local midnight.

    timezone    an IANA name; a day is 23 or 25 hours long where its clocks are changed
    """
    if period is Period.TOTAL:
        return -inf, inf
    if period is Period.DAY and timezone == "UTC":
        begin = at // DAY_S * DAY_S
        return begin, begin + DAY_S
    zone = _zone(timezone)
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    begins, ends = _bounds(period, local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))
    return begins.timestamp(), ends.timestamp()


def midnight(timezone: str, at: float) -> str:
    """A moment as people of the zone write it: `2026-12-01 00:00 Europe/Berlin`."""
    local = datetime.fromtimestamp(at, UTC).astimezone(_zone(timezone))
    return f"{local:%Y-%m-%d %H:%M} {timezone}"


def _bounds(period: Period, day: datetime) -> tuple[datetime, datetime]:
    """On the wall clock: sums of days keep the hour, whatever the clocks do between."""
    if period is Period.DAY:
        return day, day + timedelta(days=1)
    if period is Period.WEEK:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
