"""What a store holds and how fast it grows; looking changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import SQLModel

from windsock.store.compact.tables import NameRow, RequestRow, SeriesRow, ShapeRow, TableRow
from windsock.store.compact.transactions import one_moment
from windsock.store.rollups.keeping import request_sums
from windsock.store.rollups.tables import CallSumsRow, DelaySumsRow, RequestSumsRow
from windsock.store.tables import (
    AttemptRow,
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    QuoteRow,
    SnapshotRow,
    UncalledRow,
    WeightsRow,
)

KINDS: Mapping[str, tuple[type[SQLModel], ...]] = {
    "decisions": (RequestRow, NameRow, UncalledRow),
    "shapes": (ShapeRow, SeriesRow),
    "tables": (TableRow, WeightsRow),
    "rewards": (FeedbackRow,),
    "sums": (RequestSumsRow, CallSumsRow, DelaySumsRow),
    "prices": (QuoteRow,),
    "held": (HeldRow,),
    "events": (EventRow,),
    "health": (HealthRow,),
    "snapshots": (SnapshotRow,),
    "older form": (DecisionRow, AttemptRow),
}
"""Kinds of records by the tables that hold them; rows are those of the first."""

MAX_WEIGHED_BYTES = 2 * 1024**3
"""SQLite reads a file whole to tell what a table takes."""

DAY_S, SPAN_S = 86_400, 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class KindStats:
    """bytes: with indexes; None where the database does not tell it (at once). oldest: unix s."""

    kind: str
    rows: int
    bytes: int | None
    oldest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """bytes: of all; free: of them, what is used again; requests_a_day: of the last day."""

    database: str
    bytes: int
    free_bytes: int
    requests: int
    requests_a_day: int
    kinds: tuple[KindStats, ...]

    @property
    def bytes_a_request(self) -> float | None:
        """Of everything that is kept; None without a request."""
        return (self.bytes - self.free_bytes) / self.requests if self.requests else None

    @property
    def bytes_a_day(self) -> float | None:
        """By which it grows, as long as nothing is deleted."""
        each = self.bytes_a_request
        return None if each is None else each * self.requests_a_day


def store_stats(engine: Engine, now: float) -> StoreStats:
    """As of one moment; raises StoreError."""
    with one_moment(engine) as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        total, free = _size(connection) if is_sqlite else (_database_size(connection), 0)
        weights = _weights(connection, total) if is_sqlite else _relations(connection)
        kinds = tuple(_kind(connection, kind, tables, weights) for kind, tables in KINDS.items())
        day = select(func.sum(request_sums.c.requests)).where(
            request_sums.c.span_s == SPAN_S, request_sums.c.at >= now - DAY_S
        )
        return StoreStats(
            database=engine.dialect.name,
            bytes=total,
            free_bytes=free,
            requests=next(each.rows for each in kinds if each.kind == "decisions"),
            requests_a_day=int(connection.execute(day).scalar() or 0),
            kinds=kinds,
        )


def _kind(
    connection: Connection,
    kind: str,
    tables: tuple[type[SQLModel], ...],
    weights: Mapping[str, int] | None,
) -> KindStats:
    sources = [each.__table__ for each in tables]  # type: ignore[attr-defined]
    when = sources[0].c.get("at", sources[0].c.get("seen_at"))
    oldest = None if when is None else connection.execute(select(func.min(when))).scalar()
    rows = connection.execute(select(func.count()).select_from(sources[0])).scalar() or 0
    if weights is None:
        return KindStats(kind=kind, rows=rows, bytes=None, oldest=oldest)
    weight = sum(weights.get(each.name, 0) for each in sources)
    return KindStats(kind=kind, rows=rows, bytes=weight, oldest=oldest)


def _size(connection: Connection) -> tuple[int, int]:
    pages, size, free = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar() or 0)
        for name in ("page_count", "page_size", "freelist_count")
    )
    return pages * size, free * size


def _weights(connection: Connection, total: int) -> dict[str, int] | None:
    if total > MAX_WEIGHED_BYTES:
        return None
    query = "SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_master USING (name) GROUP BY 1"
    try:
        return {name: int(size) for name, size in connection.exec_driver_sql(query)}
    except SQLAlchemyError:  # built without it
        return None


def _database_size(connection: Connection) -> int:
    return int(
        connection.execute(text("SELECT pg_database_size(current_database())")).scalar() or 0
    )


def _relations(connection: Connection) -> dict[str, int]:
    query = text("SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables")
    return {name: int(size) for name, size in connection.execute(query)}
