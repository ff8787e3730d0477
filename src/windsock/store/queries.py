"""Reading the store: plain functions over an engine, called in a worker thread.

All raise StoreError if the database cannot be read. A row whose body is no whole record is left
out: one bad row must not keep a service from starting.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice
from math import inf
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Engine, Row, Select, Table, func, select

from windsock.core.model.events import Event
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.validation import Held
from windsock.store.codec import decode, decode_spoken
from windsock.store.compact.dictionary import parts
from windsock.store.compact.history import (
    count,
    decision,
    decision_of_response,
    decisions,
    since_position,
    table,
    table_at,
    tables,
    tables_at,
)
from windsock.store.compact.seeking import sought
from windsock.store.engine import reading
from windsock.store.keys import VirtualKey, add_key, keys, meta, revoke_key, set_meta
from windsock.store.reports import attempts_report, bills_report, report
from windsock.store.rows import Entry, StateSnapshot
from windsock.store.tables import (
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    QuoteRow,
    SnapshotRow,
)

__all__ = [
    "VirtualKey",
    "add_key",
    "all_quotes",
    "attempts_report",
    "bills_report",
    "decision",
    "decision_of_response",
    "decisions",
    "events",
    "feedback_of",
    "feedback_of_each",
    "held_quotes",
    "keys",
    "last_quotes",
    "latest_snapshot",
    "meta",
    "quote_in_force",
    "quotes",
    "report",
    "revoke_key",
    "set_meta",
    "snapshots",
    "sought",
    "table",
    "table_at",
    "tables",
    "tables_at",
    "tail",
    "tail_size",
    "tail_with_positions",
]

PAGE = 1000
"""Rows fetched at a time."""

T = TypeVar("T")

_feedback: Table = FeedbackRow.__table__  # type: ignore[attr-defined]
_quote: Table = QuoteRow.__table__  # type: ignore[attr-defined]
_held: Table = HeldRow.__table__  # type: ignore[attr-defined]
_health: Table = HealthRow.__table__  # type: ignore[attr-defined]
_event: Table = EventRow.__table__  # type: ignore[attr-defined]
_snapshot: Table = SnapshotRow.__table__  # type: ignore[attr-defined]


def feedback_of(engine: Engine, decision_id: str) -> list[Feedback]:
    """What was reported of a decision, oldest first."""
    query = select(_feedback).where(_feedback.c.decision_id == decision_id)
    rows = _all(engine, query.order_by(_feedback.c.position))
    return [each for _, each in _readable(rows, decode_spoken)]


def feedback_of_each(engine: Engine, ids: Collection[str]) -> dict[str, list[Feedback]]:
    """The same of many decisions, by their ids; those of which nothing was said are not there."""
    found: dict[str, list[Feedback]] = {}
    for part in parts(ids):
        query = select(_feedback).where(_feedback.c.decision_id.in_(part))
        rows = _all(engine, query.order_by(_feedback.c.position))
        for _, each in _readable(rows, decode_spoken):
            found.setdefault(each.decision_id, []).append(each)
    return found


def quotes(engine: Engine, deployment: str, *, since: float, until: float) -> list[Quote]:
    """Accepted quotes of a deployment seen since a moment and before another, oldest first."""
    query = select(_quote).where(
        _quote.c.deployment == deployment, _quote.c.seen_at >= since, _quote.c.seen_at < until
    )
    return _records(engine, query.order_by(_quote.c.seen_at, _quote.c.position), Quote)


def quote_in_force(engine: Engine, deployment: str, at: float) -> Quote | None:
    """The quote that billed a request at a past moment, as the book of the time would say."""
    query = select(_quote).where(_quote.c.deployment == deployment, _quote.c.seen_at <= at)
    book = PriceBook()
    book.restore(_records(engine, query.order_by(_quote.c.position), Quote))
    return book.in_force(deployment, at)


def all_quotes(engine: Engine) -> list[Quote]:
    """Every accepted quote, in the order it was accepted."""
    return _records(engine, select(_quote).order_by(_quote.c.position), Quote)


def last_quotes(engine: Engine) -> list[Quote]:
    """The last accepted quote of every deployment."""
    last = select(func.max(_quote.c.position)).group_by(_quote.c.deployment)
    query = select(_quote).where(_quote.c.position.in_(last)).order_by(_quote.c.deployment)
    return _records(engine, query, Quote)


def held_quotes(
    engine: Engine, *, since: float, until: float, deployment: str | None = None
) -> list[Held]:
    """Quotes that were not believed, oldest first."""
    query = select(_held).where(_held.c.seen_at >= since, _held.c.seen_at < until)
    query = query if deployment is None else query.where(_held.c.deployment == deployment)
    return _records(engine, query.order_by(_held.c.position), Held)


def events(engine: Engine, *, since: float, limit: int | None = None) -> list[Event]:
    """Events since a moment, oldest first; with a limit the newest ones."""
    return list(islice(newest_events(engine, since=since), limit))[::-1]


def newest_events(
    engine: Engine,
    *,
    since: float,
    until: float = inf,
    kinds: Collection[str] = (),
    deployment: str | None = None,
) -> Iterator[Event]:
    """Events of [since, until), newest first; of these kinds and this deployment, where named."""
    query = select(_event).where(_event.c.at >= since, _event.c.at < until)
    query = query.where(_event.c.kind.in_([str(kind) for kind in kinds])) if kinds else query
    query = query if deployment is None else query.where(_event.c.deployment == deployment)
    page = query = query.order_by(_event.c.position.desc()).limit(PAGE)
    while rows := _all(engine, page):
        yield from (event for _, event in _readable(rows, lambda row: decode(Event, row.body)))
        page = query.where(_event.c.position < rows[-1].position)


def latest_snapshot(engine: Engine) -> tuple[int, StateSnapshot] | None:
    """(position, snapshot), or None if none was ever taken."""
    return next(snapshots(engine), None)


def snapshots(engine: Engine) -> Iterator[tuple[int, StateSnapshot]]:
    """(position, snapshot) of those that are kept, newest first, each read when it is asked for."""
    newest_first = select(_snapshot).order_by(_snapshot.c.position.desc()).limit(1)
    rows = _all(engine, newest_first)
    while rows:
        (row,) = rows
        yield row.position, StateSnapshot(row.at, row.body)
        rows = _all(engine, newest_first.where(_snapshot.c.position < row.position))


def tail(engine: Engine, after: int) -> Iterator[Entry]:
    """What was appended after a position and bears on the router's state, in append order."""
    return (entry for _, entry in tail_with_positions(engine, after))


def tail_with_positions(engine: Engine, after: int) -> Iterator[tuple[int, Entry]]:
    """The same, each with where it stands."""
    readers: list[tuple[Table, Callable[[Row[Any]], Entry]]] = [
        (_feedback, decode_spoken),
        (_quote, lambda row: decode(Quote, row.body)),
        (_held, lambda row: decode(Held, row.body)),
        (_health, lambda row: decode(HealthReport, row.body)),
    ]
    others = [_since(engine, source, after, read) for source, read in readers]
    streams: list[Iterator[tuple[int, Entry]]] = [since_position(engine, after), *others]
    yield from heapq.merge(*streams, key=lambda pair: pair[0])


def tail_size(engine: Engine) -> int:
    """How many entries `tail` would read from the start."""
    sources = (_feedback, _quote, _held, _health)
    others = [_all(engine, select(func.count()).select_from(source))[0][0] for source in sources]
    return int(count(engine) + sum(others))


def _since(
    engine: Engine, source: Table, after: int, read: Callable[[Row[Any]], Entry]
) -> Iterator[tuple[int, Entry]]:
    while True:
        query = select(source).where(source.c.position > after)
        rows = _all(engine, query.order_by(source.c.position).limit(PAGE))
        yield from _readable(rows, read)
        if len(rows) < PAGE:
            return
        after = rows[-1].position


def _records(engine: Engine, query: Select[Any], kind: type[T]) -> list[T]:
    rows = _all(engine, query)
    return [each for _, each in _readable(rows, lambda row: decode(kind, row.body))]


def _readable(rows: Sequence[Row[Any]], read: Callable[[Row[Any]], T]) -> Iterator[tuple[int, T]]:
    for row in rows:
        with contextlib.suppress(msgspec.DecodeError):
            yield row.position, read(row)


def _all(engine: Engine, query: Select[Any]) -> Sequence[Row[Any]]:
    with reading(), engine.connect() as connection:
        return connection.execute(query).all()
