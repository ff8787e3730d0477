"""A stream of OpenAI's Responses as one of chat completions.

Each event is told as chunks, which the reader of chat streams then reads: what content is, what was
used and how a stream ends is decided there, once for all formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from windsock.wire.formats.event_translation import EventTranslator
from windsock.wire.formats.openai_chat_stream import DONE
from windsock.wire.formats.openai_responses.answer import (
    CALLS,
    annotation_of,
    call_of,
    finish_of,
    items_of,
    untold,
    usage_of,
)
from windsock.wire.formats.openai_responses.unasked import events_of
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.json_codec import parsed
from windsock.wire.sse import data_of

DELTAS = {
    "response.output_text.delta": "content",
    "response.text.delta": "content",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_content",
    "response.reasoning_summary_text.delta": "reasoning_content",
}
"""The field of a chunk, by the event that says what is new of it."""

ENDS = ("response.completed", "response.incomplete", "response.done")
FAILURES = ("response.failed", "response.cancelled", "error")


class ResponseStreamScanner(EventTranslator):
    """Takes OpenAI's events and gives chunks of chat completions."""

    __slots__ = ("_calls", "_head", "_told_calls")

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._head: dict[str, Any] = {"object": "chat.completion.chunk", "created": 0}
        self._calls: dict[Any, int] = {}
        self._told_calls: set[Any] = set()

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _told(self, event: bytes) -> Iterator[bytes]:
        """One event; what is broken is left to the reader of chat streams."""
        body = parsed(data_of(event))
        if not isinstance(body, dict) or "type" not in body:
            yield event
        elif body.get("type") in FAILURES:
            yield _data({"error": _error(body)})
        else:
            yield from map(_data, self._chunks(body))
            if body.get("type") in ENDS:
                yield DONE

    def _chunks(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        kind, item = body.get("type"), part_of(body, "item")
        if kind in DELTAS:
            yield self._chunk({DELTAS[kind]: body.get("delta") or ""})
            return
        match kind:
            case "response.created":
                made = part_of(body, "response")
                self._head |= {
                    "id": made.get("id"),
                    "model": made.get("model"),
                    "created": made.get("created_at") or 0,
                }
                yield self._chunk({"role": "assistant", "content": ""})
            case "response.output_item.added" if item.get("type") == "function_call":
                named = {"name": item.get("name"), "arguments": ""}
                begun = {"id": item.get("call_id"), "type": "function", "function": named}
                yield self._call(body, begun)
            case "response.function_call_arguments.delta":
                self._told_calls.add(body.get("output_index"))
                yield self._call(body, {"function": {"arguments": body.get("delta") or ""}})
            case "response.output_text.annotation.added":
                yield from map(self._chunk, _annotations(body))
            case "response.output_item.done":
                yield from self._done(body, item)
            case str() if kind in ENDS:
                yield from self._ended(part_of(body, "response"))

    def _done(self, body: dict[str, Any], item: Any) -> Iterator[dict[str, Any]]:
        """What was not told in parts: custom calls, arguments, thoughts that are sealed."""
        if item.get("type") == "reasoning" and item.get("encrypted_content"):
            yield self._chunk({"reasoning_items": [dict(item)]})
        if item.get("type") not in CALLS or body.get("output_index") in self._told_calls:
            return
        is_begun = body.get("output_index") in self._calls
        whole = call_of(item)
        yield self._call(
            body, {"function": {"arguments": whole["function"]["arguments"]}} if is_begun else whole
        )

    def _ended(self, response: Any) -> Iterator[dict[str, Any]]:
        items = items_of(response)
        if not self.has_answer:
            yield from map(self._chunk, untold(items))
        yield self._chunk({}, finish_of(response, items))
        usage = part_of(response, "usage")
        if usage:
            tier = {"service_tier": response.get("service_tier")}
            yield {**self._head, **tier, "choices": [], "usage": usage_of(usage, items)}

    def _call(self, body: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
        index = self._calls.setdefault(body.get("output_index"), len(self._calls))
        return self._chunk({"tool_calls": [{"index": index, **part}]})

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._head, "choices": [choice]}


def _error(body: dict[str, Any]) -> Any:
    """What a failed response, or an event that is an error, says of it."""
    inner = part_of(body, "response").get("error") or body.get("error")
    return inner or {name: value for name, value in body.items() if name != "type"}


def _annotations(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    cited = annotation_of(part_of(body, "annotation"))
    if cited is not None:
        yield {"annotations": [cited]}


def _data(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
