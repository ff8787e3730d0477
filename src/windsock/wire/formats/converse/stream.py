"""Converse's stream: frames of `application/vnd.amazon.eventstream`, told as events of Messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zlib import crc32

import orjson

from windsock.errors import ProviderError
from windsock.wire.format import AnswerFacts
from windsock.wire.formats.anthropic.stream import MessageStreamScanner
from windsock.wire.formats.converse.answer import events_of, message_of
from windsock.wire.json_codec import parsed
from windsock.wire.sse import MAX_EVENT_BYTES

PRELUDE = 12
"""Bytes before the headers: whole length, length of the headers, and a checksum of both."""

TAIL = 4
"""Bytes after the payload: a checksum of all before it."""

LONG_FRAME = 0
"""The first byte of a frame's length, up to what an event may have; no text begins with it."""

STRING = 7
"""The kind of header that all of Bedrock's are."""


class ConverseStreamScanner(MessageStreamScanner):
    """Takes frames split anywhere and gives chunks of chat completions.

    What begins as no frame is text: an answer or an error that came whole, or events.
    """

    __slots__ = ("_frames", "_is_text", "_names")

    def __init__(self, *, name: str, model: str, **facts: Any) -> None:
        super().__init__(**facts)
        self._frames = bytearray()
        self._is_text: bool | None = None
        self._names = {"id": name, "model": model}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole chunks to pass on; raises ProviderError if a frame is broken."""
        if self._is_text is None and data:
            self._is_text = data[0] != LONG_FRAME
        if self._is_text:
            yield from super().feed(data)
            return
        self._frames += data
        while (frame := self._next_frame()) is not None:
            for each in _told(frame):
                if each["type"] == "message_start":
                    each["message"] = self._names
                event = b"data: " + orjson.dumps(each) + b"\n\n"
                yield from super().feed(event)

    def rest(self) -> Iterator[bytes]:
        """A frame that did not come whole is none."""
        yield from super().rest() if self._is_text else ()

    def _events_of(self, body: Any) -> bytes:
        if isinstance(body, dict) and "output" in body:
            body = self._names | message_of(body)
        return super()._events_of(body)

    def facts(self) -> AnswerFacts:
        """Which model answered is not said; its name in the chunks is the client's."""
        return replace(super().facts(), served_model=None)

    def _next_frame(self) -> bytes | None:
        held = self._frames
        if len(held) < PRELUDE:
            return None
        length = int.from_bytes(held[:4])
        is_sound = crc32(held[:8]) == int.from_bytes(held[8:PRELUDE])
        if not is_sound or not PRELUDE + TAIL <= length <= MAX_EVENT_BYTES:
            raise ProviderError("an event of the stream is broken: it is no frame")
        if len(held) < length:
            return None
        frame = bytes(held[:length])
        del held[:length]
        if crc32(frame[:-TAIL]) != int.from_bytes(frame[-TAIL:]):
            raise ProviderError("an event of the stream is broken: its checksum is another")
        return frame


def _told(frame: bytes) -> Iterator[dict[str, Any]]:
    headers_end = PRELUDE + int.from_bytes(frame[4:8])
    headers = _headers(frame[PRELUDE:headers_end])
    body = parsed(frame[headers_end:-TAIL])
    kind = headers.get(":exception-type") or headers.get(":event-type") or ""
    return events_of(kind, body if isinstance(body, dict) else {})


def _headers(raw: bytes) -> dict[str, str]:
    """Names and texts; after one of another kind nothing is read, for none of ours follows."""
    found, at = {}, 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        if raw[name_end] != STRING:
            break
        start = name_end + 3
        end = start + int.from_bytes(raw[name_end + 1 : start])
        found[raw[at + 1 : name_end].decode()] = raw[start:end].decode()
        at = end
    return found
