"""Recurring hours: when a window of prices is open, and when that may next change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from windsock.core.quotes import Window


def is_open(window: Window, at: float) -> bool:
    """True if the recurring window holds at this moment; it opens on its days, in its timezone."""
    local = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(window.timezone))
    minute = local.hour * 60 + local.minute
    start, end = window.start_minute, window.end_minute
    today = local.isoweekday()
    if start < end:
        return today in window.days and start <= minute < end
    yesterday = (today - 2) % 7 + 1
    return (today in window.days and minute >= start) or (yesterday in window.days and minute < end)


def next_boundary(window: Window, after: float) -> float:
    """The next minute at which the window may open or close."""
    local = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(window.timezone))
    now_s = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    waits = []
    for minute in (window.start_minute, window.end_minute % 1440, 0):
        wait = minute * 60 - now_s
        waits.append(wait if wait > 0 else wait + 86400)
    return after + min(waits)
