"""What the ledger takes, and the rows it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Any

from sqlmodel import SQLModel

from windsock.core.model.calls import CallResult, Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held
from windsock.store.codec import encode
from windsock.store.tables import (
    AttemptRow,
    DecisionRow,
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    QuoteRow,
    SnapshotRow,
    UncalledRow,
    WeightsRow,
)

PICO = Decimal(10) ** 12
MAX_PICO_USD = 2**63 - 1
"""Of a column of 64 bits."""


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """The router's whole state as bytes, taken at `at`."""

    at: float
    body: bytes


class UncalledKind(StrEnum):
    """Why no provider was asked: the request was refused, or its answer was kept."""

    REFUSED = "refused"
    CACHED = "cached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncalled:
    """Requests that no provider was asked for; see `UncalledRow`."""

    at: float
    kind: UncalledKind
    namespace: str
    route: str
    task: str
    key_id: str | None
    deployment: str = ""
    cause: str = ""
    requests: int = 1
    saved_usd: Decimal = Decimal(0)


Entry = (
    Outcome
    | Decision
    | Feedback
    | Quote
    | Held
    | HealthReport
    | WeightTable
    | Event
    | StateSnapshot
    | Uncalled
)

Row = tuple[type[SQLModel], dict[str, Any]]


def rows_of(entry: Entry, position: int) -> Iterator[Row]:
    """The rows of an entry, each with all columns of its table, in order."""
    match entry:
        case Outcome():
            yield DecisionRow, _outcome(entry, position)
            for result in entry.results:
                yield AttemptRow, _attempt(result, position)
        case Decision():
            yield DecisionRow, _decision(entry, position)
        case Feedback():
            yield FeedbackRow, _feedback(entry, position)
        case Quote():
            yield QuoteRow, _quote(entry, position)
        case Held():
            yield HeldRow, _held(entry, position)
        case HealthReport():
            yield HealthRow, _health(entry, position)
        case WeightTable():
            yield WeightsRow, _weights(entry, position)
        case Event():
            yield EventRow, _event(entry, position)
        case StateSnapshot():
            yield SnapshotRow, {"position": position, "at": entry.at, "body": entry.body}
        case Uncalled():
            yield UncalledRow, _uncalled(entry, position)


def by_table(rows: Iterable[Row]) -> dict[type[SQLModel], list[dict[str, Any]]]:
    """In order of first mention, and within a table as they came."""
    tables: dict[type[SQLModel], list[dict[str, Any]]] = {}
    for table, row in rows:
        tables.setdefault(table, []).append(row)
    return tables


def pico_usd(money: Decimal) -> int:
    """Whole picodollars, rounded half even; at most 9.2 million dollars."""
    return min(round(money * PICO), MAX_PICO_USD)


def _finite(seconds: float) -> float:
    """JSON has no other numbers, and a record that holds one could not be read back."""
    if not isfinite(seconds):
        raise ValueError(seconds)
    return seconds


def _decision(decision: Decision, position: int) -> dict[str, Any]:
    namespace, route, task = decision.cell.stored
    return {
        "position": position,
        "id": decision.id,
        "number": decision.number,
        "at": decision.at,
        "finished_at": None,
        "namespace": namespace,
        "route": route,
        "task": task,
        "key_id": decision.key_id,
        "response_id": None,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "table_version": decision.table_version,
        "served": None,
        "ok": None,
        "attempts": 0,
        "cost_pico_usd": 0,
        "is_cost_unknown": None,
        "latency_s": None,
        "body": encode(decision),
    }


def _outcome(outcome: Outcome, position: int) -> dict[str, Any]:
    decision = outcome.decision
    namespace, route, task = decision.cell.stored
    return {
        "position": position,
        "id": decision.id,
        "number": decision.number,
        "at": decision.at,
        "finished_at": outcome.finished_at,
        "namespace": namespace,
        "route": route,
        "task": task,
        "key_id": decision.key_id,
        "response_id": outcome.response_id,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "table_version": decision.table_version,
        "served": outcome.served,
        "ok": outcome.ok,
        "attempts": len(outcome.results),
        "cost_pico_usd": 0 if outcome.cost_usd is None else pico_usd(outcome.cost_usd),
        "is_cost_unknown": outcome.cost_usd is None,
        "latency_s": _finite(outcome.finished_at - decision.at),
        "body": encode(outcome),
    }


def _attempt(result: CallResult, position: int) -> dict[str, Any]:
    attempt = result.attempt
    return {
        "position": position,
        "number": attempt.number,
        "deployment": attempt.deployment,
        "reason": attempt.reason.value,
        "kind": result.kind.value,
        "status": result.status,
        "latency_s": _finite(result.latency_s),
        "first_byte_s": result.first_byte_s,
        **_bill(result),
        "cost_pico_usd": None if result.cost_usd is None else pico_usd(result.cost_usd),
    }


def _bill(result: CallResult) -> dict[str, Any]:
    """A bill above 0, and what it is held against; nothing where there is none."""
    billed = result.billed_usd if result.billed_usd and result.billed_usd > 0 else None
    counted = result.counted_usd if billed is not None else None
    return {
        "billed_pico_usd": None if billed is None else pico_usd(billed),
        "counted_pico_usd": None if counted is None else pico_usd(counted),
        "is_bill_doubted": None if billed is None else result.is_bill_doubted,
    }


def _uncalled(entry: Uncalled, position: int) -> dict[str, Any]:
    facts = {each.name: getattr(entry, each.name) for each in fields(entry)}
    saved = pico_usd(facts.pop("saved_usd"))
    return {**facts, "position": position, "kind": entry.kind.value, "saved_pico_usd": saved}


def _feedback(feedback: Feedback, position: int) -> dict[str, Any]:
    reward = feedback.reward
    return {
        "position": position,
        "decision_id": feedback.decision_id,
        "at": feedback.at,
        "value": reward.value,
        "source": reward.source,
        "metric": reward.metric,
        "key_id": reward.key_id,
        "once": _once(feedback),
        "body": encode(feedback),
    }


def _once(feedback: Feedback) -> str | None:
    if feedback.idempotency_key is None:
        return None
    reward = feedback.reward
    parts = (reward.key_id or "", reward.source, reward.metric, feedback.idempotency_key)
    return "\x1f".join(parts)


def _quote(quote: Quote, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "deployment": quote.deployment,
        "source": quote.feed,
        "quoted_at": quote.quoted_at,
        "seen_at": quote.seen_at,
        "body": encode(quote),
    }


def _held(held: Held, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "deployment": held.quote.deployment,
        "source": held.quote.feed,
        "reason": held.reason,
        "seen_at": held.quote.seen_at,
        "body": encode(held),
    }


def _health(report: HealthReport, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "subject": report.subject,
        "source": report.feed,
        "state": report.state.value,
        "quoted_at": report.quoted_at,
        "seen_at": report.seen_at,
        "body": encode(report),
    }


def _weights(table: WeightTable, position: int) -> dict[str, Any]:
    namespace, route, task = table.cell.stored
    return {
        "position": position,
        "version": table.version,
        "at": table.at,
        "namespace": namespace,
        "route": route,
        "task": task,
        "body": encode(table),
    }


def _event(shift: Event, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "at": shift.at,
        "kind": shift.kind,
        "deployment": shift.deployment,
        "body": encode(shift),
    }
