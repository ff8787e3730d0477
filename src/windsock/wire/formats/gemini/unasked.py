"""An answer of Gemini's that came in parts where a whole one was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from windsock.wire.formats.count_fields import merged
from windsock.wire.formats.openai_usage import part_of

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


def _add(candidate: dict[str, Any], part: Mapping[str, Any]) -> None:
    said = part_of(part, "content")
    content = candidate.get("content", {"role": "model", "parts": []})
    content["parts"] += said.get("parts") or ()
    candidate |= part
    candidate["content"] = {**content, **said, "parts": content["parts"]}
