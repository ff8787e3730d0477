"""OpenAI's Responses for clients that speak them themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from windsock.wire.format import Answer, AnswerFacts
from windsock.wire.formats.openai_chat import answer_of
from windsock.wire.formats.openai_ends import error_in, error_in_event, named_error
from windsock.wire.formats.openai_responses.answer import (
    UNDER_WAY,
    completion_of,
    is_shown,
    items_of,
    sealed_in,
)
from windsock.wire.formats.openai_responses.unasked import events_of
from windsock.wire.formats.openai_usage import part_of
from windsock.wire.formats.passing.native import (
    Events,
    NativeFormat,
    NativeStreamScanner,
    event_of,
)
from windsock.wire.json_codec import dumps, parsed
from windsock.wire.request import UpstreamRequest

ENDS = ("response.completed", "response.incomplete", "response.done")
FAILURES = ("response.failed", "response.cancelled")


class NativeResponses(NativeFormat):
    """POST /responses, as it comes."""

    call_path = "/responses"
    count_path = "/responses/input_tokens"

    def _read(self, body: dict[str, Any], request: UpstreamRequest) -> Answer | None:
        """One under way is an answer too."""
        if not isinstance(body.get("output"), list):
            return None
        read = answer_of(completion_of(body), self._traits, images=request.images)
        read.facts.is_empty = not (body.get("status") in UNDER_WAY or any(_shown(body)))
        read.facts.sealed_ids = sealed_in(items_of(body))
        return read

    def _whole(self, events: Events) -> dict[str, Any]:
        """The last event holds all of it."""
        return next(dict(each["response"]) for each in events if each.get("type") in ENDS)

    def scanner(self, request: UpstreamRequest) -> NativeResponseScanner:
        """There is one answer, never several."""
        return NativeResponseScanner(self._traits, request.images)


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: int = 0
    delta: str | None = None
    item: dict[str, Any] | None = None
    response: msgspec.Raw = msgspec.Raw(b"null")


_decoder = msgspec.json.Decoder(_Event)


class NativeResponseScanner(NativeStreamScanner):
    """A stream of OpenAI's events; the last one holds the whole response."""

    __slots__ = ("_number", "_response")

    FAILURE_TYPES = frozenset({"error", *FAILURES})

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._number = 0
        self._response: dict[str, Any] = {}

    def facts(self) -> AnswerFacts:
        """As of a whole response, once it came."""
        read = answer_of(completion_of(self._response), self._traits, images=self._images)
        read.facts.is_empty = not self.has_answer
        read.facts.sealed_ids = sealed_in(items_of(self._response))
        return read.facts

    def _note(self, payload: bytes) -> bool:
        event = _decoder.decode(payload)
        self._number = event.sequence_number
        if event.delta is not None:
            self._went_on(event.type, event.delta)
        elif event.item is not None:
            self.content_events += 1
            self.has_answer = self.has_answer or is_shown(event.item)
        elif event.type in ENDS:
            return self._ended(event)
        elif event.type == "error":
            self.error = error_in(parsed(payload))
        elif not event.type and not self.is_complete:
            self.error = error_in_event(parsed(payload))
        elif event.type in FAILURES:
            said = parsed(bytes(event.response))
            self.error = error_in(said) or dumps(named_error(said))
        elif not self._response:
            self._response = _object(event.response)
        return False

    def _went_on(self, kind: str, delta: str) -> None:
        self.content_events += bool(delta)
        if kind.startswith("response.reasoning"):
            self._has_thought = self._has_thought or bool(delta)
        elif not self.has_answer:
            self.has_answer = bool(delta.strip())

    def _ended(self, event: _Event) -> bool:
        self._response = _object(event.response)
        self.has_answer = self.has_answer or any(_shown(self._response))
        self.is_complete = self.is_done = True
        return True

    def _events_of(self, body: Any) -> bytes:
        return events_of(body)

    def _broken(self, message: str) -> bytes:
        error = {"message": message, "type": "server_error", "param": None, "code": "stream_broken"}
        return event_of({"type": "error", "sequence_number": self._number + 1,
                         "code": "stream_broken", "message": message, "param": None,
                         "error": error})  # fmt: skip


def _shown(body: dict[str, Any]) -> map[bool]:
    return map(is_shown, items_of(body))


def _object(raw: msgspec.Raw) -> dict[str, Any]:
    found = parsed(bytes(raw))
    return dict(part_of({"response": found}, "response"))
