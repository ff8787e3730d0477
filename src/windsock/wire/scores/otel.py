"""Evaluations as OpenTelemetry tells them: OTLP over HTTP in JSON.

Source: semantic conventions for generative AI, event `gen_ai.evaluation.result` (in development,
open-telemetry/semantic-conventions-genai as of November 2026); OTLP 1.9, JSON mapping: ids of
traces and spans in hex, 64-bit numbers as texts. As a log record with an event name, or, as before
they were deprecated, as an event of a span.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from windsock.wire.scores.score import LeftOut, NoScore, Read, Score, names_of, stated

EVENT = "gen_ai.evaluation.result"
VALUE, LABEL = "gen_ai.evaluation.score.value", "gen_ai.evaluation.score.label"
NAME, RESPONSE, ERROR = "gen_ai.evaluation.name", "gen_ai.response.id", "error.type"
OWN = ("windsock.decision.id", "decision_id", "request_id")
"""Attributes in which whoever evaluates may name a decision of ours."""

ID_BYTES = (8, 16)
"""Of a span, of a trace."""

NUMBERS: Mapping[str, type[int] | type[float]] = {"intValue": int, "doubleValue": float}
"""A 64-bit number is written as a text; a name that is a whole number stays one."""


def read_otel(document: Any) -> Iterator[Read]:
    """The evaluations in an export of logs or of traces; whatever else it holds is no matter."""
    for record in _below(document, "resourceLogs", "scopeLogs", "logRecords"):
        attributes = _attributes(record)
        if EVENT in (_field(record, "eventName"), attributes.get("event.name")):
            yield _score(attributes, record, {})
    for span in _below(document, "resourceSpans", "scopeSpans", "spans"):
        for event in _objects(span.get("events")):
            if event.get("name") == EVENT:
                yield _score(_attributes(event), {**span, **event}, _attributes(span))


def _score(attributes: dict[str, Any], record: Mapping[str, Any], span: dict[str, Any]) -> Read:
    metric = str(attributes.get(NAME) or "")
    place = f"{EVENT} {metric!r}"
    if attributes.get(ERROR):
        return LeftOut(place=place, reason=f"the evaluation failed ({attributes[ERROR]})")
    own = [attributes.get(name) for name in OWN]
    names = names_of(
        *own,
        attributes.get(RESPONSE),
        span.get(RESPONSE),
        *(span.get(name) for name in OWN),
        _id(_field(record, "spanId")),
        _id(_field(record, "traceId")),
    )
    try:
        value = stated(attributes.get(VALUE))
    except NoScore as error:
        return LeftOut(place=place, reason=str(error))
    stated_word = value.pop("word", "")
    word = str(attributes.get(LABEL) or stated_word)
    at = str(_field(record, "timeUnixNano") or _field(record, "observedTimeUnixNano") or "")
    return Score(
        names=names, metric=metric, word=word, source=f"otel:{metric}", id=at, place=place, **value
    )


def _below(document: Any, *names: str) -> Iterator[dict[str, Any]]:
    """The objects at the end of a path of lists."""
    found = [document] if isinstance(document, dict) else list(_objects(document))
    for name in names:
        found = [each for parent in found for each in _objects(_field(parent, name))]
    yield from found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in (value if isinstance(value, list) else ()) if isinstance(each, dict))


def _field(record: Mapping[str, Any], name: str) -> Any:
    """By its name in JSON, or as protobuf spells it, which some senders write."""
    if name in record:
        return record[name]
    return record.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(each.get("key")): _value(each.get("value"))
        for each in _objects(record.get("attributes"))
    }


def _value(value: Any) -> Any:
    """What an AnyValue holds."""
    if not isinstance(value, dict):
        return value
    for name in ("stringValue", "boolValue", "doubleValue", "intValue"):
        held = _field(value, name)
        if held is not None:
            return _number(held, NUMBERS[name]) if name in NUMBERS else held
    return None


def _number(held: Any, kind: type[int] | type[float]) -> Any:
    try:
        return kind(held)
    except (TypeError, ValueError, OverflowError):
        return held


def _id(value: Any) -> str | None:
    """In hex; some senders write base64, as other fields of bytes are. None if it is all zeros."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.strip("0123456789abcdefABCDEF"):
        try:
            held = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return value
        if len(held) not in ID_BYTES:
            return value
        text = held.hex()
    return text.lower() if text.strip("0") else None
