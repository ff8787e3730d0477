"""Sums over the ledger: spend, answers, rewards, delay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Label,
    Row,
    Select,
    Subquery,
    Table,
    and_,
    case,
    func,
    select,
)

from windsock.store.engine import reading
from windsock.store.tables import AttemptRow, DecisionRow, FeedbackRow

_decision: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_attempt: Table = AttemptRow.__table__  # type: ignore[attr-defined]
_feedback: Table = FeedbackRow.__table__  # type: ignore[attr-defined]

PART = 10**6
"""Spend is summed in two parts, for a sum of picodollars leaves 64 bits at nine million dollars."""

PERCENTS = (50, 95, 99)

COLUMNS: Mapping[str, ColumnElement[Any]] = {
    "task": _decision.c.task,
    "route": _decision.c.route,
    "deployment": func.coalesce(_decision.c.served, _decision.c.deployment),
    "key": _decision.c.key_id,
    "namespace": _decision.c.namespace,
}


def report(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str] = ("task", "deployment", "key"),
    namespace: str | None = None,
) -> list[dict[str, Any]]:
    """Finished requests of a span of time, grouped by task, deployment (that served), route, key.

    requests, answered, attempts, judged     counts
    unknown_cost            requests whose cost is not known, and in no sum of costs
    cost_usd                exact sum of the others, Decimal, None without one; cost_nano_usd the
                            same in rounded billionths
    successes               sum of rewards, each judged request once: the mean of the last word on
                            each matter (metric, source, key)
    mean_latency_s, p50_latency_s, p95_latency_s, p99_latency_s      of answered requests

    raises  KeyError if `by` names anything else, StoreError
    """
    groups = [COLUMNS[name].label(name) for name in by]
    span = _span(since, until, namespace)
    with reading(), engine.connect() as connection:
        sums = connection.execute(_sums(groups, span)).all()
        delays = {
            tuple(row[: len(by)]): row for row in connection.execute(_delays(groups, span)).all()
        }
    return [_line(row, delays.get(tuple(row[: len(by)])), by) for row in sums]


def attempts_report(
    engine: Engine, *, since: float, until: float | None = None
) -> list[dict[str, Any]]:
    """Calls by deployment and how they ended, of all namespaces: calls, mean_latency_s."""
    query = (
        select(
            _attempt.c.deployment,
            _attempt.c.kind,
            func.count().label("calls"),
            func.avg(_attempt.c.latency_s).label("mean_latency_s"),
        )
        .join_from(_decision, _attempt, _attempt.c.position == _decision.c.position)
        .where(_span(since, until, None))
        .group_by(_attempt.c.deployment, _attempt.c.kind)
        .order_by(_attempt.c.deployment, _attempt.c.kind)
    )
    with reading(), engine.connect() as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def bills_report(
    engine: Engine,
    *,
    since: float,
    until: float | None = None,
    by: Sequence[str] = ("deployment",),
    namespace: str | None = None,
) -> list[dict[str, Any]]:
    """Calls that were billed, grouped by task, deployment (that was called), route, key.

    bills, billed_usd, counted_usd      those believed whose use has a price here, and both sums
    doubted_bills, doubted_usd          those that are in no sum, and what they said

    Sums are exact Decimals. raises  KeyError if `by` names anything else, StoreError
    """
    columns = {**COLUMNS, "deployment": _attempt.c.deployment}
    groups = [columns[name].label(name) for name in by]
    is_doubted = _attempt.c.is_bill_doubted.is_(True)
    is_compared = and_(_attempt.c.is_bill_doubted.is_(False), _attempt.c.counted_pico_usd > 0)
    query = (
        select(
            *groups,
            func.sum(case((is_compared, 1), else_=0)).label("bills"),
            *_parts(_attempt.c.billed_pico_usd, is_compared, "billed"),
            *_parts(_attempt.c.counted_pico_usd, is_compared, "counted"),
            func.sum(case((is_doubted, 1), else_=0)).label("doubted_bills"),
            *_parts(_attempt.c.billed_pico_usd, is_doubted, "doubted"),
        )
        .join_from(_decision, _attempt, _attempt.c.position == _decision.c.position)
        .where(_span(since, until, namespace), _attempt.c.billed_pico_usd.is_not(None))
        .group_by(*groups)
        .order_by(*groups)
    )
    with reading(), engine.connect() as connection:
        return [_bill_line(dict(row._mapping)) for row in connection.execute(query)]


def _parts(
    column: ColumnElement[int], condition: ColumnElement[bool], name: str
) -> Iterator[Label[Any]]:
    """The two parts of a sum of picodollars over some rows."""
    yield func.sum(case((condition, column // PART), else_=0)).label(f"{name}_high")
    yield func.sum(case((condition, column % PART), else_=0)).label(f"{name}_low")


def _bill_line(facts: dict[str, Any]) -> dict[str, Any]:
    for name in ("billed", "counted", "doubted"):
        pico = int(facts.pop(f"{name}_high")) * PART + int(facts.pop(f"{name}_low"))
        facts[f"{name}_usd"] = Decimal(pico).scaleb(-12)
    return facts


def _span(since: float, until: float | None, namespace: str | None) -> ColumnElement[bool]:
    conditions = [_decision.c.at >= since, _decision.c.finished_at.is_not(None)]
    if until is not None:
        conditions.append(_decision.c.at < until)
    if namespace is not None:
        conditions.append(_decision.c.namespace == namespace)
    return and_(*conditions)


def _sums(groups: list[Label[Any]], span: ColumnElement[bool]) -> Select[Any]:
    judged = _judged(span)
    return (
        select(
            *groups,
            func.count().label("requests"),
            func.sum(case((_decision.c.ok, 1), else_=0)).label("answered"),
            func.sum(_decision.c.attempts).label("attempts"),
            func.sum(case((_decision.c.is_cost_unknown, 1), else_=0)).label("unknown_cost"),
            func.sum(_decision.c.cost_pico_usd // PART).label("cost_high"),
            func.sum(_decision.c.cost_pico_usd % PART).label("cost_low"),
            func.count(judged.c.value).label("judged"),
            func.sum(judged.c.value).label("successes"),
            func.avg(case((_decision.c.ok, _decision.c.latency_s))).label("mean_latency_s"),
        )
        .select_from(_decision.outerjoin(judged, judged.c.position == _decision.c.position))
        .where(span)
        .group_by(*groups)
    )


def _judged(span: ColumnElement[bool]) -> Subquery:
    """One value per judged decision: the mean of the last word on each matter."""
    matter = (
        _feedback.c.decision_id,
        _feedback.c.metric,
        _feedback.c.source,
        _feedback.c.key_id,
    )
    age = func.row_number().over(partition_by=matter, order_by=_feedback.c.position.desc())
    words = (
        select(_decision.c.position, _feedback.c.value, age.label("age"))
        .join_from(_decision, _feedback, _feedback.c.decision_id == _decision.c.id)
        .where(span)
        .subquery()
    )
    return (
        select(words.c.position, func.avg(words.c.value).label("value"))
        .where(words.c.age == 1)
        .group_by(words.c.position)
        .subquery()
    )


def _delays(groups: list[Label[Any]], span: ColumnElement[bool]) -> Select[Any]:
    """Percentiles by nearest rank: exact, and the same on every database."""
    partition = [group.element for group in groups] or None
    ranked = (
        select(
            *groups,
            _decision.c.latency_s,
            func.row_number()
            .over(partition_by=partition, order_by=_decision.c.latency_s)
            .label("rank"),
            func.count().over(partition_by=partition).label("size"),
        )
        .where(span, _decision.c.ok)
        .subquery()
    )
    names = [ranked.c[group.name] for group in groups]
    return select(
        *names,
        *(
            func.max(
                case((ranked.c.rank == (ranked.c.size * percent + 99) // 100, ranked.c.latency_s))
            ).label(f"p{percent}_latency_s")
            for percent in PERCENTS
        ),
    ).group_by(*names)


def _line(row: Row[Any], delays: Row[Any] | None, by: Sequence[str]) -> dict[str, Any]:
    facts = dict(row._mapping)
    pico = int(facts.pop("cost_high") or 0) * PART + int(facts.pop("cost_low") or 0)
    facts["unknown_cost"] = int(facts["unknown_cost"] or 0)
    is_known = not facts["unknown_cost"] or facts["unknown_cost"] < facts["requests"]
    facts["cost_usd"] = Decimal(pico).scaleb(-12) if is_known else None
    facts["cost_nano_usd"] = round(Decimal(pico).scaleb(-3)) if is_known else None
    facts["successes"] = float(facts["successes"] or 0.0)
    for place, percent in enumerate(PERCENTS):
        facts[f"p{percent}_latency_s"] = delays[len(by) + place] if delays is not None else None
    return facts
