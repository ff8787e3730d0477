"""The newest finished requests of the log, read backwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision

FIRST_S, WIDER = 300.0, 2.0
"""The log is read in windows, each so much wider than the one after it."""

Decisions = Callable[..., Iterator[Outcome | Decision]]
"""By since, until and namespace, oldest first; it blocks, and raises StoreError."""


def newest(
    decisions: Decisions,
    is_wanted: Callable[[Outcome], bool],
    *,
    since: float,
    until: float,
    namespace: str,
    limit: int,
) -> list[Outcome]:
    """The last so many of [since, until) (unix s) that are wanted, oldest first."""
    found: list[Outcome] = []
    width_s = FIRST_S
    while len(found) < limit and until > since:
        begin = max(since, until - width_s)
        window = decisions(since=begin, until=until, namespace=namespace)
        mine = (each for each in window if isinstance(each, Outcome) and is_wanted(each))
        found[:0] = deque(mine, maxlen=limit - len(found))
        until, width_s = begin, width_s * WIDER
    return found
