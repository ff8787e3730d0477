"""Anthropic's Messages for clients that speak it themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.formats.anthropic.answer import (
    THOUGHTS,
    completion_of,
    counted_on,
    finish_of,
    usage_of,
)
from windsock.wire.formats.anthropic.unasked import events_of, message_of
from windsock.wire.formats.openai_chat import answer_of
from windsock.wire.formats.openai_ends import error_in, error_in_event
from windsock.wire.formats.openai_usage import facts_of, part_of
from windsock.wire.formats.passing.native import (
    Events,
    NativeFormat,
    NativeStreamScanner,
    event_of,
)
from windsock.wire.json_codec import parsed
from windsock.wire.request import UpstreamRequest

VERSION: Mapping[str, str] = {"anthropic-version": "2023-06-01"}


class NativeMessages(NativeFormat):
    """POST /messages, as it comes."""

    headers = VERSION
    answer_headers: tuple[str, ...] = ("request-id",)
    call_path = "/messages"
    count_path = "/messages/count_tokens"

    def _read(self, body: dict[str, Any], request: UpstreamRequest) -> Answer | None:
        if not isinstance(body.get("content"), list):
            return None
        read = answer_of(completion_of(body), self._traits, images=request.images)
        read.facts.is_empty = not any(map(_is_shown, body["content"]))
        return read

    def _whole(self, events: Events) -> dict[str, Any]:
        return message_of(events)

    def scanner(self, request: UpstreamRequest) -> NativeMessageScanner:
        """There is one answer, never several."""
        return NativeMessageScanner(self._traits, request.images)


class _Delta(msgspec.Struct):
    """What is new; the names of its fields are those of every kind of delta."""

    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: _Delta | None = None
    content_block: dict[str, Any] | None = None
    message: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Event)


class NativeMessageScanner(NativeStreamScanner):
    """A stream of Anthropic's events."""

    __slots__ = ("_counted", "_finish", "_message")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._message: dict[str, Any] = {}
        self._counted: dict[str, Any] = {}
        self._finish: str | None = None

    def facts(self) -> AnswerFacts:
        """Counted as in a chat completion."""
        told = {
            "id": self._message.get("id"),
            "model": self._message.get("model"),
            **({"usage": usage_of(self._counted)} if self._counted else {}),
        }
        facts = facts_of(told, self._traits, images=self._images, finish_reason=self._finish)
        facts.is_empty = not self.has_answer
        return facts

    def _note(self, payload: bytes) -> bool:
        event = _decoder.decode(payload)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._went_on(event.delta)
            case "content_block_start":
                self.has_answer = self.has_answer or _is_shown(event.content_block)
            case "message_start":
                self._message = event.message or {}
                self._count(part_of(self._message, "usage"))
            case "message_delta":
                return self._ended(event)
            case "message_stop":
                self.is_done = True
                return True
            case "error":
                self.error = error_in({"type": "error", "error": event.error})
            case "" if not self.is_complete:
                self.error = error_in_event(parsed(payload))
        return False

    def _went_on(self, delta: _Delta) -> None:
        if delta.thinking:
            self._has_thought = True
        said = delta.text or delta.partial_json
        if said or delta.thinking:
            self.content_events += 1
        if said and not self.has_answer:
            self.has_answer = _is_shown({"type": "text", "text": said})

    def _ended(self, event: _Event) -> bool:
        self._count(event.usage or {})
        if event.delta is None or event.delta.stop_reason is None:
            return False
        self._finish = finish_of(event.delta.stop_reason)
        self.is_complete = True
        return True

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Later counts stand for earlier ones."""
        self._counted = counted_on(self._counted, dict(usage))

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _broken(self, message: str) -> bytes:
        return event_of({"type": "error", "error": {"type": "api_error", "message": message}})


def _is_shown(block: Any) -> bool:
    """Thoughts and blanks are nothing; whatever else a block is, it is an answer."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "text":
        return bool(str(block.get("text") or "").strip())
    return kind is not None and kind not in THOUGHTS
