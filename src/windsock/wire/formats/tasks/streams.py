"""Streams of sound, which pass as they come, and of events that name their type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import orjson

from windsock.wire.format import AnswerFacts
from windsock.wire.formats.openai_ends import error_in
from windsock.wire.formats.passing.events import PassedEvents
from windsock.wire.json_codec import parsed
from windsock.wire.sse import data_of

ENDS = (".done", ".completed")
"""How the type of the last event ends: `transcript.text.done`, `image_generation.completed`."""


class SoundScanner:
    """Passes bytes on; their end is the end of the answer, for the framing tells a break."""

    __slots__ = ("content_events", "error", "has_answer", "is_complete", "is_done")

    def __init__(self) -> None:
        self.content_events = 0
        self.has_answer = False
        self.error: bytes | None = None
        self.is_done = False
        self.is_complete = False

    @property
    def has_content(self) -> bool:
        """Something came."""
        return self.has_answer

    def feed(self, data: bytes) -> Iterator[bytes]:
        """All of it."""
        self.content_events += 1
        self.has_answer = True
        yield data

    def rest(self) -> Iterator[bytes]:
        """Nothing: the answer is whole, unless there was none."""
        self.is_complete = self.has_answer
        yield from ()

    def facts(self) -> AnswerFacts:
        """Sound says nothing of itself."""
        return AnswerFacts(is_empty=not self.has_answer)

    def ending(self, cost_usd: Decimal | None) -> bytes:
        """Nothing."""
        return b""

    def broken(self, message: str) -> bytes:
        """There is no place for a word: the connection ends instead."""
        return b""


class EventScanner(PassedEvents):
    """Passes events on; the last one, whose type says so, is kept until it is known for an end.

    read    what the body of an event says of the answer
    """

    __slots__ = ("_facts", "_read")

    def __init__(self, read: Callable[[dict[str, Any]], AnswerFacts]) -> None:
        super().__init__()
        self._read = read
        self._facts = AnswerFacts()

    def rest(self) -> Iterator[bytes]:
        """The last event, if the stream ended without the blank line that closes it."""
        if (held := self._unended.taken()).strip():
            yield from self.feed(held + b"\n\n")

    def facts(self) -> AnswerFacts:
        """As the last event states them."""
        return self._facts

    def broken(self, message: str) -> bytes:
        """An error as an event."""
        error = {"message": message, "type": "server_error", "param": None, "code": None}
        return b"data: " + orjson.dumps({"type": "error", "error": error}) + b"\n\n"

    def _is_passed(self, event: bytes) -> bool:
        payload = data_of(event).strip()
        if payload == b"[DONE]":
            self.is_done = True
        body = parsed(payload)
        if isinstance(body, dict):
            self.error = error_in(body)
            self._note(body)
        if self.is_complete or self.is_done:
            self._ending.append(event)
        return self.error is None and not self._ending

    def _note(self, body: dict[str, Any]) -> None:
        if self.error is not None:
            return
        self.content_events += 1
        self.has_answer = True
        if str(body.get("type")).endswith(ENDS):
            self.is_complete = True
            self._facts = self._read(body)
