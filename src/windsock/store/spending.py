"""What was spent since a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, Engine, Table, select

from windsock.core.model.calls import Outcome
from windsock.store.compact.conversion import old_outcomes
from windsock.store.compact.requests import LONG_S, Reader
from windsock.store.compact.tables import RequestRow
from windsock.store.compact.totals import totals
from windsock.store.compact.transactions import one_moment
from windsock.store.rollups.keeping import call_sums
from windsock.store.rollups.money import usd
from windsock.store.rollups.sums import Series, Tally

LONGEST_REQUEST_S = 86_400.0
"""Before a moment, from which on requests may have begun that ended after it."""

_request: Table = RequestRow.__table__  # type: ignore[attr-defined]


class Spent(NamedTuple):
    """Dollars of the calls of a key to a deployment of a route; key_id None: without a key."""

    key_id: str | None
    route: str
    deployment: str
    usd: Decimal


def spent_since(engine: Engine, since: float) -> list[Spent]:
    """Costs of calls whose requests ended since then; raises StoreError.

    Calls from before costs were kept one by one are taken together, at whom the answer came from.
    """
    spent: Counter[tuple[str, str, str]] = Counter()
    for series, sums in totals(engine, since=since, parts=(call_sums,)).calls.items():
        spent[_payer(series)] += sums.get("cost", 0)
    tally = Tally()
    with one_moment(engine) as connection:
        begun = _begun_before(connection, since)
        tally.add(each for each in begun if each.finished_at >= since)
    for (series, _), added in tally.calls.items():
        spent[_payer(series)] += added["cost"]
    return [
        Spent(key_id or None, route, name, usd(pico))
        for (key_id, route, name), pico in spent.items()
        if pico
    ]


def _payer(series: Series) -> tuple[str, str, str]:
    return series.key_id, series.route, series.deployment


def _begun_before(connection: Connection, since: float) -> Iterator[Outcome]:
    """Requests of the day before that may have ended since: the latest, and long ones."""
    begin, late = since - LONGEST_REQUEST_S, since - LONG_S - 1
    query = select(_request).where(_request.c.at < since)
    reader = Reader(connection)
    for part in (
        query.where(_request.c.at >= late),
        query.where(_request.c.at >= begin, _request.c.at < late, _request.c.lasted_s.is_not(None)),
    ):
        rows = connection.execute(part).all()
        yield from (each for _, each in reader.read(rows) if isinstance(each, Outcome))
    yield from (each for each, _ in old_outcomes(connection, begin, since))
