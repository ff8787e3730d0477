"""What was spent since a moment, and requests that no provider was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Table, and_, case, exists, func, select

from windsock.store.engine import reading
from windsock.store.reports import PART
from windsock.store.rows import UncalledKind
from windsock.store.tables import AttemptRow, DecisionRow, UncalledRow

_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_uncalled: Table = UncalledRow.__table__  # type: ignore[attr-defined]

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


def uncalled_report(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str] = ("deployment",),
    namespace: str | None = None,
) -> list[dict[str, Any]]:
    """Requests that no provider was asked for, grouped as `reports.report` does: refused,
    cache_hits, saved_usd. Those refused have no deployment.

    raises  KeyError if `by` names anything else, StoreError
    """
    columns = {**{name: _uncalled.c[name] for name in ("task", "route", "namespace")},
               "key": _uncalled.c.key_id,
               "deployment": func.nullif(_uncalled.c.deployment, "")}  # fmt: skip
    groups = [columns[name].label(name) for name in by]
    saved, count = _uncalled.c.saved_pico_usd, _uncalled.c.requests
    query = select(
        *groups,
        func.sum(case((_uncalled.c.kind == UncalledKind.REFUSED, count), else_=0)).label("refused"),
        func.sum(case((_uncalled.c.kind == UncalledKind.CACHED, count), else_=0)).label("hits"),
        func.sum(saved // PART).label("high"),
        func.sum(saved % PART).label("low"),
    )
    span = [_uncalled.c.at >= since]
    span += [] if until is None else [_uncalled.c.at < until]
    span += [] if namespace is None else [_uncalled.c.namespace == namespace]
    with reading(), engine.connect() as connection:
        rows: Sequence[Any] = connection.execute(
            query.where(*span).group_by(*groups).order_by(*groups)
        ).all()
    return [
        {
            **{name: getattr(row, name) for name in by},
            "refused": int(row.refused or 0),
            "cache_hits": int(row.hits or 0),
            "saved_usd": _usd(row),
        }
        for row in rows
        if row.refused is not None
    ]


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


def _usd(row: Any) -> Decimal:
    return Decimal(int(row.high) * PART + int(row.low)).scaleb(-12)
