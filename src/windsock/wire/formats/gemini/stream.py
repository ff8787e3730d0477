"""A stream of Gemini's answers as one of chat completions, read as any other (see `anthropic`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from windsock.errors import ProviderError
from windsock.wire.formats.count_fields import merged
from windsock.wire.formats.gemini.answer import choices_of, head_of, usage_of
from windsock.wire.formats.openai_chat_stream import MAX_EVENT_BYTES, ChatStreamScanner
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.json_codec import parsed
from windsock.wire.sse import BOUNDARY, DATA, data_of


class ContentStreamScanner(ChatStreamScanner):
    """Takes Gemini's partial answers and gives chunks of chat completions."""

    __slots__ = ("_calls", "_counted", "_unread")

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._unread = b""
        self._calls: dict[int, int] = {}
        self._counted: dict[str, Any] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole chunks to pass on; raises ProviderError if an event is broken."""
        held = self._unread + data
        start = 0
        for match in BOUNDARY.finditer(held):
            event, start = held[start : match.end()], match.end()
            for chunk in self._told(event):
                yield from super().feed(chunk)
        self._unread = held[start:]
        if len(self._unread) > MAX_EVENT_BYTES:
            raise ProviderError("an event of the stream is larger than 4 MiB")

    def rest(self) -> Iterator[bytes]:
        """The last event, if the stream ended without the blank line that closes it."""
        if DATA.search(self._unread):
            yield from self.feed(b"\n\n")
        else:
            self._held = self._unread
            yield from super().rest()

    def _told(self, event: bytes) -> Iterator[bytes]:
        """One event; what is none, an error, or broken, is left to the reader of chat streams."""
        if not DATA.search(event):
            return
        body = parsed(data_of(event))
        if not isinstance(body, dict) or "error" in body:
            yield event
            return
        yield from (b"data: " + orjson.dumps(each) + b"\n\n" for each in self._chunks(body))

    def _chunks(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        head = head_of(body, "chat.completion.chunk")
        choices = choices_of(body, "delta")
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
