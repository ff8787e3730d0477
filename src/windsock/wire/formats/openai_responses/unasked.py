"""A response of OpenAI's that came whole where its events were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from windsock.wire.formats.openai_responses.answer import items_of
from windsock.wire.formats.passing.native import event_of
from windsock.wire.formats.pieces import Kind
from windsock.wire.formats.responses.stream import NAMES, SUMMARY

PARTS = {
    "output_text": NAMES[Kind.TEXT],
    "refusal": NAMES[Kind.REFUSAL],
    "reasoning_text": NAMES[Kind.THOUGHT],
    "summary_text": SUMMARY,
}
"""How the events of a part are called."""

CALLS = {
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
}
"""Kind of a call: how its events begin, and the field that they tell."""

GROWING = ("content", "summary", "arguments", "input")
"""Fields of an item that are empty when it begins."""

ENDS = frozenset({"completed", "incomplete", "failed"})

Event = dict[str, Any]


def events_of(body: Any) -> bytes:
    """The events of a whole stream; empty for all that is no response which has ended."""
    if not isinstance(body, dict) or body.get("status") not in ENDS:
        return b""
    begun = {**body, "status": "in_progress", "output": [], "usage": None}
    events = chain(
        ({"type": f"response.{name}", "response": begun} for name in ("created", "in_progress")),
        *(_item(index, item) for index, item in enumerate(items_of(body))),
        [{"type": f"response.{body['status']}", "response": body}],
    )
    return b"".join(event_of({**each, "sequence_number": n}) for n, each in enumerate(events))


def _item(index: int, item: Event) -> Iterator[Event]:
    begun = item | {name: type(item[name])() for name in GROWING if name in item}
    begun |= {"status": "in_progress"} if "status" in item else {}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    at = {"item_id": item.get("id"), "output_index": index}
    for name in ("summary", "content"):
        parts = item.get(name)
        for place, part in enumerate(parts if isinstance(parts, list) else ()):
            if isinstance(part, dict) and part.get("type") in PARTS:
                yield from _part(at, place, part)
    if item.get("type") in CALLS:
        kind, field = CALLS[item["type"]]
        yield {"type": f"{kind}.delta", "delta": item.get(field) or "", **at}
        yield {"type": f"{kind}.done", field: item.get(field) or "", **at}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _part(at: Mapping[str, Any], place: int, part: Event) -> Iterator[Event]:
    names = PARTS[part["type"]]
    at = {**at, names.place: place}
    said = part.get(names.word) or ""
    notes = part.get("annotations") or ()
    more = {"logprobs": part.get("logprobs") or []} if part["type"] == "output_text" else {}
    begun = {**part, names.word: "", **({"annotations": []} if notes else {})}
    yield {"type": f"{names.part}.added", "part": begun, **at}
    yield {"type": f"{names.deltas}.delta", "delta": said, **more, **at}
    for number, note in enumerate(notes):
        yield {"type": "response.output_text.annotation.added", "annotation_index": number,
               "annotation": note, **at}  # fmt: skip
    yield {"type": f"{names.deltas}.done", names.word: said, **more, **at}
    yield {"type": f"{names.part}.done", "part": part, **at}
