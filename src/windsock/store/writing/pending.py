"""Entries that wait for the store, in their order, a batch at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import HealthReport
from windsock.core.replicas.deltas import Delta
from windsock.store.rows import Entry, StateSnapshot, record_of

MAX_BATCH = 2000
"""Entries of one transaction."""

SPARED_FROM = 0.8
"""Part of `most` from which on only what cannot be had again is taken."""


DECIDED = frozenset({EventKind.CAP_RAISED})
"""Events that alone tell the next start what a person has decided."""


class PendingEntries:
    """Appended and sealed in one thread, written from another.

    most        that may wait
    queued      entries that were ever taken
    done        of them those that do not wait any more
    refused     that were not taken, for too many wait
    ends        nothing more comes: what was not sealed is written too
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._spare = int(most * SPARED_FROM)
        self._queue: deque[Entry] = deque()
        self._sealed: int | None = None
        self._backlog: deque[Entry | None] = deque()
        self._batch: list[Entry | None] = []
        self._waiting = 0
        self._taken = 0
        self.queued = 0
        self.done = 0
        self.refused = 0
        self.ends = False

    def append(self, entry: Entry) -> None:
        """Take an entry, unless too many wait."""
        if len(self._queue) + self._waiting >= self._spare and self._is_refused(entry):
            self.refused += 1
            return
        self._queue.append(entry)
        self.queued += 1

    def seal(self, entry: Entry | None) -> bool:
        """Take what follows from all entries so far; from now on only sealed ones are written.

        True if entries waited for that.
        """
        if entry is not None:
            self._queue.append(entry)
            self.queued += 1
        before, self._sealed = self._sealed, self.queued
        return before is not None and self.queued > before

    def next_batch(self, end: int) -> Sequence[Entry | None]:
        """What goes in the next transaction; empty once the first `end` entries have gone.

        A batch that failed stays as it is, so that its number keeps its meaning.
        """
        if not self._waiting and self._taken >= end:
            return ()
        if not self._batch:
            while self._backlog and (len(self._batch) < MAX_BATCH or self._is_unsealed()):
                self._batch.append(self._backlog.popleft())
            while self._queue and self._may_take():
                self._batch.append(self._queue.popleft())
                self._taken += 1
            self._waiting = len(self._batch) + len(self._backlog)
        return self._batch

    def settle(self) -> None:
        """The batch is written, or given up."""
        self.done += len(self._batch)
        self._batch = []
        self._waiting = len(self._backlog)

    def step_back(self) -> None:
        """Entries move out of the queue; of many snapshots only the last is worth keeping."""
        while self._queue and (self._sealed is None or self._taken < self._sealed):
            self._backlog.append(self._queue.popleft())
            self._taken += 1
        kept: deque[Entry | None] = deque()
        has_later = False
        while self._backlog:
            entry = self._backlog.pop()
            is_snapshot = entry is not None and isinstance(record_of(entry), StateSnapshot)
            kept.appendleft(None if is_snapshot and has_later else entry)
            has_later = has_later or is_snapshot
        self._backlog = kept
        self._waiting = len(self._batch) + len(self._backlog)

    def last_batch(self) -> Sequence[Entry | None]:
        """All that waits, sealed or not."""
        self._sealed = None
        self.step_back()
        self._batch += self._backlog
        self._backlog.clear()
        return self._batch

    def _is_refused(self, entry: Entry) -> bool:
        if len(self._queue) + self._waiting >= self._most:
            return True
        is_decided = isinstance(entry, Event) and entry.kind in DECIDED
        return isinstance(entry, WeightTable | Event | HealthReport) and not is_decided

    def _may_take(self) -> bool:
        """Whether the next entry goes in this batch; a seal ends one, however many it covers."""
        if self._sealed is None or self.ends:
            return len(self._batch) < MAX_BATCH
        return self._taken < self._sealed

    def _is_unsealed(self) -> bool:
        """Whether what follows from the batch's last entries is not in it yet."""
        return self._sealed is not None and not isinstance(self._batch[-1], Delta)
