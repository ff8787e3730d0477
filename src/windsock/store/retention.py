"""What is kept how long, so that the database stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, delete, exists, select

from windsock.store.compact.requests import Reader, name_of, names_in
from windsock.store.compact.tables import NameRow, RequestRow, TableRow
from windsock.store.compact.transactions import begin_alone, reading
from windsock.store.replicas.tables import DeltaRow
from windsock.store.rollups.keeping import call_sums, delay_sums, request_sums
from windsock.store.tables import (
    AttemptRow,
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    QuoteRow,
    UncalledRow,
    WeightsRow,
)

DAY_S = 86400.0
MAX_ROWS = 1000
"""Rows deleted in one transaction, so that the ledger's writer never waits long."""

FREED_PAGES = 1000
"""Of SQLite's, given back to the disk in one transaction."""

_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_name: Table = NameRow.__table__  # type: ignore[attr-defined]
_quote: Table = QuoteRow.__table__  # type: ignore[attr-defined]
_later: Any = _quote.alias("later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Seconds that rows are kept; None is for ever. Keys are always kept.

    tables_s        weight tables; without them an old decision still tells its propensity and
                    draw, but no longer the weights of the others
    decisions_s     decisions with their outcomes and calls, and what asked no provider
    rewards_s       what was said of decisions; their success stays in the sums
    prices_s        quotes that a later one of the same feed has replaced since
    sums_s          sums by minute, hour and day
    """

    tables_s: float | None = 30 * DAY_S
    events_s: float | None = 90 * DAY_S
    health_s: float | None = 90 * DAY_S
    held_s: float | None = 90 * DAY_S
    decisions_s: float | None = None
    rewards_s: float | None = None
    prices_s: float | None = None
    sums_s: float | None = None


def prune(engine: Engine, now: float, keep: Keep | None = None) -> int:
    """Delete what is older than it is kept, and give its space back; how many rows went.

    raises  StoreError
    """
    keep = keep or Keep()
    with reading(), engine.connect() as connection:
        gone = sum(
            _prune(connection, table, column, now - age)
            for table, column, age in _plan(keep)
            if age is not None
        )
        if keep.sums_s is not None:
            for table in (request_sums, call_sums, delay_sums):
                gone += _prune_sums(connection, table, now - keep.sums_s)
        if keep.prices_s is not None:
            gone += _prune_quotes(connection, now - keep.prices_s)
        if gone and engine.dialect.name == "sqlite":
            _give_back(connection)
    return gone


def _plan(keep: Keep) -> Iterator[tuple[Table, str, float | None]]:
    yield WeightsRow.__table__, "at", keep.tables_s  # type: ignore[attr-defined]
    yield TableRow.__table__, "at", keep.tables_s  # type: ignore[attr-defined]
    yield EventRow.__table__, "at", keep.events_s  # type: ignore[attr-defined]
    yield HealthRow.__table__, "seen_at", keep.health_s  # type: ignore[attr-defined]
    yield HeldRow.__table__, "seen_at", keep.held_s  # type: ignore[attr-defined]
    yield _decision, "at", keep.decisions_s
    yield _request, "at", keep.decisions_s
    yield UncalledRow.__table__, "at", keep.decisions_s  # type: ignore[attr-defined]
    yield DeltaRow.__table__, "at", DAY_S  # type: ignore[attr-defined]
    ages = [age for age in (keep.decisions_s, keep.rewards_s) if age is not None]
    yield FeedbackRow.__table__, "at", min(ages, default=None)  # type: ignore[attr-defined]


def _prune(connection: Connection, table: Table, column: str, before: float) -> int:
    """From the oldest row on, until one is young enough."""
    gone = 0
    while True:
        oldest = connection.execute(select(table).order_by(table.c.position).limit(MAX_ROWS)).all()
        old = [row for row in oldest if getattr(row, column) < before]
        names = _names(connection, old) if table is _request else []
        connection.rollback()
        if old:
            _delete(connection, table, [row.position for row in old], names)
        gone += len(old)
        if len(old) < MAX_ROWS:
            return gone


def _delete(connection: Connection, table: Table, old: list[int], names: list[int]) -> None:
    begin_alone(connection)
    if table is _decision:
        connection.execute(delete(_attempt).where(_attempt.c.position.in_(old)))
    if names:
        mine = _name.c.name.in_(names), _name.c.position.in_(old)
        connection.execute(delete(_name).where(*mine))
    connection.execute(delete(table).where(table.c.position.in_(old)))
    connection.commit()


def _names(connection: Connection, rows: Sequence[Row[Any]]) -> list[int]:
    found = (record for _, record in Reader(connection).read(rows))
    return [name_of(text) for record in found for text in names_in(record)]


def _prune_sums(connection: Connection, table: Table, before: float) -> int:
    """Spans that were over by then, of each length."""
    gone = 0
    for span_s in (60, 3600, DAY_S):
        old = table.c.span_s == span_s, table.c.at <= before - span_s
        while True:
            place = select(table.c.at).where(*old).order_by(table.c.at).offset(MAX_ROWS).limit(1)
            end = connection.execute(place).scalar()
            connection.rollback()
            part = old if end is None else (table.c.span_s == span_s, table.c.at < end)
            begin_alone(connection)
            gone += connection.execute(delete(table).where(*part)).rowcount
            connection.commit()
            if end is None:
                break
    return gone


def _prune_quotes(connection: Connection, before: float) -> int:
    """Replaced before that moment already: what was in force since stays."""
    is_replaced = exists().where(
        _later.c.deployment == _quote.c.deployment,
        _later.c.source == _quote.c.source,
        _later.c.seen_at < before,
        _later.c.position > _quote.c.position,
    )
    query = select(_quote.c.position).where(_quote.c.seen_at < before, is_replaced)
    places = list(connection.execute(query).scalars())
    connection.rollback()
    for first in range(0, len(places), MAX_ROWS):
        _delete(connection, _quote, places[first : first + MAX_ROWS], [])
    return len(places)


def _give_back(connection: Connection) -> None:
    """Free pages of a file that was made for it; of others they are used again."""
    while left := connection.exec_driver_sql("PRAGMA freelist_count").scalar():
        connection.rollback()
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA incremental_vacuum({FREED_PAGES})")
        cursor.fetchall()  # a page a step
        cursor.close()
        connection.commit()
        if connection.exec_driver_sql("PRAGMA freelist_count").scalar() == left:
            break
    connection.rollback()
