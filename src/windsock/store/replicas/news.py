"""What others have told since: what they learnt, in order, and which feeds have spoken.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Engine, Table, func, select

from windsock.core.replicas.deltas import Delta
from windsock.store.compact.transactions import one_moment
from windsock.store.engine import reading
from windsock.store.replicas.tables import DeltaRow, FeedBodyRow, ReplicaRow
from windsock.store.tables import WriterRow

_delta: Table = DeltaRow.__table__  # type: ignore[attr-defined]
_replica: Table = ReplicaRow.__table__  # type: ignore[attr-defined]
_writer: Table = WriterRow.__table__  # type: ignore[attr-defined]
_body: Table = FeedBodyRow.__table__  # type: ignore[attr-defined]

PAGE = 500
"""Deltas read at a time."""


class News(NamedTuple):
    """What others have told, by position; and when the body of each feed was last seen."""

    deltas: list[tuple[int, Delta | None]]
    bodies: dict[str, float]


def deltas_after(engine: Engine, position: int) -> list[tuple[int, Delta | None]]:
    """What was told after a position, in order, PAGE at most; None: it cannot be read."""
    with reading(), engine.connect() as connection:
        return _deltas_after(connection, position)


def news_after(engine: Engine, position: int) -> News:
    """The same, and what feeds have said, by one connection."""
    with reading(), engine.connect() as connection:
        seen = connection.execute(select(_body.c.feed, _body.c.seen_at)).all()
        return News(_deltas_after(connection, position), {row.feed: row.seen_at for row in seen})


def _deltas_after(connection: Connection, position: int) -> list[tuple[int, Delta | None]]:
    query = select(_delta).where(_delta.c.position > position).order_by(_delta.c.position)
    rows = connection.execute(query.limit(PAGE)).all()
    return [(row.position, _read(row.body)) for row in rows]


def _read(body: str) -> Delta | None:
    try:
        return Delta.from_state(orjson.loads(body))
    except (LookupError, TypeError, ValueError):
        return None


class Eras(NamedTuple):
    """Which entries of the ledger have told what was learnt of them in deltas.

    spans       (first, last] positions
    until       position from which on entries came later than that was looked at: their deltas,
                which are written with them, are still to be heard
    """

    spans: list[tuple[int, int]]
    until: float

    def has(self, position: int) -> bool:
        """Whether a delta tells, or will tell, of this entry."""
        return position > self.until or any(a < position <= b for a, b in self.spans)


def eras(engine: Engine) -> Eras:
    """As of one moment."""
    last = select(_delta.c.replica, func.max(_delta.c.position)).group_by(_delta.c.replica)
    with one_moment(engine) as connection:
        until = connection.execute(select(func.max(_writer.c.position))).scalar()
        ends = {row[0]: row[1] for row in connection.execute(last)}
        begun = connection.execute(select(_replica.c.id, _replica.c.position)).all()
    spans = [(row.position, ends[row.id]) for row in begun if row.id in ends]
    return Eras(spans, inf if until is None or not spans else until)
