"""What was spent since a moment, and requests that no provider was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Row, Table, and_, exists, func, select

from windsock.store.engine import reading
from windsock.store.reports import PART
from windsock.store.tables import AttemptRow, DecisionRow

_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]

LONGEST_REQUEST_S = 86_400.0
"""Before a moment, from which on requests may have begun that ended after it."""


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
    ended = and_(_decision.c.at >= since - LONGEST_REQUEST_S, _decision.c.finished_at >= since)
    with reading(), engine.connect() as connection:
        calls = connection.execute(_sums(_attempt.c.deployment, _attempt.c.cost_pico_usd, ended))
        found = list(_spent(calls.all()))
        is_kept = exists().where(
            _attempt.c.position == _decision.c.position, _attempt.c.cost_pico_usd.is_not(None)
        )
        who = func.coalesce(_decision.c.served, _decision.c.deployment)
        old = and_(ended, _decision.c.cost_pico_usd > 0, ~is_kept)
        return found + list(_spent(connection.execute(_sums(who, _cost, old)).all()))


_cost = _decision.c.cost_pico_usd


def _sums(who: ColumnElement[str], cost: ColumnElement[int], condition: ColumnElement[bool]) -> Any:
    groups = (_decision.c.key_id, _decision.c.route, who.label("deployment"))
    parts = func.sum(cost // PART).label("high"), func.sum(cost % PART).label("low")
    query = select(*groups, *parts).where(condition, cost.is_not(None)).group_by(*groups)
    if cost is _cost:
        return query
    return query.select_from(_decision.join(_attempt, _attempt.c.position == _decision.c.position))


def _spent(rows: Any) -> Iterator[Spent]:
    for row in rows:
        yield Spent(row.key_id, row.route, row.deployment, _usd(row))


def _usd(row: Row[Any]) -> Decimal:
    return Decimal(int(row.high) * PART + int(row.low)).scaleb(-12)
