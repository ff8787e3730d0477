"""The durable record: appended from the event loop, written by one thread in batches."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, column, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from windsock.core.quotes import HealthReport, Quote
from windsock.core.records import Decision, Feedback, Outcome, Shift, WeightTable
from windsock.store.codec import encode
from windsock.store.tables import (
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    QuoteRow,
    SnapshotRow,
    WeightsRow,
)

NANO = 1_000_000_000
LEDGER_TABLES = (DecisionRow, FeedbackRow, QuoteRow, HealthRow, WeightsRow, EventRow, SnapshotRow)


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """The router's whole state as JSON bytes, taken at `at`."""

    at: float
    body: bytes


Entry = Decision | Outcome | Feedback | Quote | HealthReport | WeightTable | Shift | StateSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStats:
    """pending: not yet written; dropped: given up since start; error: the last failure, if any."""

    pending: int
    written: int
    dropped: int
    error: str | None


class Ledger:
    """Append-only. `append` never blocks and never raises; what cannot be kept is counted.

    flush_s         longest time an entry waits to be written
    max_pending     entries kept while the store is away
    on_trouble      called from the writer's thread with the failure, and with None on recovery
    """

    def __init__(
        self,
        engine: Engine,
        *,
        flush_s: float = 0.25,
        max_pending: int = 100_000,
        on_trouble: Callable[[str | None], None] | None = None,
    ) -> None:
        self._engine = engine
        self._flush_s = flush_s
        self._max_pending = max_pending
        self._on_trouble = on_trouble
        self._pending: deque[tuple[int, Entry]] = deque()
        self._position = 0
        self._durable = 0
        self._written = 0
        self._dropped = 0
        self._error: str | None = None
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Start the writer after the last position in the store."""
        self._position = self._durable = last_position(self._engine)
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def append(self, entry: Entry) -> int:
        """The entry's position."""
        self._position += 1
        if len(self._pending) >= self._max_pending:
            self._dropped += 1
        else:
            self._pending.append((self._position, entry))
        return self._position

    @property
    def position(self) -> int:
        """Of the last entry appended."""
        return self._position

    async def flushed(self) -> None:
        """Wait until all entries appended so far are durable or given up."""
        target = self._position
        self._wake.set()
        while self._durable < target and self._pending:  # noqa: ASYNC110 (a thread writes)
            await asyncio.sleep(0.005)

    def close(self, *, patience_s: float = 10.0) -> None:
        """Write what is pending and stop."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(patience_s)
            self._thread = None

    def stats(self) -> LedgerStats:
        return LedgerStats(
            pending=len(self._pending),
            written=self._written,
            dropped=self._dropped,
            error=self._error,
        )

    def _run(self) -> None:
        pause_s = self._flush_s
        while True:
            self._wake.wait(pause_s)
            self._wake.clear()
            ok = self._flush()
            if self._closing and (ok or not self._pending):
                return
            if self._closing and not ok:
                self._dropped += len(self._pending)
                return
            pause_s = self._flush_s if ok else min(5.0, max(0.25, pause_s * 2))

    def _flush(self) -> bool:
        """Write everything pending; False if the store would not take it."""
        while self._pending:
            batch = (
                list(self._pending)
                if len(self._pending) < 5000
                else [self._pending[i] for i in range(5000)]
            )
            try:
                write(self._engine, batch)
            except SQLAlchemyError as error:
                self._note(str(getattr(error, "orig", None) or error).splitlines()[0])
                return False
            for _ in batch:
                self._pending.popleft()
            self._written += len(batch)
            self._durable = batch[-1][0]
        self._note(None)
        return True

    def _note(self, error: str | None) -> None:
        if error != self._error and self._on_trouble is not None:
            self._on_trouble(error)
        self._error = error


def write(engine: Engine, batch: Iterable[tuple[int, Entry]]) -> None:
    """One transaction."""
    rows: dict[type[SQLModel], list[dict[str, Any]]] = {}
    for position, entry in batch:
        table, row = row_of(entry)
        rows.setdefault(table, []).append({"position": position, **row})
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        for table, values in rows.items():
            connection.execute(insert(table), values)
        connection.commit()


def row_of(entry: Entry) -> tuple[type[SQLModel], dict[str, Any]]:
    """The table an entry belongs to, and its columns without the position."""
    match entry:
        case Outcome():
            return DecisionRow, _outcome_row(entry)
        case Decision():
            return DecisionRow, _decision_row(entry)
        case Feedback():
            return FeedbackRow, _feedback_row(entry)
        case Quote():
            return QuoteRow, {
                "deployment": entry.deployment,
                "source": entry.feed,
                "quoted_at": entry.quoted_at,
                "seen_at": entry.seen_at,
                "body": encode(entry),
            }
        case HealthReport():
            return HealthRow, {
                "subject": entry.subject,
                "source": entry.feed,
                "state": entry.state.value,
                "quoted_at": entry.quoted_at,
                "seen_at": entry.seen_at,
                "body": encode(entry),
            }
        case WeightTable():
            return WeightsRow, {
                "version": entry.version,
                "at": entry.at,
                **entry.cell._asdict(),
                "body": encode(entry),
            }
        case Shift():
            return EventRow, {
                "at": entry.at,
                "kind": entry.kind,
                "deployment": entry.deployment,
                "body": encode(entry),
            }
        case StateSnapshot():
            return SnapshotRow, {"at": entry.at, "body": entry.body}


def last_position(engine: Engine) -> int:
    with engine.connect() as connection:
        found = [
            connection.execute(select(func.max(column("position"))).select_from(table)).scalar()
            for table in LEDGER_TABLES
        ]
    return max((position for position in found if position is not None), default=0)


def _decision_row(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "number": decision.number,
        "at": decision.at,
        **decision.cell._asdict(),
        "key_id": decision.key_id,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "table_version": decision.table_version,
        "finished_at": None,
        "served": None,
        "ok": None,
        "attempts": 0,
        "cost_nano_usd": 0,
        "latency_s": None,
        "body": encode(decision),
    }


def _outcome_row(outcome: Outcome) -> dict[str, Any]:
    return {
        **_decision_row(outcome.decision),
        "finished_at": outcome.finished_at,
        "served": outcome.served,
        "ok": outcome.ok,
        "attempts": len(outcome.results),
        "cost_nano_usd": round(outcome.cost_usd * NANO),
        "latency_s": outcome.finished_at - outcome.decision.at,
        "body": encode(outcome),
    }


def _feedback_row(feedback: Feedback) -> dict[str, Any]:
    reward = feedback.reward
    return {
        "decision_id": feedback.decision_id,
        "at": feedback.at,
        "value": reward.value,
        "weight": feedback.weight,
        "source": reward.source,
        "metric": reward.metric,
        "key_id": reward.key_id,
        "idempotency_key": feedback.idempotency_key,
    }
