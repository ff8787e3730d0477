"""Events of another stream, told as chunks of chat completions and then read as any other's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.json_codec import parsed
from windsock.wire.sse import BOUNDARY, DATA, Unended


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
            for chunk in self._told(event) if DATA.search(event) else ():
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

    @abstractmethod
    def _events_of(self, body: Any) -> bytes:
        """The events of a whole answer; empty for what is none."""

    @abstractmethod
    def _told(self, event: bytes) -> Iterator[bytes]:
        """The chunks of one event; one that is broken is passed on for the reader to refuse."""
