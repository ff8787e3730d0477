"""Records to bytes and back, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import msgspec

from windsock.core.quotes import HealthReport, Quote
from windsock.core.records import Decision, Outcome, Shift, WeightTable

T = TypeVar("T")

FAR = 1e18
"""Stands for infinity, which JSON has not."""

_encoder = msgspec.json.Encoder()
_decoders = {
    kind: msgspec.json.Decoder(kind)
    for kind in (Decision, Outcome, Quote, HealthReport, Shift, WeightTable)
}


def encode(record: object) -> bytes:
    """JSON; Decimals as text, floats to the last bit."""
    if isinstance(record, WeightTable) and record.expires_at > FAR:
        record = replace(record, expires_at=FAR)
    return _encoder.encode(record)


def decode(kind: type[T], body: bytes) -> T:
    """The record that `encode` was given."""
    return _decoders[kind].decode(body)  # type: ignore[index, return-value]
