"""`windsock db stats`: what the store holds, how fast it grows, and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from windsock.cli.layout import Entry, lines, show, terminal
from windsock.config.settings import Settings
from windsock.store.upkeep.stats import KindStats, StoreStats

OF_KIND = {"older form": "decisions", "shapes": None, "snapshots": None}
"""Whose time holds for a kind, where it is not its own; None: none."""


def show_stats(stats: StoreStats, settings: Settings, *, as_json: bool) -> None:
    """Print them."""
    if as_json:
        told = {
            **asdict(stats),
            "bytes_a_request": stats.bytes_a_request,
            "bytes_a_day": stats.bytes_a_day,
            "kept_s": {each.kind: kept_s(each.kind, settings) for each in stats.kinds},
            "to_do": list(to_do(stats, settings)),
        }
        print(json.dumps(told, indent=2))
        return
    head = Entry("kind", ("rows", "size", "/request", "oldest", "kept"))
    table = [head, *(_entry(each, stats, settings) for each in stats.kinds)]
    show(terminal(), lines(table, width=terminal().width, figure=11))
    print(
        f"\n{size(stats.bytes)} in all, {size(stats.free_bytes)} of it free; "
        f"{stats.requests:,} requests, {_bytes(stats.bytes_a_request)} bytes each\n"
        f"{stats.requests_a_day:,} in the last day: {size(stats.bytes_a_day)} a day"
    )
    for sentence in to_do(stats, settings):
        print(sentence)


def to_do(stats: StoreStats, settings: Settings) -> Iterator[str]:
    """What an operator may want to do, each with how."""
    left = next(each.rows for each in stats.kinds if each.kind == "older form")
    if left:
        yield f"{left:,} rows of an older version are converted while 'windsock serve' runs"
    if settings.store.retention.decisions is None and stats.bytes_a_day:
        yield (
            f"decisions are kept for ever: a year is {size(stats.bytes_a_day * 365)}; "
            'to bound it, decisions = "90d" in [store.retention]'
        )
    if stats.database == "sqlite" and stats.free_bytes > stats.bytes / 4:
        yield (
            "what is free is used again; to give it to the disk, stop the service and run "
            "VACUUM on the file"
        )


def kept_s(kind: str, settings: Settings) -> float | None:
    """Seconds that a kind is kept; None: for ever."""
    name = OF_KIND.get(kind, kind)
    return None if name is None else getattr(settings.store.retention, name)


def size(count: float | None) -> str:
    """Bytes for people, in powers of a thousand; unknown is a dash."""
    if count is None:
        return "-"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def _entry(found: KindStats, stats: StoreStats, settings: Settings) -> Entry:
    each = found.bytes / stats.requests if found.bytes is not None and stats.requests else None
    day = "" if found.oldest is None else f"{datetime.fromtimestamp(found.oldest, UTC):%Y-%m-%d}"
    kept = kept_s(found.kind, settings)
    age = "ever" if kept is None else f"{kept / 86_400:g} d"
    age = "the last 3" if found.kind == "snapshots" else age
    return Entry(found.kind, (f"{found.rows:,}", size(found.bytes), _bytes(each), day, age))


def _bytes(count: float | None) -> str:
    return "-" if count is None else f"{count:,.1f}"
