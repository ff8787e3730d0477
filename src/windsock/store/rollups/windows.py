"""A span of time as the fewest kept spans, and what is left at its ends."""

from __future__ import annotations

from math import ceil, floor, inf
from typing import NamedTuple

from windsock.store.rollups.sums import SPANS_S


class Piece(NamedTuple):
    """Kept spans of one length that begin from `since` on and before `until`, unix s."""

    span_s: int
    since: float
    until: float


class Window(NamedTuple):
    """Pieces that touch and do not overlap, and ends shorter than the shortest span."""

    pieces: tuple[Piece, ...]
    ends: tuple[tuple[float, float], ...]


def touched(since: float, until: float, spans_s: tuple[int, ...] = SPANS_S[1:]) -> Window:
    """The same of the whole spans, as short as there are, that [since, until) touches."""
    if not since < until:
        return Window((), ())
    shortest = spans_s[0]
    end = inf if until == inf else ceil(until / shortest) * shortest
    return window(floor(since / shortest) * shortest, end, spans_s)


def window(since: float, until: float, spans_s: tuple[int, ...] = SPANS_S) -> Window:
    """Of [since, until); `until` may be inf."""
    if not since < until:
        return Window((), ())
    if not spans_s:
        return Window((), ((since, until),))
    *shorter, span = spans_s
    begin = ceil(since / span) * span
    end = inf if until == inf else floor(until / span) * span
    if begin >= end:
        return window(since, until, tuple(shorter))
    before, after = window(since, begin, tuple(shorter)), window(end, until, tuple(shorter))
    whole = Piece(span, begin, end)
    return Window((*before.pieces, whole, *after.pieces), (*before.ends, *after.ends))
