"""Reading the store: plain functions over an engine, called in a worker thread."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, Select, case, func, insert, select, update

from windsock.core.quotes import HealthReport, Quote
from windsock.core.records import Decision, Feedback, Outcome, Reward, Shift, WeightTable
from windsock.store.codec import decode
from windsock.store.ledger import Entry, StateSnapshot
from windsock.store.tables import (
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    KeyRow,
    QuoteRow,
    SnapshotRow,
    WeightsRow,
)

_decision = DecisionRow.__table__  # type: ignore[attr-defined]
_feedback = FeedbackRow.__table__  # type: ignore[attr-defined]
_quote = QuoteRow.__table__  # type: ignore[attr-defined]
_health = HealthRow.__table__  # type: ignore[attr-defined]
_weights = WeightsRow.__table__  # type: ignore[attr-defined]
_event = EventRow.__table__  # type: ignore[attr-defined]
_snapshot = SnapshotRow.__table__  # type: ignore[attr-defined]
_key = KeyRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKey:
    """A key as kept: the hash of its secret only."""

    id: str
    name: str
    sha256: str
    namespace: str
    scopes: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None


def decision(engine: Engine, decision_id: str) -> Outcome | Decision | None:
    """A decision; as an outcome if its request ended here."""
    rows = _all(engine, select(_decision).where(_decision.c.id == decision_id))
    found = [_decision_of(row) for row in rows]
    return max(found, key=lambda each: isinstance(each, Outcome), default=None)


def decisions(
    engine: Engine, *, since: float, until: float, limit: int | None = None
) -> Iterator[Outcome | Decision]:
    """Decisions in order of time, streamed."""
    query = (
        select(_decision)
        .where(_decision.c.at >= since, _decision.c.at < until)
        .order_by(_decision.c.at)
        .limit(limit)
    )
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=500).execute(query):
            yield _decision_of(row)


def feedback_of(engine: Engine, decision_id: str) -> list[Feedback]:
    """What was reported of a decision, oldest first."""
    query = select(_feedback).where(_feedback.c.decision_id == decision_id)
    return [_feedback_of(row) for row in _all(engine, query.order_by(_feedback.c.position))]


def quotes(engine: Engine, deployment: str, *, since: float, until: float) -> list[Quote]:
    """Accepted quotes of a deployment, oldest first."""
    query = select(_quote).where(
        _quote.c.deployment == deployment, _quote.c.seen_at >= since, _quote.c.seen_at < until
    )
    rows = _all(engine, query.order_by(_quote.c.seen_at, _quote.c.position))
    return [decode(Quote, row.body) for row in rows]


def all_quotes(engine: Engine) -> list[Quote]:
    """Every accepted quote, in the order it was accepted."""
    return [
        decode(Quote, row.body) for row in _all(engine, select(_quote).order_by(_quote.c.position))
    ]


def table(engine: Engine, version: int) -> WeightTable | None:
    """A weight table by its version."""
    rows = _all(engine, select(_weights).where(_weights.c.version == version).limit(1))
    return decode(WeightTable, rows[0].body) if rows else None


def table_at(
    engine: Engine, namespace: str, route: str, task: str, at: float
) -> WeightTable | None:
    """The weight table that was in use at a past moment."""
    query = (
        select(_weights)
        .where(
            _weights.c.namespace == namespace,
            _weights.c.route == route,
            _weights.c.task == task,
            _weights.c.at <= at,
        )
        .order_by(_weights.c.at.desc(), _weights.c.position.desc())
        .limit(1)
    )
    rows = _all(engine, query)
    return decode(WeightTable, rows[0].body) if rows else None


def events(engine: Engine, *, since: float) -> list[Shift]:
    query = select(_event).where(_event.c.at >= since).order_by(_event.c.position)
    return [decode(Shift, row.body) for row in _all(engine, query)]


def latest_snapshot(engine: Engine) -> tuple[int, StateSnapshot] | None:
    """(position, snapshot), or None if none was ever taken."""
    query = select(_snapshot).order_by(_snapshot.c.position.desc()).limit(1)
    rows = _all(engine, query)
    return (rows[0].position, StateSnapshot(rows[0].at, rows[0].body)) if rows else None


def tail(engine: Engine, after: int) -> Iterator[Entry]:
    """What was appended after a position and bears on the router's state, in order."""
    readers = [
        (_decision, _decision_of),
        (_feedback, _feedback_of),
        (_health, lambda row: decode(HealthReport, row.body)),
    ]
    streams = [
        [
            (row.position, read(row))
            for row in _all(
                engine, select(source).where(source.c.position > after).order_by(source.c.position)
            )
        ]
        for source, read in readers
    ]
    for _, entry in heapq.merge(*streams, key=lambda pair: pair[0]):
        yield entry


def report(
    engine: Engine, *, since: float, by: Sequence[str], namespace: str
) -> list[dict[str, Any]]:
    """Requests, answers, spend and rewards since a moment, grouped by task, deployment, route, key.

    Spend sums exactly, in integer billionths of a dollar.
    """
    columns = {
        "task": _decision.c.task,
        "route": _decision.c.route,
        "deployment": func.coalesce(_decision.c.served, _decision.c.deployment),
        "key": _decision.c.key_id,
    }
    groups = [columns[name].label(name) for name in by]
    judged = (
        select(_feedback.c.decision_id, func.avg(_feedback.c.value).label("value"))
        .group_by(_feedback.c.decision_id)
        .subquery()
    )
    query = (
        select(
            *groups,
            func.count().label("requests"),
            func.sum(case((_decision.c.ok, 1), else_=0)).label("answered"),
            func.sum(_decision.c.attempts).label("attempts"),
            func.sum(_decision.c.cost_nano_usd).label("cost_nano_usd"),
            func.count(judged.c.value).label("judged"),
            func.sum(judged.c.value).label("successes"),
            func.avg(_decision.c.latency_s).label("mean_latency_s"),
        )
        .select_from(_decision.outerjoin(judged, judged.c.decision_id == _decision.c.id))
        .where(
            _decision.c.at >= since,
            _decision.c.finished_at.is_not(None),
            _decision.c.namespace == namespace,
        )
        .group_by(*groups)
    )
    return [dict(row._mapping) for row in _all(engine, query)]


def keys(engine: Engine) -> list[VirtualKey]:
    """All virtual keys, revoked ones included."""
    return [
        VirtualKey(**{**row._mapping, "scopes": tuple(row.scopes.split())})
        for row in _all(engine, select(_key).order_by(_key.c.created_at))
    ]


def add_key(engine: Engine, key: VirtualKey) -> None:
    values = {
        "id": key.id,
        "name": key.name,
        "sha256": key.sha256,
        "namespace": key.namespace,
        "scopes": " ".join(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
    with engine.begin() as connection:
        connection.execute(insert(_key).values(values))


def revoke_key(engine: Engine, key_id: str, at: float) -> bool:
    """False if no such key is active."""
    query = update(_key).where(_key.c.id == key_id, _key.c.revoked_at.is_(None))
    with engine.begin() as connection:
        return connection.execute(query.values(revoked_at=at)).rowcount == 1


def _all(engine: Engine, query: Select[Any]) -> Sequence[Row[Any]]:
    with engine.connect() as connection:
        return connection.execute(query).all()


def _decision_of(row: Row[Any]) -> Outcome | Decision:
    if row.finished_at is None:
        return decode(Decision, row.body)
    return decode(Outcome, row.body)


def _feedback_of(row: Row[Any]) -> Feedback:
    reward = Reward(value=row.value, source=row.source, metric=row.metric, key_id=row.key_id)
    return Feedback(
        decision_id=row.decision_id,
        reward=reward,
        at=row.at,
        weight=row.weight,
        idempotency_key=row.idempotency_key,
    )
