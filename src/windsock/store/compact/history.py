"""Reading decisions and weight tables, in the short form and as kept before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Select, Table, func, select, tuple_

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.store.codec import decode
from windsock.store.compact.judging import said
from windsock.store.compact.requests import Reader, named, names_in, of_namespace
from windsock.store.compact.tables import RequestRow, SeriesRow, TableRow
from windsock.store.compact.templates import Pick
from windsock.store.compact.transactions import one_moment, reading
from windsock.store.rollups.sums import success_nano
from windsock.store.tables import DecisionRow, WeightsRow

PAGE, MANY = 1000, 10_000
"""Rows fetched at a time, for few and for millions."""

Found = Outcome | Decision

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_series: Table = SeriesRow.__table__  # type: ignore[attr-defined]
_table: Table = TableRow.__table__  # type: ignore[attr-defined]
_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_weights: Table = WeightsRow.__table__  # type: ignore[attr-defined]


def decision(engine: Engine, decision_id: str) -> Found | None:
    """A decision; as an outcome if its request ended here."""
    old = select(_decision).where(_decision.c.id == decision_id)
    found = [each for each in _named(engine, decision_id, old) if _decided(each).id == decision_id]
    return max(found, key=lambda each: isinstance(each, Outcome), default=None)


def decision_of_response(engine: Engine, response_id: str, namespace: str) -> Found | None:
    """The last decision of a namespace that its caller, or an answer of it, has this name for."""
    old = select(_decision).where(
        _decision.c.response_id == response_id, _decision.c.namespace == namespace
    )
    found = [
        each
        for each in _named(engine, response_id, old.order_by(_decision.c.position))
        if _decided(each).cell.namespace == namespace and response_id in names_in(each)
    ]
    by_answer = [each for each in found if response_id not in _decided(each).known_as.split()]
    return next(reversed(by_answer or found), None)


def decisions(
    engine: Engine,
    *,
    since: float,
    until: float,
    limit: int | None = None,
    namespace: str | None = None,
) -> Iterator[Found]:
    """Decisions in order of time, fetched a page at a time; no transaction stays open between.

    limit   of those that can be read
    """
    size = PAGE if limit is None else max(1, min(PAGE, limit))
    query = _between(since, until, namespace)
    walked = _walk(engine, query, lambda row: (row.at, row.position), size)
    yield from (found for _, found in islice(walked, limit))


def picked(
    engine: Engine, pick: Pick, *, since: float, until: float, namespace: str | None = None
) -> Iterator[tuple[Mapping[str, Any], int | None]]:
    """Parts of the same, and their success in billionths as judged so far; a part that is the same
    for many is one object."""
    query = _between(since, until, namespace)
    after = None
    while True:
        with one_moment(engine) as connection:
            new = connection.execute(query(_request, after).limit(MANY)).all()
            old = connection.execute(query(_decision, after).limit(MANY)).all()
            kept = [*Reader(connection).picked(new, pick)]
            converting = _picked_old(connection, old, pick)
        after = min(
            ((rows[-1].at, rows[-1].position) for rows in (new, old) if len(rows) == MANY),
            default=None,
        )
        if old:
            converting += [(row.at, row.position, each, row.success_nano) for row, each in kept]
            converting.sort(key=itemgetter(0, 1))
            yield from (
                (found, success)
                for at, position, found, success in converting
                if after is None or (at, position) <= after
            )
        else:
            yield from ((found, row.success_nano) for row, found in kept)
        if after is None:
            return


def _picked_old(
    connection: Connection, rows: Sequence[Row[Any]], pick: Pick
) -> list[tuple[float, int, Mapping[str, Any], int | None]]:
    found = [(row, each, _decided(each).id) for row, each in readable(rows, decision_of)]
    words = said(connection, [name for *_, name in found])
    return [
        (row.at, row.position, pick(msgspec.to_builtins(each)), success_nano(words.get(name, ())))
        for row, each, name in found
    ]


def _between(
    since: float, until: float, namespace: str | None
) -> Callable[[Table, Any], Select[Any]]:
    """What asks for the rows of a span of time beyond a place, in order of time."""
    conditions: dict[Table, list[Any]] = {
        _request: [] if namespace is None else [of_namespace(namespace)],
        _decision: [] if namespace is None else [_decision.c.namespace == namespace],
    }

    def query(source: Table, after: Any) -> Select[Any]:
        at, place = source.c.at, tuple_(source.c.at, source.c.position)
        further = [] if after is None else [at >= after[0], place > after]
        asked = select(source).where(at >= since, at < until, *conditions[source], *further)
        return asked.order_by(at, source.c.position)

    return query


def since_position(engine: Engine, after: int) -> Iterator[tuple[int, Found]]:
    """(position, decision) of those appended after a position, in that order."""

    def query(source: Table, last: int | None) -> Select[Any]:
        beyond = source.c.position > (after if last is None else last)
        return select(source).where(beyond).order_by(source.c.position)

    return _walk(engine, query, lambda row: row.position, PAGE)


def count(engine: Engine) -> int:
    """How many decisions there are."""
    queries = (select(func.count()).select_from(each) for each in (_request, _decision))
    return sum(_rows(engine, query)[0][0] for query in queries)


def table(engine: Engine, version: int) -> WeightTable | None:
    """A weight table by its version."""
    new = select(_table).where(_table.c.version == version).limit(1)
    old = select(_weights).where(_weights.c.version == version).limit(1)
    return next(_tables(engine, new, old), None)


def tables(engine: Engine, versions: Collection[int]) -> dict[int, WeightTable]:
    """Weight tables by their version, those that are kept."""
    new = select(_table).where(_table.c.version.in_(versions))
    old = select(_weights).where(_weights.c.version.in_(versions))
    return {found.version: found for found in _tables(engine, new, old)}


def table_at(
    engine: Engine, namespace: str, route: str, task: str, at: float
) -> WeightTable | None:
    """The weight table that was in use at a past moment."""
    cell = _cells(namespace, route).where(_series.c.task == task)
    new = select(_table).where(_table.c.cell.in_(cell), _table.c.at <= at)
    old = select(_weights).where(
        _weights.c.namespace == namespace,
        _weights.c.route == route,
        _weights.c.task == task,
        _weights.c.at <= at,
    )
    last = [
        query.order_by(each.c.at.desc(), each.c.position.desc()).limit(1)
        for query, each in ((new, _table), (old, _weights))
    ]
    return max(_tables(engine, *last), key=lambda found: found.at, default=None)


def tables_at(engine: Engine, namespace: str, route: str, at: float) -> list[WeightTable]:
    """The weight tables of all tasks of a route that were in use at a past moment."""
    old = select(_weights.c.task).where(
        _weights.c.namespace == namespace, _weights.c.route == route, _weights.c.at <= at
    )
    new = select(_series.c.task).where(_series.c.id.in_(_cells(namespace, route)))
    tasks = {row.task for query in (old.distinct(), new) for row in _rows(engine, query)}
    found = (table_at(engine, namespace, route, task, at) for task in sorted(tasks))
    return [each for each in found if each is not None]


def _cells(namespace: str, route: str) -> Select[Any]:
    return select(_series.c.id).where(
        _series.c.namespace == namespace,
        _series.c.route == route,
        _series.c.key_id == "",
        _series.c.deployment == "",
    )


def _decided(found: Found) -> Decision:
    return found.decision if isinstance(found, Outcome) else found


def _named(engine: Engine, name: str, old: Select[Any]) -> list[Found]:
    with reading(), engine.connect() as connection:
        before = readable(connection.execute(old).all(), decision_of)
        rows = connection.execute(named(name)).all()
        return [each for _, each in (*before, *Reader(connection).read(rows))]


def _tables(engine: Engine, new: Select[Any], old: Select[Any]) -> Iterator[WeightTable]:
    with reading(), engine.connect() as connection:
        found = [each for _, each in Reader(connection).read(connection.execute(new).all())]
        rows = connection.execute(old).all()
    yield from found
    yield from (each for _, each in readable(rows, lambda row: decode(WeightTable, row.body)))


def _walk(
    engine: Engine,
    query: Callable[[Table, Any], Select[Any]],
    place: Callable[[Row[Any]], Any],
    size: int,
) -> Iterator[tuple[Any, Any]]:
    """(place, decision) in order of place, of both forms at one moment a page: what is converted
    meanwhile is read once.

    query   rows of a table beyond a place, in order of place
    """
    after = None
    while True:
        with one_moment(engine) as connection:
            new = connection.execute(query(_request, after).limit(size)).all()
            old = connection.execute(query(_decision, after).limit(size)).all()
            found = [*Reader(connection).read(new), *readable(old, decision_of)]
        after = min((place(rows[-1]) for rows in (new, old) if len(rows) == size), default=None)
        placed = sorted(((place(row), each) for row, each in found), key=itemgetter(0))
        yield from (pair for pair in placed if after is None or pair[0] <= after)
        if after is None:
            return


def _rows(engine: Engine, query: Select[Any]) -> Sequence[Row[Any]]:
    with reading(), engine.connect() as connection:
        return connection.execute(query).all()


def readable(
    rows: Sequence[Row[Any]], read: Callable[[Row[Any]], Any]
) -> Iterator[tuple[Row[Any], Any]]:
    """Rows with what is read of them, without those that hold no whole record."""
    for row in rows:
        with contextlib.suppress(msgspec.DecodeError):
            yield row, read(row)


def decision_of(row: Row[Any]) -> Found:
    """The record of a row that is kept as before."""
    return decode(Decision, row.body) if row.finished_at is None else decode(Outcome, row.body)
