"""Sums over any span of time: kept ones for whole minutes, the ledger itself at the ends.

What comes of it is what adding up every request would give, at any moment, also while rows of an
older store are still being summed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import pairwise
from math import inf
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, bindparam, func, select

from windsock.core.model.calls import Outcome
from windsock.store.compact.conversion import old_outcomes, uncalled_of
from windsock.store.compact.requests import Reader
from windsock.store.compact.tables import RequestRow, SeriesRow
from windsock.store.compact.transactions import one_moment
from windsock.store.rollups.keeping import DOLLARS, call_sums, delay_sums, request_sums
from windsock.store.rollups.money import PART
from windsock.store.rollups.sums import Series, Sums, Tally, add_up, series_of
from windsock.store.rollups.windows import Piece, touched, window
from windsock.store.tables import UncalledRow

PAGE = 2000

NEVER = 2**62
"""Unix s after all others, for both databases."""

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]
_series: Table = SeriesRow.__table__  # type: ignore[attr-defined]
_uncalled: Table = UncalledRow.__table__  # type: ignore[attr-defined]


Parts = Collection[Table]
BOTH: Parts = (request_sums, call_sums)


@dataclass(slots=True)
class Totals:
    """Sums by series: of requests, of calls, and answered requests by deployment and milliseconds
    of two digits.

    delays  of the whole hours that a span of time touches, where they are asked for; none of rows
            not converted yet
    """

    requests: dict[Series, Sums] = field(default_factory=dict)
    calls: dict[Series, Sums] = field(default_factory=dict)
    delays: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def take(self, tally: Tally) -> None:
        """Add what was counted one by one."""
        for (series, _), sums in tally.requests.items():
            add_up(self.requests, series, sums)
        for (series, _), sums in tally.calls.items():
            add_up(self.calls, series, sums)


def totals(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    parts: Parts = BOTH,
    billed_alone: bool = False,
) -> Totals:
    """Sums over [since, until), without delays; without `until` up to now. Raises StoreError.

    parts   of requests, of calls; those that are not asked for are not whole
    billed_alone    nor are sums of calls of which none was billed: most are not
    """
    asked = window(since, inf if until is None else until)
    found = Totals()
    with one_moment(engine) as connection:
        for piece in asked.pieces:
            _take_kept(connection, piece, found, parts, billed_alone=billed_alone)
        for begin, end in asked.ends:
            found.take(counted(connection, begin, end))
        found.take(not_yet_kept(connection, since, inf if until is None else until))
    return found


def totals_by_step(
    engine: Engine,
    *,
    since: float,
    until: float,
    step_s: float,
    has_delays: bool,
    parts: Parts = BOTH,
) -> list[Totals]:
    """The same of each step of [since, until), which are whole minutes; raises StoreError."""
    found = [Totals() for _ in range(round((until - since) / step_s))]
    with one_moment(engine) as connection:
        delays_in = cache(partial(_delays, connection))
        for place, each in enumerate(found):
            begin = since + place * step_s
            for piece in window(begin, begin + step_s).pieces:
                _take_kept(connection, piece, each, parts)
            for piece in touched(begin, begin + step_s).pieces if has_delays else ():
                for deployment, ms, requests in delays_in(piece):
                    each.delays[deployment][ms] += requests
        rest = not_yet_kept(connection, since, until)
    for place, tally in rest.by_step(since, step_s).items():
        found[place].take(tally)
    return found


def requests_between(engine: Engine, minutes: Sequence[float], namespace: str) -> list[int]:
    """Finished requests of a namespace between each two of these whole minutes; raises StoreError.

    Nothing but their number is read: a hundredth of the work of `totals`.
    """
    found = []
    with one_moment(engine) as connection:
        for since, until in pairwise(minutes):
            kept = (
                connection.scalar(_requests_of(), {**_of(piece), "of": namespace}) or 0
                for piece in window(since, until).pieces
            )
            rest = not_yet_kept(connection, since, until).requests
            late = sum(
                n.get("requests", 0) for (who, _), n in rest.items() if who.namespace == namespace
            )
            found.append(int(sum(kept)) + late)
    return found


def requests_by_task(engine: Engine, *, since: float, namespace: str) -> dict[tuple[str, str], int]:
    """Finished requests of a namespace from that whole minute on, by (route, task), where nothing
    else of them is asked: a fifth of the work of `totals`. Raises StoreError."""
    found: Counter[tuple[str, str]] = Counter()
    with one_moment(engine) as connection:
        for piece in window(since, inf).pieces:
            rows = connection.execute(_requests_of_tasks(), {**_of(piece), "of": namespace})
            for route, task, requests in rows:
                found[route, task] += int(requests)
        for (who, _), sums in not_yet_kept(connection, since, inf).requests.items():
            if who.namespace == namespace:
                found[who.route, who.task] += sums.get("requests", 0)
    return found


@cache
def _requests_of_tasks() -> Select[Any]:
    query = select(_series.c.route, _series.c.task, func.sum(request_sums.c.requests))
    query = query.join(_series, _series.c.id == request_sums.c.series)
    query = query.where(_series.c.namespace == bindparam("of"))
    return _within(query, request_sums).group_by(_series.c.route, _series.c.task)


@cache
def _requests_of() -> Select[Any]:
    query = select(func.sum(request_sums.c.requests))
    query = query.join(_series, _series.c.id == request_sums.c.series)
    return _within(query.where(_series.c.namespace == bindparam("of")), request_sums)


def counted(connection: Connection, since: float, until: float) -> Tally:
    """What the ledger itself holds of a span of time and is in the kept sums."""
    tally = Tally()
    query = select(_request).where(_request.c.at >= since, _request.c.at < until)
    reader = Reader(connection)
    for page in connection.execute(query).partitions(PAGE):
        found = [each for each in reader.read(page) if isinstance(each[1], Outcome)]
        tally.add(outcome for _, outcome in found)
        for row, outcome in found:
            tally.judge(series_of(outcome), row.at, None, row.success_nano)
    _leave_aside(connection, tally, since, until, is_summed=True)
    return tally


def not_yet_kept(connection: Connection, since: float, until: float) -> Tally:
    """Rows of an older store that are in no kept sum yet."""
    tally = Tally()
    for outcome, success in old_outcomes(connection, since, until):
        tally.add([outcome])
        tally.judge(series_of(outcome), outcome.decision.at, None, success)
    _leave_aside(connection, tally, since, until, is_summed=False)
    return tally


def _leave_aside(
    connection: Connection, tally: Tally, since: float, until: float, *, is_summed: bool
) -> None:
    marked = _uncalled.c.is_summed
    query = select(_uncalled).where(_uncalled.c.at >= since, _uncalled.c.at < until)
    query = query.where(marked.is_not(None) if is_summed else marked.is_(None))
    for row in connection.execute(query):
        tally.leave_aside(uncalled_of(row))


def _take_kept(
    connection: Connection,
    piece: Piece,
    found: Totals,
    parts: Parts,
    *,
    billed_alone: bool = False,
) -> None:
    names = len(Series._fields)
    for table, sums in ((request_sums, found.requests), (call_sums, found.calls)):
        if table in parts:
            query = _billed() if billed_alone and table is call_sums else _sums(table)
            for row in connection.execute(query, _of(piece)).all():
                add_up(sums, Series(*row[:names]), _whole(table, row[names:]))


def _delays(connection: Connection, piece: Piece) -> list[tuple[str, int, int]]:
    """(deployment, milliseconds, requests); short steps touch the same hour."""
    rows = connection.execute(_delays_of_deployments(), _of(piece))
    return [(deployment, ms, int(requests)) for deployment, ms, requests in rows]


@cache
def _delays_of_deployments() -> Select[Any]:
    name, ms = _series.c.deployment, delay_sums.c.ms
    query = select(name, ms, func.sum(delay_sums.c.requests))
    query = query.join(_series, _series.c.id == delay_sums.c.series)
    return _within(query, delay_sums).group_by(name, ms)


def _within(query: Select[Any], table: Table) -> Select[Any]:
    at = table.c.at
    return query.where(
        table.c.span_s == bindparam("of_span_s"), at >= bindparam("since"), at < bindparam("until")
    )


def _of(piece: Piece) -> dict[str, float]:
    """What `_within` asks for."""
    until = min(piece.until, NEVER)
    return {"of_span_s": piece.span_s, "since": piece.since, "until": until}


@cache
def _columns(table: Table) -> tuple[str, ...]:
    return tuple(each.name for each in table.c if each.name not in table.primary_key.columns)


@cache
def _sums(table: Table) -> Select[Any]:
    """Made once: composing it costs as much as a small answer."""
    names = [_series.c[name] for name in Series._fields]
    sums = [func.sum(table.c[name]) for name in _columns(table)]
    query = select(*names, *sums).join(_series, _series.c.id == table.c.series)
    return _within(query, table).group_by(_series.c.id)


@cache
def _billed() -> Select[Any]:
    bills = call_sums.c.bills + call_sums.c.doubted_bills
    return _sums(call_sums).having(func.sum(bills) > 0)


def _whole(table: Table, values: Sequence[Any]) -> Sums:
    """Columns as sums have them: dollars in one; most are 0, and left out."""
    sums = {name: int(value) for name, value in zip(_columns(table), values, strict=True) if value}
    for name in DOLLARS:
        high, low = sums.pop(f"{name}_high", 0), sums.pop(f"{name}_low", 0)
        if high or low:
            sums[name] = high * PART + low
    return sums
