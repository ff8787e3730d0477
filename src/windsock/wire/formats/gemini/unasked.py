"""An answer of Gemini's that came in parts where a whole one was asked for, or the other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.usage.fields import merged

USAGE = "usageMetadata"


def whole_of(events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Parts of an answer's content go on in the next event; of all else the last word stands."""
    whole: dict[str, Any] = {}
    candidates: dict[int, dict[str, Any]] = {}
    for event in events:
        used = merged(whole.get(USAGE, {}), dict(part_of(event, USAGE)))
        whole |= event
        whole |= {USAGE: used} if used else {}
        for place, each in enumerate(event.get("candidates") or ()):
            _add(candidates.setdefault(each.get("index", place), {}), each)
    return {**whole, "candidates": [*candidates.values()]} if candidates else whole


def events_of(body: Any) -> bytes:
    """A whole answer as an event, as is each of a list of parts; empty for what is neither."""
    parts = body if isinstance(body, list) else [body]
    told = [each for each in parts if isinstance(each, dict) and each]
    return b"".join(b"data: " + orjson.dumps(each) + b"\r\n\r\n" for each in told)


def _add(candidate: dict[str, Any], part: Mapping[str, Any]) -> None:
    said = part_of(part, "content")
    content = candidate.get("content", {"role": "model", "parts": []})
    content["parts"] += said.get("parts") or ()
    candidate |= part
    candidate["content"] = {**content, **said, "parts": content["parts"]}
