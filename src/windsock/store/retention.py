"""What is kept how long, so that the database stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table, delete, select

from windsock.store.compact.transactions import begin_alone, reading
from windsock.store.tables import (
    AttemptRow,
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    UncalledRow,
    WeightsRow,
)

DAY_S = 86400.0
MAX_ROWS = 1000
"""Rows deleted in one transaction, so that the ledger's writer never waits long."""

_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Seconds that rows are kept; None is for ever. Accepted quotes and keys are always kept.

    tables_s        weight tables; without them an old decision still tells its propensity and
                    draw, but no longer the weights of the others
    decisions_s     decisions with their outcomes, attempts and feedback, and what asked no
                    provider; about 1.5 KB a request
    """

    tables_s: float | None = 30 * DAY_S
    events_s: float | None = 90 * DAY_S
    health_s: float | None = 90 * DAY_S
    held_s: float | None = 90 * DAY_S
    decisions_s: float | None = None


def prune(engine: Engine, now: float, keep: Keep | None = None) -> int:
    """Delete what is older than it is kept; how many rows went. Raises StoreError."""
    keep = keep or Keep()
    with reading(), engine.connect() as connection:
        return sum(
            _prune(connection, table, column, now - age)
            for table, column, age in _plan(keep)
            if age is not None
        )


def _plan(keep: Keep) -> Iterator[tuple[Table, str, float | None]]:
    yield WeightsRow.__table__, "at", keep.tables_s  # type: ignore[attr-defined]
    yield EventRow.__table__, "at", keep.events_s  # type: ignore[attr-defined]
    yield HealthRow.__table__, "seen_at", keep.health_s  # type: ignore[attr-defined]
    yield HeldRow.__table__, "seen_at", keep.held_s  # type: ignore[attr-defined]
    yield _decision, "at", keep.decisions_s
    yield UncalledRow.__table__, "at", keep.decisions_s  # type: ignore[attr-defined]
    yield FeedbackRow.__table__, "at", keep.decisions_s  # type: ignore[attr-defined]


def _prune(connection: Connection, table: Table, column: str, before: float) -> int:
    """From the oldest row on, until one is young enough."""
    gone = 0
    while True:
        query = select(table.c.position, table.c[column]).order_by(table.c.position).limit(MAX_ROWS)
        oldest = connection.execute(query).all()
        connection.rollback()
        old = [position for position, at in oldest if at < before]
        if old:
            begin_alone(connection)
            if table is _decision:
                connection.execute(delete(_attempt).where(_attempt.c.position.in_(old)))
            connection.execute(delete(table).where(table.c.position.in_(old)))
            connection.commit()
        gone += len(old)
        if len(old) < MAX_ROWS:
            return gone
