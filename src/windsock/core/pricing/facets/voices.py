"""What feeds said, what is held and what people ruled, kept over a restart beside the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from windsock.core.model.ticks import Quote
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.schedule import starts_at
from windsock.core.pricing.state import timeline_of_state, timeline_state

Said = Mapping[str, Any]
"""What is known of the price of each deployment, as `Voices.moment` has it written."""

NONE: Said = MappingProxyType({})

LAST = 8
"""Accepted prices that are written again: those that a person took back are in the history still,
and those of later are not in it yet."""


class Voices:
    """What is known, as JSON-able values; of what has not changed none is made anew."""

    def __init__(self) -> None:
        self._copies: dict[str, PriceTimeline] = {}
        self._written: dict[str, tuple[PriceTimeline, dict[str, Any]]] = {}

    def moment(self, timelines: Mapping[str, PriceTimeline]) -> Callable[[], dict[str, Any]]:
        """What is known now, whatever is said later: the call makes of it, in any thread, the
        `timeline_state` of each deployment with its last accepted prices alone."""
        self._copies = {name: self._copy(name, each) for name, each in timelines.items()}
        return partial(self._state, self._copies)

    def _copy(self, name: str, timeline: PriceTimeline) -> PriceTimeline:
        known = self._copies.get(name)
        return known if known is not None and known == timeline else timeline.copy()

    def _state(self, copies: Mapping[str, PriceTimeline]) -> dict[str, Any]:
        self._written = {name: self._page(name, each) for name, each in copies.items()}
        return {name: page for name, (_, page) in self._written.items()}

    def _page(self, name: str, copy: PriceTimeline) -> tuple[PriceTimeline, dict[str, Any]]:
        known = self._written.get(name)
        if known is not None and known[0] is copy:
            return known
        return copy, timeline_state(copy, LAST)


def heard_again(
    state: Mapping[str, Any], history: Iterable[Quote], rules: GuardRules
) -> PriceTimeline:
    """A timeline as it was when `Voices` wrote it, and what was accepted since.

    state   of one deployment, as `Voices` wrote it
    history what a store kept of its accepted prices, in any order, earlier and later ones
    """
    timeline = timeline_of_state(state, rules)
    last = timeline.accepted
    first_at = min(map(starts_at, last), default=float("inf"))
    seen_at = max((quote.seen_at for quote in last), default=float("-inf"))
    quotes = sorted(history, key=starts_at)
    timeline.accepted = [*(each for each in quotes if starts_at(each) < first_at), *last]
    for quote in quotes:
        if quote.seen_at > seen_at and not timeline.is_refused(quote):
            timeline.restore(quote)
    return timeline
