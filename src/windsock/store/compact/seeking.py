"""Looking back through decisions for those with certain names: by their shapes, in a hundredth of
the time that reading them takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, Table, select, tuple_

from windsock.store.compact.dictionary import parts
from windsock.store.compact.history import Found, decision_of, readable
from windsock.store.compact.requests import Fits, Reader, of_namespace
from windsock.store.compact.tables import RequestRow
from windsock.store.compact.transactions import one_moment
from windsock.store.tables import DecisionRow

FIRST, MANY = 200, 5000
"""Rows looked at first, twice as many where those are not enough, and so on to the most."""

Place = tuple[float, int]
"""When a decision was made, and its position."""

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]


def sought(
    engine: Engine, *, since: float, until: float, namespace: str, fits: Fits, holding: str = ""
) -> Iterator[tuple[float, Found | None]]:
    """(when it was made, decision) of [since, until), newest first, looked up as they are asked
    for; None in place of one of the short form that does not fit. Raises StoreError.

    holding     what the JSON of all that fit holds, which rules most out unread
    """
    before, size = None, FIRST
    while True:
        with one_moment(engine) as connection:
            new = connection.execute(_newest(_request, since, until, namespace, before, size)).all()
            old = connection.execute(
                _newest(_decision, since, until, namespace, before, size)
            ).all()
            found = _placed(connection, new, fits, holding)
        found += [((row.at, row.position), each) for row, each in readable(old, decision_of)]
        full = ((rows[-1].at, rows[-1].position) for rows in (new, old) if len(rows) == size)
        before, size = max(full, default=None), min(size * 2, MANY)
        found.sort(key=itemgetter(0), reverse=True)
        yield from (
            (at, each) for (at, place), each in found if before is None or (at, place) >= before
        )
        if before is None:
            return


def _newest(
    source: Table, since: float, until: float, namespace: str, before: Place | None, size: int
) -> Select[Any]:
    """Of the short form only what its index and its shape tell."""
    at, position = source.c.at, source.c.position
    if source is _request:
        query = select(at, position, _request.c.shape).where(of_namespace(namespace))
    else:
        query = select(source).where(_decision.c.namespace == namespace)
    query = query.where(at >= since, at < until)
    if before is not None:
        query = query.where(at <= before[0], tuple_(at, position) < before)
    return query.order_by(at.desc(), position.desc()).limit(size)


def _placed(
    connection: Connection, rows: Sequence[Row[Any]], fits: Fits, holding: str
) -> list[tuple[Place, Found | None]]:
    reader = Reader(connection)
    fitting = reader.fitting((row.shape for row in rows), fits, holding)
    found: list[tuple[Place, Found | None]] = [
        ((row.at, row.position), None) for row in rows if row.shape not in fitting
    ]
    for part in parts(row.position for row in rows if row.shape in fitting):
        whole = connection.execute(select(_request).where(_request.c.position.in_(part))).all()
        found += [((row.at, row.position), each) for row, each in reader.read(whole)]
    return found
