"""A request and its answer as they went, told to those who read texts in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
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
    is_private  nothing of it may be held from now on
    """

    outcome: Outcome
    asked: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    is_stream: bool
    language: str = ""
    is_private: bool = False


class Reader(Protocol):
    """Who wants to read what was asked and answered."""

    @property
    def is_reading(self) -> bool:
        """Whether it wants any texts now."""

    def read(self, texts: AnsweredTexts) -> None:
        """Take them over; it runs on the event loop, after the answer was sent."""


class Passing(Protocol):
    """Who looks at an answer as it passes and holds nothing of it: private ones as well."""

    def wants(self, request: UpstreamRequest) -> bool:
        """Whether it would look at the answer to this."""

    def read(self, texts: AnsweredTexts) -> None:
        """Look, and let go; it runs on the event loop, after the answer was sent."""


_is_reading = attrgetter("is_reading")


@dataclass(slots=True)
class Readers:
    """All who read, told of each chat that was answered and is not private; and who only look.

    Where nobody reads, nothing is copied. One that fails is told in the log and fails no request.

    missing     who is told of streams that were too long to be gathered for anybody
    """

    all: list[Reader] = field(default_factory=list)
    passing: list[Passing] = field(default_factory=list)
    missing: list[Callable[[Outcome], object]] = field(default_factory=list)
    _room: CopyRoom = field(default_factory=CopyRoom)

    def may_read(self, request: UpstreamRequest) -> bool:
        """Whether anybody wants the texts of this request, and may."""
        return request.operation is Operation.CHAT and bool(self._of(request))

    def copy(self, request: UpstreamRequest) -> StreamCopy:
        """Gathers a streamed answer; close it at its end."""
        return StreamCopy(MAX_COPY_BYTES if self.may_read(request) else 0, self._room)

    def miss(self, request: UpstreamRequest, outcome: Outcome) -> None:
        """A chat was answered, at more length than is held."""
        if not request.is_private:
            for each in self.missing:
                each(outcome)

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
        if outcome.served is None or request.operation is not Operation.CHAT:
            return
        readers = self._of(request)
        if not readers:
            return
        native = request.native if is_native else None
        texts = AnsweredTexts(
            outcome=outcome,
            asked=request.raw,
            answer=answer,
            is_stream=is_stream,
            language=native.language if native else "",
            is_private=request.is_private,
        )
        for each in readers:
            try:
                each.read(texts)
            except Exception as error:
                tell_place(type(each).__name__, error)

    def _of(self, request: UpstreamRequest) -> list[Reader | Passing]:
        """Who wants the texts of this request."""
        held = () if request.is_private else filter(_is_reading, self.all)
        return [*held, *[each for each in self.passing if each.wants(request)]]
