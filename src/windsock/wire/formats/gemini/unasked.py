"""An answer of Gemini's that came in parts where a whole one was asked for, or the other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from windsock.wire.formats.gemini.partial_calls import PartialCalls, whole_calls
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.usage.fields import merged

USAGE = "usageMetadata"

PARTS = frozenset({"candidates", "promptFeedback", USAGE, "responseId"})
"""What a partial answer has some of; all else is none."""

WRAPPER = "response"
"""Where Code Assist, and who passes on what it says, puts each answer."""


def unwrapped(body: Any) -> Any:
    """The answer, or the part of one, within an object of a gateway's own; else the body itself."""
    if not isinstance(body, dict) or not PARTS.isdisjoint(body):
        return body
    inner = body.get(WRAPPER)
    is_answer = isinstance(inner, dict) and not PARTS.isdisjoint(inner)
    return inner if is_answer else body


def whole_of(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Parts of an answer's content go on in the next event; of all else the last word stands."""
    whole: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    calls: dict[int, PartialCalls] = {}
    for each in events:
        event = whole_calls(unwrapped(each), calls)
        used = merged(whole.get(USAGE, {}), dict(part_of(event, USAGE)))
        whole |= event
        whole |= {USAGE: used} if used else {}
        for place, said in enumerate(event.get("candidates") or ()):
            _add(candidates.setdefault(said.get("index", place), {}), said)
    return {**whole, "candidates": [*candidates.values()]} if candidates else whole


def events_of(body: Any) -> bytes:
    """A whole answer as an event, as is each of a list of parts; empty for what is neither."""
    parts = body if isinstance(body, list) else [body]
    told = [unwrapped(each) for each in parts if isinstance(each, dict) and each]
    return b"".join(b"data: " + orjson.dumps(each) + b"\r\n\r\n" for each in told)


def _add(candidate: dict[str, Any], part: Mapping[str, Any]) -> None:
    said = part_of(part, "content")
    content = candidate.get("content", {"role": "model", "parts": []})
    content["parts"] += said.get("parts") or ()
    candidate |= part
    candidate["content"] = {**content, **said, "parts": content["parts"]}
