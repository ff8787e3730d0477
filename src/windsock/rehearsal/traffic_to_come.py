"""Requests such as a log's: who asks is drawn anew from who asked around that time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from windsock.rehearsal.logged_traffic import Asked, LoggedTraffic

AROUND = 50
"""Conversations, or requests that stand alone, before and after, from which one is drawn.

Enough of them that tasks and sizes vary as those to come will; few enough that an hour of the day
keeps its kind.
"""

Unit = list[Asked]
"""A conversation, in order of time, or a request that stands alone."""


def rounds_to_come(
    traffic: LoggedTraffic, starts_at: float, ends_at: float, every: int, rng: Any
) -> list[Asked]:
    """What is asked in that time, unix s, in order of time: the log again and again, drawn anew.

    every   one unit of so many is taken
    """
    units = _units(traffic.asked)[::every]
    begins = traffic.asked[0].at
    period = max(traffic.span_s * (1 + 1 / len(traffic.asked)), 1.0)
    rounds = int(np.ceil((ends_at - starts_at) / period))
    found = [
        row
        for turn in range(rounds)
        for row in _drawn(units, starts_at + turn * period - begins, f"{turn}", rng)
        if row.at < ends_at
    ]
    return sorted(found, key=lambda row: row.at)


def _units(asked: tuple[Asked, ...]) -> list[Unit]:
    """In order of their begin."""
    by_session: dict[str | int, Unit] = {}
    for number, row in enumerate(asked):
        by_session.setdefault(number if row.session is None else row.session, []).append(row)
    return list(by_session.values())


def _drawn(units: list[Unit], shift_s: float, turn: str, rng: Any) -> Iterator[Asked]:
    """At each unit's begin one of those around it, shifted there."""
    last = len(units) - 1
    places = np.arange(last + 1) + rng.integers(-AROUND, AROUND + 1, last + 1)
    mirrored = np.abs((places + last) % (2 * last) - last) if last else places * 0
    for number, place in enumerate(mirrored):
        moved_s = units[number][0].at - units[place][0].at + shift_s
        for row in units[place]:
            session = row.session and f"{row.session} {turn} {number}"
            yield replace(row, at=row.at + moved_s, session=session)
