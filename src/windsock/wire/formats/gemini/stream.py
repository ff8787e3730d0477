"""A stream of Gemini's answers as one of chat completions, read as any other (see `anthropic`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from windsock.wire.formats.event_translation import EventTranslator
from windsock.wire.formats.gemini.answer import choices_of, head_of, usage_of
from windsock.wire.formats.gemini.partial_calls import PartialCalls, whole_calls
from windsock.wire.formats.gemini.unasked import PARTS, events_of, unwrapped
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.usage.fields import merged
from windsock.wire.json_codec import parsed
from windsock.wire.sse import data_of


class ContentStreamScanner(EventTranslator):
    """Takes Gemini's partial answers and gives chunks of chat completions."""

    __slots__ = ("_calls", "_counted", "_partial")

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._calls: dict[int, int] = {}
        self._counted: dict[str, Any] = {}
        self._partial: dict[int, PartialCalls] = {}

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _told(self, event: bytes) -> Iterator[bytes]:
        """One event; what is an error, or broken, is left to the reader of chat streams."""
        body = unwrapped(parsed(data_of(event)))
        if not isinstance(body, dict) or "error" in body or PARTS.isdisjoint(body):
            yield event
            return
        yield from (b"data: " + orjson.dumps(each) + b"\n\n" for each in self._chunks(body))

    def _chunks(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        head = head_of(body, "chat.completion.chunk")
        choices = choices_of(whole_calls(body, self._partial), "delta")
        for choice in choices:
            self._number(choice)
        if choices:
            yield {**head, "choices": choices}
        if counted := part_of(body, "usageMetadata"):
            self._counted = merged(self._counted, counted)
            yield {**head, "choices": [], "usage": usage_of(self._counted)}

    def _number(self, choice: dict[str, Any]) -> None:
        """Calls of one answer are counted through its parts; one with calls ended for them."""
        index, calls = choice["index"], choice["delta"].get("tool_calls", ())
        for call in calls:
            call["index"] = self._calls.get(index, 0)
            call["id"] = call["id"].replace("call_0_", f"call_{call['index']}_", 1)
            self._calls[index] = call["index"] + 1
        if choice["finish_reason"] == "stop" and self._calls.get(index):
            choice["finish_reason"] = "tool_calls"
