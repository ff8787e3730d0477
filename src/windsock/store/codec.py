"""Records to JSON text and back, exactly."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.pricing.validation import Held

T = TypeVar("T")

FAR = 1e300
"""Stands for infinity, which JSON has not."""

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
    kind: msgspec.json.Decoder(kind) for kind in _kinds
}


def encode(record: object) -> str:
    """JSON: Decimals as text, floats to the last bit, mappings in their order.

    raises  TypeError, ValueError or OverflowError if a fact of a Shift has no place in JSON
    """
    if isinstance(record, WeightTable) and record.expires_at == math.inf:
        record = replace(record, expires_at=FAR)
    return _encode(record).decode()


def decode(kind: type[T], body: str | bytes) -> T:
    """The record that `encode` was given; raises msgspec.DecodeError if it was another's."""
    found = _decoders[kind].decode(body)
    if isinstance(found, Outcome):
        found.decision.cell = _cell(found.decision.cell)
    elif isinstance(found, Decision):
        found.cell = _cell(found.cell)
    elif isinstance(found, WeightTable):
        until = math.inf if found.expires_at == FAR else found.expires_at
        found = replace(found, expires_at=until, cell=_cell(found.cell))
    return found  # type: ignore[no-any-return]


def _cell(cell: Cell) -> Cell:
    """A segment is a field of its own; it stood in the task's name before."""
    return cell if cell.segment else Cell.read(*cell[:3])
