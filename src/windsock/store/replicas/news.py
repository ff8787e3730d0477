"""What others have told since: what they learnt, in order, and which feeds have spoken.

All raise StoreError if the database cannot be reached.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson
from sqlalchemy import Connection, Engine, Table, func, select

from windsock.core.replicas.deltas import Delta
from windsock.store.engine import reading
from windsock.store.replicas.tables import DeltaRow, FeedBodyRow, ReplicaRow

_delta: Table = DeltaRow.__table__  # type: ignore[attr-defined]
_replica: Table = ReplicaRow.__table__  # type: ignore[attr-defined]
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


def eras(engine: Engine) -> list[tuple[int, int]]:
    """(first, last] positions of the ledger between which what was learnt is in deltas."""
    last = select(_delta.c.replica, func.max(_delta.c.position)).group_by(_delta.c.replica)
    with reading(), engine.connect() as connection:
        ends = {row[0]: row[1] for row in connection.execute(last)}
        begun = connection.execute(select(_replica.c.id, _replica.c.position)).all()
    return [(row.position, ends[row.id]) for row in begun if row.id in ends]
