"""Records to JSON text and back, exactly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import msgspec

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.exclusions import Exclusion, ExclusionCode, exclusion_of
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held

T = TypeVar("T")

FAR = 1e300
"""Stands for infinity, which JSON has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _StoredTable(WeightTable):
    """Reasons as the sentences that they always were, and the codes beside them."""

    ruled_out: Mapping[str, str]  # type: ignore[assignment]
    codes: Mapping[str, ExclusionCode] = field(default_factory=dict)


_encode = msgspec.json.Encoder().encode
_kinds: tuple[type, ...] = (
    Decision,
    Outcome,
    Feedback,
    Quote,
    Held,
    HealthReport,
    Event,
    WeightTable,
)
_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(_StoredTable if kind is WeightTable else kind) for kind in _kinds
}


def encode(record: object) -> str:
    """JSON: Decimals as text, floats to the last bit, mappings in their order.

    raises  TypeError, ValueError or OverflowError if a fact of a Shift has no place in JSON
    """
    return _encode(_stored(record) if isinstance(record, WeightTable) else record).decode()


def decode(kind: type[T], body: str | bytes) -> T:
    """The record that `encode` was given; raises msgspec.DecodeError if it was another's."""
    found = _decoders[kind].decode(body)
    if isinstance(found, Outcome):
        found.decision.cell = _cell(found.decision.cell)
    elif isinstance(found, Decision):
        found.cell = _cell(found.cell)
    elif isinstance(found, _StoredTable):
        found = _table(found)
    return found  # type: ignore[no-any-return]


def encode_spoken(feedback: Feedback) -> str:
    """What the columns of its row do not tell; all of it where they cannot tell it exactly."""
    reward = feedback.reward
    texts = (feedback.decision_id, reward.source, reward.metric, reward.key_id or "")
    if any("\x00" in text for text in texts) or _has_negative_0(feedback):
        return encode(feedback)
    rest: dict[str, Any] = {} if feedback.weight == 1 else {"weight": feedback.weight}
    if feedback.idempotency_key is not None:
        rest["idempotency_key"] = feedback.idempotency_key
    if feedback.inclusion is not None:
        rest["inclusion"] = feedback.inclusion
    return _encode(rest).decode()


def decode_spoken(row: Any) -> Feedback:
    """The record of a row of `feedback`; rows of before hold all of it in their body."""
    rest = msgspec.json.decode(row.body)
    if "decision_id" in rest:
        return decode(Feedback, row.body)
    reward = Reward(value=row.value, source=row.source, metric=row.metric, key_id=row.key_id)
    return Feedback(decision_id=row.decision_id, reward=reward, at=row.at, **rest)


def _has_negative_0(feedback: Feedback) -> bool:
    """A number that no column of SQLite holds."""
    zeros = (each for each in (feedback.reward.value, feedback.at) if not each)
    return any(math.copysign(1, each) < 0 for each in zeros)


def _stored(table: WeightTable) -> _StoredTable:
    facts = {each.name: getattr(table, each.name) for each in fields(table)}
    return _StoredTable(
        **{
            **facts,
            "expires_at": FAR if table.expires_at == math.inf else table.expires_at,
            "ruled_out": table.reasons,
            "codes": {name: reason.code for name, reason in table.ruled_out.items()},
        }
    )


def _table(stored: _StoredTable) -> WeightTable:
    """Tables of before have sentences alone."""
    facts = {each.name: getattr(stored, each.name) for each in fields(WeightTable)}
    exclusions = {
        name: Exclusion(stored.codes[name], text) if name in stored.codes else exclusion_of(text)
        for name, text in stored.ruled_out.items()
    }
    until = math.inf if stored.expires_at == FAR else stored.expires_at
    facts |= {"ruled_out": exclusions, "expires_at": until, "cell": _cell(stored.cell)}
    return WeightTable(**facts)


def _cell(cell: Cell) -> Cell:
    """A segment is a field of its own; it stood in the task's name before."""
    return cell if cell.segment else Cell.read(*cell[:3])
