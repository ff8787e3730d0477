"""The ledger's writer: kept alive, and told of when it falls behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.observability import log
from windsock.store.ledger import Ledger

BEHIND = 0.1
"""Part of the records that may wait from which on the store is behind."""


@dataclass(slots=True, kw_only=True)
class LedgerWatch:
    """Called about once a second; publishes that the store is behind once, and its end."""

    ledger: Ledger
    clock: Clock
    publish: Callable[[Event], None]
    _is_behind: bool = False
    _dropped: int = 0

    def check(self) -> None:
        """A dead writer would let everything wait in memory without a word."""
        if self.ledger.revive():
            log.event_log().error("task.failed", task="ledger", error="the writer's thread ended")
        stats = self.ledger.stats()
        has_lost = stats.dropped > self._dropped
        is_behind = has_lost or stats.pending > BEHIND * self.ledger.max_pending
        if is_behind and not self._is_behind:
            self._tell(EventKind.STORE_IS_BEHIND)
        elif self._is_behind and not stats.pending:
            self._tell(EventKind.STORE_CAUGHT_UP)
        self._dropped = stats.dropped

    def _tell(self, kind: EventKind) -> None:
        self._is_behind = kind is EventKind.STORE_IS_BEHIND
        stats = self.ledger.stats()
        facts = {"pending": stats.pending, "dropped": stats.dropped, "error": stats.error}
        self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))
