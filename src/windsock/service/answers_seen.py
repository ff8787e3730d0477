"""Answers with their texts, as they were given: for who judges them. They are in memory only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from windsock.core.model.calls import Outcome
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.routes import Route
from windsock.observability.background import tell_place
from windsock.wire import json_codec
from windsock.wire.formats.openai_ends import choices_in
from windsock.wire.request import UpstreamRequest
from windsock.wire.sse import BOUNDARY, data_of

Write = Callable[[bytes], Awaitable[None]]

Message = Mapping[str, Any]

MAX_EVENT_BYTES = 1024 * 1024
"""Of a streamed answer's events; of a longer one there is no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer that was given, all of it by one deployment.

    route       that was asked
    request     as it was asked: `raw` is the body of the chat
    read        gives the assistant's message; None where it came in a form of which none is read
    """

    outcome: Outcome
    route: Route
    request: UpstreamRequest
    read: Callable[[], Message | None]


class AnswerListener(Protocol):
    """Hears of answers. It is called between a request's answer and its caller: it never waits."""

    def wants(self, exchange: Exchange, request: UpstreamRequest) -> bool:
        """Whether the text of this answer is wanted; asked before the first call."""
        ...

    def hear(self, answered: Answered) -> None:
        """It was given."""
        ...


class Listeners:
    """Whoever hears of answers; what fails there fails no request."""

    def __init__(self) -> None:
        self.all: list[AnswerListener] = []

    def wanting(self, exchange: Exchange, request: UpstreamRequest) -> list[AnswerListener]:
        """Those that want the text of this answer."""
        return [each for each in self.all if _wants(each, exchange, request)]

    @staticmethod
    def tell(listeners: list[AnswerListener], answered: Answered) -> None:
        """An answer was given."""
        for each in listeners:
            try:
                each.hear(answered)
            except Exception as error:
                tell_place(type(each).__name__, error)


class StreamText:
    """Keeps the events of a streamed answer, and reads its text when it is asked for."""

    __slots__ = ("_events", "_left")

    def __init__(self) -> None:
        self._events: list[bytes] = []
        self._left = MAX_EVENT_BYTES

    def copying(self, write: Write) -> Write:
        """The same, with what is written kept here."""

        async def written(events: bytes) -> None:
            self._left -= len(events)
            if self._left >= 0:
                self._events.append(events)
            await write(events)

        return written

    def message(self) -> Message | None:
        """The assistant's, of its first choice: text alone; None if there is none, or too much."""
        if self._left < 0:
            return None
        text = "".join(_texts(b"".join(self._events)))
        return {"role": "assistant", "content": text} if text else None


def _texts(events: bytes) -> Iterator[str]:
    """The pieces of text in events of a chat stream; of other forms none are found."""
    for event in BOUNDARY.split(events):
        body = json_codec.parsed(data_of(event))
        for choice in choices_in(body)[:1] if isinstance(body, dict) else ():
            delta = choice.get("delta") if choice.get("index") in (0, None) else None
            text = delta.get("content") if isinstance(delta, dict) else None
            if isinstance(text, str):
                yield text


def _wants(listener: AnswerListener, exchange: Exchange, request: UpstreamRequest) -> bool:
    try:
        return listener.wants(exchange, request)
    except Exception as error:
        tell_place(type(listener).__name__, error)
        return False
