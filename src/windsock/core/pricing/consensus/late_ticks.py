"""Statements that come late are put in their place: prices are the same in whatever order."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Container

from windsock.core.model.events import Event
from windsock.core.model.ticks import Quote, Vanished
from windsock.core.pricing.consensus.acceptance import absorb, settle
from windsock.core.pricing.consensus.sources import hear_only
from windsock.core.pricing.consensus.timeline import PriceTimeline

LATE_TICKS = 32
"""Ticks per deployment, besides the last moment's, among which a late one finds its place at least;
at most twice as many. A timeline is kept as of one of them, so that each is absorbed but once."""

Place = tuple[float, float, str]
"""(seen_at, less trust, feed): of statements of one moment the most trusted comes first."""


class Entry:
    """A timeline, and what is needed to put a late tick in its place: the same in every order.

    timeline    as of the last tick
    """

    __slots__ = ("_base", "_next_base", "_next_from", "_ticks", "_upto", "timeline")

    def __init__(self, timeline: PriceTimeline) -> None:
        self.timeline = timeline
        # As it was before the last ticks, and before those from `_next_from` on.
        self._base = self._next_base = timeline.copy()
        self._next_from = 0
        self._ticks: list[Quote | Vanished] = []
        self._upto: Place = (-math.inf, 0.0, "")

    @property
    def remembered(self) -> int:
        """Ticks among which a late one finds its place."""
        return len(self._ticks)

    def is_late(self, tick: Quote | Vanished) -> bool:
        """True if a tick that belongs behind it has come before."""
        place = _place(tick)
        if place != self._upto:
            return place < self._upto
        return bool(self._ticks) and _order(tick) <= _order(self._ticks[-1])

    def append(self, tick: Quote | Vanished) -> list[Event]:
        """Absorb a tick that is not late; tells what it changed."""
        self._upto = _place(tick)
        if len(self._ticks) - self._next_from >= LATE_TICKS:
            self._move_base()
        self._ticks.append(tick)
        return absorb(self.timeline, tick)

    def insert(self, tick: Quote | Vanished) -> list[Event]:
        """Replay the last ticks with a late one in its place; tells what that changed."""
        before, revision = self.timeline, self.timeline.revision
        told = self._replay()
        place = bisect_right(self._ticks, _order(tick), key=_order)
        self._ticks.insert(place, tick)
        self._next_from += place < self._next_from
        events = [event for event in self._replay() if event not in told]
        after = self.timeline
        is_same = after.accepted[-1:] == before.accepted[-1:] and after.standing == before.standing
        after.revision = revision + (not is_same)
        return events

    def drop(self, quote: Quote, now: float) -> list[Event]:
        """A person drops a quote, also one that another replica believed before it heard that."""
        self.timeline.refuse(quote)
        self.timeline.take_back(quote, now)
        return self.settle(now)

    def hear_only(self, feeds: Container[str], now: float) -> list[Event]:
        """Other feeds than these are read no more."""
        told = hear_only(self.timeline, feeds, now)
        self.rest()
        return told

    def settle(self, now: float) -> list[Event]:
        """Something outside the feeds acted: votes are counted, and later ticks count from here."""
        told = settle(self.timeline, now)
        self.rest()
        return told

    def rest(self) -> None:
        """Later ticks count from here."""
        self._base = self._next_base = self.timeline.copy()
        self._next_from = 0
        self._ticks.clear()

    def rewind(self, now: float) -> None:
        """The clock was set back to `now`: nothing known may lie in the future."""
        self.timeline.rewind(now)
        self._upto = min(self._upto, (now, -math.inf, ""))
        self.rest()

    def _move_base(self) -> None:
        """Count from the next base, unless the last moment began before it; take another."""
        first = self._next_from
        if first:
            if _place(self._ticks[first - 1]) >= self._upto:
                return
            self._base = self._next_base
            del self._ticks[:first]
        self._next_base, self._next_from = self.timeline.copy(), len(self._ticks)

    def _replay(self) -> list[Event]:
        self.timeline, told = self._base.copy(), list[Event]()
        for index, tick in enumerate(self._ticks):
            if index == self._next_from:
                self._next_base = self.timeline.copy()
            told += absorb(self.timeline, tick)
        return told


def _place(tick: Quote | Vanished) -> Place:
    return tick.seen_at, -tick.trust if isinstance(tick, Quote) else 0.0, tick.feed


def _order(tick: Quote | Vanished) -> tuple[Place, bool, str, float, str]:
    """The one order in which statements count; only equal ones have none."""
    if isinstance(tick, Vanished):
        return _place(tick), False, tick.feed_model, math.inf, ""
    start = -math.inf if tick.valid_from is None else tick.valid_from
    prices = repr(sorted((str(meter), str(usd)) for meter, usd in tick.usd_per_mtok.items()))
    return _place(tick), tick.is_indirect, tick.feed_model, start, prices
