"""Rows of a status page as reports on health."""

from __future__ import annotations

from typing import Any

from windsock.core.model.ticks import HealthReport, HealthState
from windsock.errors import FeedError
from windsock.feeds.bodies.fields import date_in, moment_in
from windsock.feeds.definition import FeedDefinition

HOLDS_POLLS = 3.0
"""Intervals of a feed for which its word on health holds."""


def reports_of(
    definition: FeedDefinition, entries: list[dict[str, Any]], seen_at: float
) -> tuple[HealthReport, ...]:
    """Of each row that is not to be skipped; raises FeedError if one is unreadable."""
    try:
        stated = [entry for entry in entries if not entry.get("skip")]
        return tuple(_report(definition, entry, seen_at) for entry in stated)
    except (ValueError, KeyError, TypeError) as error:
        raise FeedError(f"a row of health is unreadable: {error}", feed=definition.id) from error


def _report(definition: FeedDefinition, entry: dict[str, Any], seen_at: float) -> HealthReport:
    state = str(entry.get("state") or "unknown")
    known = state in HealthState.__members__.values()
    uptime = entry.get("uptime")
    return HealthReport(
        subject=str(entry["subject"]),
        feed=definition.id,
        state=HealthState(state) if known else HealthState.UNKNOWN,
        note=str(entry.get("note") or ""),
        uptime=None if uptime is None else float(uptime),
        quoted_at=moment_in(entry.get("quoted_at")),
        seen_at=seen_at,
        good_for_s=HOLDS_POLLS * definition.every,
        retires_at=date_in(entry.get("retires_at")),
    )
