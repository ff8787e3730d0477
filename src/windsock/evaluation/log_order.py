"""The entries of a log in order of time: a request begins before it is logged."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held

Entry = Outcome | Decision | Feedback | Quote | Held | HealthReport | object

BACK_S = 900.0
"""A request is logged when it ends; none takes longer."""


def in_order(entries: Iterable[Entry]) -> Iterator[tuple[float, Entry, bool]]:
    """(when, entry, whether it is the end of a request), from entries in the order of appends."""
    waiting: list[tuple[float, int, Entry, bool]] = []
    numbers = itertools.count()
    for entry in entries:
        for at, is_end in _moments(entry):
            heapq.heappush(waiting, (at, next(numbers), entry, is_end))
        latest = max(at for at, _ in _moments(entry))
        while waiting and waiting[0][0] < latest - BACK_S:
            at, _, first, is_end = heapq.heappop(waiting)
            yield at, first, is_end
    while waiting:
        at, _, first, is_end = heapq.heappop(waiting)
        yield at, first, is_end


def _moments(entry: Entry) -> tuple[tuple[float, bool], ...]:
    if isinstance(entry, Outcome):
        return (entry.decision.at, False), (entry.finished_at, True)
    if isinstance(entry, Decision | Feedback):
        return ((entry.at, False),)
    if isinstance(entry, Held):
        return ((entry.quote.seen_at, False),)
    if isinstance(entry, Quote | HealthReport):
        return ((entry.seen_at, False),)
    raise TypeError(type(entry).__name__)
