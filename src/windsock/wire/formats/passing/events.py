"""Events of a stream that pass as they come, cut whole from its bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal

from windsock.wire.sse import BOUNDARY, Unended


class PassedEvents(ABC):
    """What scanners share that change no event (see `wire.format.StreamScanner`).

    The events that end a stream are kept until it is known for an answer.
    """

    __slots__ = ("_ending", "_unended", "content_events", "error", "has_answer", "is_complete",
                 "is_done")  # fmt: skip

    def __init__(self) -> None:
        self._unended = Unended()
        self._ending: list[bytes] = []
        self.content_events = 0
        self.has_answer = False
        self.error: bytes | None = None
        self.is_done = False
        self.is_complete = False

    @property
    def has_content(self) -> bool:
        """An event of the answer came."""
        return self.has_answer

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole events to pass on; raises ProviderError if one is broken, or beyond all bounds."""
        held, start = self._unended.with_next(data), 0
        for match in BOUNDARY.finditer(held):
            event, start = held[start : match.end()], match.end()
            if self.error is None and self._is_passed(event):
                yield event
        self._unended.hold(held[start:])

    def ending(self, cost_usd: Decimal | None) -> bytes:
        """The events that were kept, as they came."""
        return b"".join(self._ending)

    @abstractmethod
    def _is_passed(self, event: bytes) -> bool:
        """Note what an event says; False if it is kept, or is no event of the answer."""
