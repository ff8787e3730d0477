"""Events of another stream, told as chunks of chat completions and then read as any other's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from windsock.errors import ProviderError
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.sse import DATA, MAX_EVENT_BYTES, boundaries


class EventTranslator(ChatStreamScanner):
    """What content is, what was used and how a stream ends is decided in the reader of chunks."""

    __slots__ = ("_unread",)

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self._unread = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole chunks to pass on; raises ProviderError if an event is broken."""
        held = self._unread + data
        start = 0
        for match in boundaries(held, len(self._unread)):
            event, start = held[start : match.end()], match.end()
            for chunk in self._told(event) if DATA.search(event) else ():
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

    @abstractmethod
    def _told(self, event: bytes) -> Iterator[bytes]:
        """The chunks of one event; one that is broken is passed on for the reader to refuse."""
