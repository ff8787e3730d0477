"""Events of another stream, told as chunks of chat completions and then read as any other's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.json_codec import parsed
from windsock.wire.sse import BARE, BOUNDARY, DATA, Unended


class EventTranslator(ChatStreamScanner):
    """What content is, what was used and how a stream ends is decided in the reader of chunks."""

    __slots__ = ("_unread",)

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._unread = Unended()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole chunks to pass on; raises ProviderError if an event is broken."""
        held, start = self._unread.with_next(data), 0
        for match in BOUNDARY.finditer(held):
            event, start = held[start : match.end()], match.end()
            for chunk in self._chunks_of(event):
                yield from super().feed(chunk)
        self._unread.hold(held[start:])

    def rest(self) -> Iterator[bytes]:
        """The last event, if the stream ended without the blank line that closes it; or those of
        an answer that came whole, and not after events."""
        held = self._unread.taken()
        is_begun = self.has_content or self.is_complete
        if DATA.search(held):
            yield from self.feed(held + b"\n\n")
        elif not is_begun and (events := self._events_of(parsed(held))):
            yield from self.feed(events)
        else:
            self._unended.hold(held)
            yield from super().rest()

    def _chunks_of(self, event: bytes) -> Iterator[bytes]:
        """Of what is no data only what stands there by itself is told: it may be an error."""
        if DATA.search(event):
            yield from self._told(event)
        elif BARE.match(event):
            yield event

    @abstractmethod
    def _events_of(self, body: Any) -> bytes:
        """The events of a whole answer; empty for what is none."""

    @abstractmethod
    def _told(self, event: bytes) -> Iterator[bytes]:
        """The chunks of one event; one that is broken, or of another shape, is passed on: the
        reader of chunks refuses it, and finds the error that it is."""
