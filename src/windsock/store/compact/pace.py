"""What an hour costs, and what it cost on the days before, by the kept sums alone."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Engine, Table, func, select

from windsock.store.compact.transactions import reading
from windsock.store.rollups.money import PART, usd
from windsock.store.rollups.sums import SPANS_S
from windsock.store.rollups.tables import RequestSumsRow
from windsock.store.rollups.windows import window

HOUR_S, DAY_S = 3600.0, 86_400.0

_sums: Table = RequestSumsRow.__table__  # type: ignore[attr-defined]


class DayPace(NamedTuple):
    """Dollars and requests of an hour of a day, and dollars of the 24 hours to its end."""

    usd: float
    requests: int
    day_usd: float


def paces(engine: Engine, now: float, days: int) -> list[DayPace]:
    """The last hour, and the same hour of as many days before as the store knows whole.

    now     unix s; the hour ends with the last whole minute
    raises  StoreError
    """
    end = now // SPANS_S[0] * SPANS_S[0]
    with reading(), engine.connect() as connection:
        first = connection.execute(
            select(func.min(_sums.c.at)).where(_sums.c.span_s == SPANS_S[1])
        ).scalar()
        if first is None:
            return []
        ends = [end - day * DAY_S for day in range(days + 1)]
        return [_pace(connection, at) for at in ends if at == end or at - DAY_S >= first]


def _pace(connection: Connection, end: float) -> DayPace:
    dollars, requests = _spent(connection, end - HOUR_S, end)
    return DayPace(dollars, requests, _spent(connection, end - DAY_S, end)[0])


def _spent(connection: Connection, since: float, until: float) -> tuple[float, int]:
    high, low, requests = 0, 0, 0
    names = ("cost_high", "cost_low", "requests")
    columns = [func.coalesce(func.sum(_sums.c[name]), 0) for name in names]
    for span_s, begin, end in window(since, until).pieces:
        kept = _sums.c.span_s == span_s, _sums.c.at >= begin, _sums.c.at < end
        found = connection.execute(select(*columns).where(*kept)).one()
        high, low, requests = high + int(found[0]), low + int(found[1]), requests + int(found[2])
    return float(usd(high * PART + low)), requests
