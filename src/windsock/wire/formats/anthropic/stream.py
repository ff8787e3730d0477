"""A stream of Anthropic's events as one of chat completions.

Each event is told as chunks, which the reader of chat streams then reads: what content is, what was
used and how a stream ends is decided there, once for all formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from windsock.wire.formats.anthropic.answer import counted_on, finish_of, usage_of
from windsock.wire.formats.anthropic.unasked import events_of
from windsock.wire.formats.event_translation import EventTranslator
from windsock.wire.formats.openai_chat_stream import DONE
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.json_codec import parsed
from windsock.wire.sse import data_of

END = "message_stop"


@dataclass(slots=True)
class _Call:
    """One that is being told: its number among the calls, the input that its block began with."""

    number: int
    begun_with: Any
    is_told: bool = False


class MessageStreamScanner(EventTranslator):
    """Takes Anthropic's events and gives chunks of chat completions."""

    __slots__ = ("_calls", "_counted", "_head", "_open", "_thought")

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._head: dict[str, Any] = {"object": "chat.completion.chunk", "created": 0}
        self._counted: dict[str, Any] = {}
        self._calls = 0
        self._open: dict[Any, _Call] = {}
        self._thought = ""

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _told(self, event: bytes) -> Iterator[bytes]:
        """One event; what is broken is left to the reader of chat streams."""
        body = parsed(data_of(event))
        if not isinstance(body, dict) or "type" not in body:
            yield event
            return
        if body["type"] == "error":
            said = {name: value for name, value in body.items() if name != "type"}
            yield _data({"error": body.get("error") or said})
            return
        yield from map(_data, self._chunks(body))
        if body.get("type") == END:
            yield DONE

    def _chunks(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        match body.get("type"):
            case "message_start":
                message = part_of(body, "message")
                self._head |= {"id": message.get("id"), "model": message.get("model")}
                self._count(message)
                yield self._chunk({"role": "assistant", "content": ""})
            case "content_block_start":
                yield from self._started(body.get("index"), part_of(body, "content_block"))
            case "content_block_delta":
                yield from self._went_on(body.get("index"), part_of(body, "delta"))
            case "content_block_stop":
                yield from self._stopped(body.get("index"))
            case "message_delta":
                self._count(body)
                yield self._chunk({}, finish_of(part_of(body, "delta").get("stop_reason")))
                yield {**self._head, "choices": [], "usage": usage_of(self._counted)}

    def _count(self, body: Any) -> None:
        """Later counts stand for earlier ones."""
        self._counted = counted_on(self._counted, part_of(body, "usage"))

    def _started(self, index: Any, block: Any) -> Iterator[dict[str, Any]]:
        """Tools that the provider runs itself are none of the client's calls."""
        if block.get("type") == "tool_use":
            call = self._open[index] = _Call(self._calls, block.get("input"))
            self._calls += 1
            named = {"name": block.get("name"), "arguments": ""}
            begun = {"id": block.get("id"), "type": "function", "function": named}
            yield self._of_call(call, begun)
        elif block.get("type") == "redacted_thinking":
            yield self._chunk({"thinking_blocks": [dict(block)]})
        elif block.get("text"):
            yield self._chunk({"content": block["text"]})
        elif block.get("thinking"):
            self._thought = block["thinking"]
            yield self._chunk({"reasoning_content": self._thought})

    def _went_on(self, index: Any, delta: Any) -> Iterator[dict[str, Any]]:
        match delta.get("type"):
            case "text_delta":
                yield self._chunk({"content": delta.get("text", "")})
            case "input_json_delta" if (call := self._open.get(index)) is not None:
                if part := delta.get("partial_json"):
                    call.is_told = True
                    yield self._of_call(call, {"function": {"arguments": part}})
            case "thinking_delta":
                self._thought += delta.get("thinking") or ""
                yield self._chunk({"reasoning_content": delta.get("thinking") or ""})
            case "signature_delta":
                thought, self._thought = self._thought, ""
                signed = {"thinking": thought, "signature": delta.get("signature")}
                yield self._chunk({"thinking_blocks": [{"type": "thinking", **signed}]})

    def _stopped(self, index: Any) -> Iterator[dict[str, Any]]:
        """A call whose arguments were not told in parts has those that it began with, if any."""
        call = self._open.pop(index, None)
        if call is not None and not call.is_told:
            whole = orjson.dumps(call.begun_with or {}).decode()
            yield self._of_call(call, {"function": {"arguments": whole}})

    def _of_call(self, call: _Call, part: dict[str, Any]) -> dict[str, Any]:
        return self._chunk({"tool_calls": [{"index": call.number, **part}]})

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._head, "choices": [choice]}


def _data(chunk: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
