"""The calls of Gemini's API, whose model stands in the path, and its streams as JSON arrays."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from windsock.service.connections.paths import GEMINI_CALLS
from windsock.service.gateway.answer_facts import EVENT_STREAM
from windsock.service.gateway.call import Call, Endpoint, Message, Send
from windsock.service.gateway.translation import spoken
from windsock.wire.dialect import Dialect
from windsock.wire.formats.generate_content.content import (
    CountTokens,
    GenerateContent,
    StreamGenerateContent,
)
from windsock.wire.formats.generate_content.embeddings import BatchEmbedContents, EmbedContent
from windsock.wire.sse import BOUNDARY, data_of

JSON = (b"content-type", b"application/json")

CHANGED = (b"content-type", b"content-length")
"""Headers that tell of another body."""


def gemini_calls(chat: Endpoint, embed: Endpoint, count: Endpoint) -> dict[str, Endpoint]:
    """The endpoints by path, served by those of OpenAI's calls."""
    made = {
        "generateContent": _spoken(chat, GenerateContent),
        "streamGenerateContent": _as_asked(_spoken(chat, StreamGenerateContent)),
        "countTokens": _spoken(count, CountTokens),
        "embedContent": _spoken(embed, EmbedContent),
        "batchEmbedContents": _spoken(embed, BatchEmbedContents),
    }
    return {GEMINI_CALLS + name: endpoint for name, endpoint in made.items()}


def _spoken(endpoint: Endpoint, dialect: Callable[[str | None], Dialect]) -> Endpoint:
    return spoken(endpoint, lambda call: dialect(call.model))


def _as_asked(endpoint: Endpoint) -> Endpoint:
    """Server-sent events for `alt=sse`, else a JSON array that comes in pieces."""

    async def answered(call: Call) -> None:
        if parse_qs(call.query.decode("latin-1")).get("alt") != ["sse"]:
            call.send = ArrayAnswer(call.send)
        await endpoint(call)

    return answered


class ArrayAnswer:
    """Events as the elements of an array; an answer that is an error is its only one."""

    __slots__ = ("_are_events", "_held", "_mark", "_send")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._are_events = False
        self._held = b""
        self._mark = b"["

    async def __call__(self, message: Message) -> None:
        """Called with the parts of the answer."""
        if message["type"] == "http.response.start":
            self._are_events = EVENT_STREAM in message["headers"]
            rest = [each for each in message["headers"] if each[0] not in CHANGED]
            await self._send({**message, "headers": [JSON, *rest]})
            return
        parts = list(map(self._element, self._elements(message["body"])))
        if not message.get("more_body"):
            parts.append(b"]" if self._mark != b"[" else b"[]")
        await self._send({**message, "body": b"".join(parts)})

    def _elements(self, body: bytes) -> list[bytes]:
        if not self._are_events:
            return [body]
        *events, self._held = BOUNDARY.split(self._held + body)
        return [found for each in events if (found := data_of(each))]

    def _element(self, body: bytes) -> bytes:
        mark, self._mark = self._mark, b",\r\n"
        return mark + body
