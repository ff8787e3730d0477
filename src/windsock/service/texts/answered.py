"""A request and its answer as they went, told to those who read texts in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from windsock.core.model.calls import Outcome
from windsock.observability.background import tell_place
from windsock.service.texts.stream_copy import MAX_COPY_BYTES, CopyRoom, StreamCopy
from windsock.wire.request import Operation, UpstreamRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredTexts:
    """The bytes of one chat that was answered. They stay in memory: never in a store or a log.

    asked       a chat body, whatever the client's format
    answer      a chat completion, or one in `language`; events of such where it streamed
    language    a name in `wire.registry.LANGUAGES`; empty: chat completions
    """

    outcome: Outcome
    asked: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    is_stream: bool
    language: str = ""


class Reader(Protocol):
    """Who wants to read what was asked and answered."""

    @property
    def is_reading(self) -> bool:
        """Whether it wants any texts now."""

    def read(self, texts: AnsweredTexts) -> None:
        """Take them over; it runs on the event loop, after the answer was sent."""


@dataclass(slots=True)
class Readers:
    """All who read, told of each chat that was answered and is not private.

    Where nobody reads, nothing is copied. One that fails is told in the log and fails no request.
    """

    all: list[Reader] = field(default_factory=list)
    _room: CopyRoom = field(default_factory=CopyRoom)

    def may_read(self, request: UpstreamRequest) -> bool:
        """Whether anybody wants the texts of this request, and may."""
        is_open = request.operation is Operation.CHAT and not request.is_private
        return is_open and any(each.is_reading for each in self.all)

    def copy(self, request: UpstreamRequest) -> StreamCopy:
        """Gathers a streamed answer; close it at its end."""
        return StreamCopy(MAX_COPY_BYTES if self.may_read(request) else 0, self._room)

    def tell(
        self,
        request: UpstreamRequest,
        outcome: Outcome,
        answer: bytes,
        *,
        is_native: bool,
        is_stream: bool = False,
    ) -> None:
        """A chat was answered."""
        if outcome.served is None or not self.may_read(request):
            return
        native = request.native if is_native else None
        texts = AnsweredTexts(
            outcome=outcome,
            asked=request.raw,
            answer=answer,
            is_stream=is_stream,
            language=native.language if native else "",
        )
        for each in self.all:
            if each.is_reading:
                try:
                    each.read(texts)
                except Exception as error:
                    tell_place(type(each).__name__, error)
