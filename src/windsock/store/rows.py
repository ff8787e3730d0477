"""What the ledger takes, and the rows it becomes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any, NamedTuple

import orjson
from sqlmodel import SQLModel

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held
from windsock.core.replicas.deltas import Delta
from windsock.store.codec import encode, encode_spoken
from windsock.store.compact.requests import row_of_table, rows_of_requests
from windsock.store.compact.tables import TableRow
from windsock.store.recovery.snapshot import StateSnapshot
from windsock.store.replicas.lease import Held as HeldLease
from windsock.store.replicas.tables import DeltaRow
from windsock.store.rollups.money import pico_usd
from windsock.store.rollups.uncalled import Uncalled, UncalledKind
from windsock.store.tables import (
    EventRow,
    FeedbackRow,
    HealthRow,
    HeldRow,
    QuoteRow,
    SnapshotRow,
    UncalledRow,
)

__all__ = [
    "Entry",
    "Led",
    "Placed",
    "Record",
    "StateSnapshot",
    "Tables",
    "Uncalled",
    "UncalledKind",
    "record_of",
    "rows_of",
]


Other = (
    Feedback | Quote | Held | HealthReport | WeightTable | Event | StateSnapshot | Uncalled | Delta
)

Record = Outcome | Decision | Other


class Led(NamedTuple):
    """What only the one that leads writes, and its lease: not written once another leads."""

    lease: HeldLease
    record: Quote | StateSnapshot


Entry = Record | Led

Placed = tuple[int, Record]
"""A record at its position."""

Tables = dict[type[SQLModel], list[dict[str, Any]]]
"""Rows by table, in order."""


def record_of(entry: Entry) -> Record:
    """What is to be written of it."""
    return entry.record if isinstance(entry, Led) else entry


def rows_of(entries: Sequence[Placed]) -> Tables:
    """The rows of entries at their positions, each with all columns of its table, in order.

    raises  what a record raises that fits no row, if any of them does not
    """
    tables: Tables = defaultdict(list)
    requests = [
        (position, entry) for position, entry in entries if isinstance(entry, Outcome | Decision)
    ]
    if requests:
        _check_finite(entry for _, entry in requests)
        tables |= rows_of_requests(requests)
    if len(requests) < len(entries):
        for position, entry in entries:
            if not isinstance(entry, Outcome | Decision):
                table, row = _row(entry, position)
                tables[table].append(row)
    return tables


def _row(entry: Other, position: int) -> tuple[type[SQLModel], dict[str, Any]]:
    match entry:
        case Feedback():
            return FeedbackRow, _feedback(entry, position)
        case Quote():
            return QuoteRow, _quote(entry, position)
        case Held():
            return HeldRow, _held(entry, position)
        case HealthReport():
            return HealthRow, _health(entry, position)
        case WeightTable():
            return TableRow, row_of_table(entry, position)
        case Event():
            return EventRow, _event(entry, position)
        case StateSnapshot():
            return SnapshotRow, {"position": position, "at": entry.at, "body": entry.written}
        case Uncalled():
            return UncalledRow, _uncalled(entry, position)
        case Delta():
            return DeltaRow, _delta(entry, position)


def _check_finite(entries: Iterable[Outcome | Decision]) -> None:
    """JSON and sums have no other numbers, and a record that holds one could not be read back."""
    seconds: list[float] = []
    for entry in entries:
        if isinstance(entry, Outcome):
            seconds += (entry.decision.at, entry.finished_at)
            seconds += [result.latency_s for result in entry.results]
        else:
            seconds.append(entry.at)
    if not all(map(isfinite, seconds)):
        raise ValueError(seconds)


def _uncalled(entry: Uncalled, position: int) -> dict[str, Any]:
    facts = {each.name: getattr(entry, each.name) for each in fields(entry)}
    saved = pico_usd(facts.pop("saved_usd"))
    return {**facts, "position": position, "kind": entry.kind.value, "saved_pico_usd": saved,
            "is_summed": True}  # fmt: skip


def _delta(delta: Delta, position: int) -> dict[str, Any]:
    body = orjson.dumps(delta.to_state()).decode()
    return {"position": position, "replica": delta.replica, "number": delta.number,
            "at": delta.at, "body": body}  # fmt: skip


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
        "body": encode_spoken(feedback),
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


def _event(shift: Event, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "at": shift.at,
        "kind": shift.kind,
        "deployment": shift.deployment,
        "body": encode(shift),
    }
