"""A client's own format at a provider that speaks it: nothing changes but the name of the model.

The fields of a request and all of its answer pass byte for byte; what an answer says of itself is
read beside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any, ClassVar

import msgspec
import orjson

from windsock.errors import ProviderError
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import Answer, AnswerFacts, ProviderTraits, StreamScanner
from windsock.wire.formats.openai_ends import error_in, named_error
from windsock.wire.formats.passing.events import PassedEvents
from windsock.wire.json_codec import dumps, parsed
from windsock.wire.request import OURS, UpstreamRequest, drop_task
from windsock.wire.sse import BARE, BOUNDARY, DATA, SYNTAX, data_of, is_named_failure
from windsock.wire.upstream_errors.reading import refusal_of, words_of
from windsock.wire.upstream_errors.refusal import Refusal

Events = Iterable[dict[str, Any]]


class NativeFormat(ABC):
    """A kind of call in a client's own format. Kinds add their path and how an answer is read.

    headers         of every call, where the client states none of that name
    answer_headers  of an answer that the client gets as well, in lower case
    """

    headers: Mapping[str, str] = {}
    answer_headers: tuple[str, ...] = ()
    call_path: str
    count_path = ""
    carries: frozenset[str] | None = None

    def __init__(self, traits: ProviderTraits) -> None:
        self._traits = traits

    def path(self, request: UpstreamRequest, model: str) -> str:
        """The same for every model."""
        return self.call_path

    def body(self, request: UpstreamRequest, model: str) -> bytes:
        """The client's, with the provider's name of the model and our own fields left out."""
        fields = self.fields(request)
        fields["model"] = msgspec.Raw(orjson.dumps(model))
        return msgspec.json.encode(fields)

    def fields(self, request: UpstreamRequest) -> dict[str, msgspec.Raw]:
        """The client's, each as it came, without our own."""
        fields = {name: raw for name, raw in request.fields.items() if name not in OURS}
        drop_task(fields)
        return fields

    def answer(self, raw: bytes, request: UpstreamRequest) -> Answer | None:
        """What of it counts is read as of a chat completion; of events what they add up to."""
        body = parsed(raw)
        if body is None and DATA.search(raw):
            body = self._added_up(raw, request)
            raw = dumps(body)
        if (plain := self._plain(body)) is not body:
            body, raw = plain, dumps(plain)
        if (failed := in_place_of_an_answer(body)) is not None:
            return failed
        read = self._read(body, request) if isinstance(body, dict) else None
        return None if read is None else replace(read, raw=raw)

    def _added_up(self, raw: bytes, request: UpstreamRequest) -> Any:
        """The answer, or the error, in events that nobody asked for; None if they break off."""
        try:
            scanner = self.scanner(request)
            for _ in chain(scanner.feed(raw), scanner.rest()):
                pass
            if scanner.error is not None:
                return parsed(scanner.error)
            told = (parsed(data_of(each)) for each in BOUNDARY.split(raw))
            events = (each for each in told if isinstance(each, dict))
            return self._whole(events) if scanner.is_complete else None
        except (ProviderError, RecursionError, *MISSHAPEN):
            return None

    def told(
        self, answer: Answer, request: UpstreamRequest, *, provider: str, cost_usd: float | None
    ) -> bytes:
        """As it came."""
        return answer.raw

    def refusal(
        self, status: int | None, raw: bytes, headers: Mapping[str, str], now: float
    ) -> Refusal:
        """Read from the status and the words of the error."""
        return refusal_of(status, raw, headers, now, self._traits.errors)

    @abstractmethod
    def scanner(self, request: UpstreamRequest) -> StreamScanner:
        """The reader of a streamed answer; raises ProviderError where nothing is streamed."""

    @abstractmethod
    def _read(self, body: dict[str, Any], request: UpstreamRequest) -> Answer | None:
        """What counts of an answer; None if it has not the shape of one."""

    def _plain(self, body: Any) -> Any:
        """The answer within an object of a gateway's own; else the body itself."""
        return body

    def _whole(self, events: Events) -> dict[str, Any]:
        """The answer that the events of a whole stream add up to.

        raises  one of MISSHAPEN where they add up to nothing
        """
        raise ValueError("this is never streamed")


def in_place_of_an_answer(body: Any) -> Answer | None:
    """The error that a body of status 200 is; None if it is none."""
    error = error_in(body)
    return None if error is None else Answer(body={}, facts=AnswerFacts(), error=error)


class NativeStreamScanner(PassedEvents):
    """Passes events on as they come and notes what they say (see `wire.format.StreamScanner`).

    The events that end a stream are kept until it is known for an answer.
    """

    __slots__ = ("_failed", "_has_thought", "_images", "_traits")

    FAILURE_TYPES: ClassVar[frozenset[str]] = frozenset({"error"})
    """Types of events that tell clients of the format of a failure."""

    def __init__(self, traits: ProviderTraits, images: int = 0) -> None:
        super().__init__()
        self._traits = traits
        self._images = images
        self._failed = b""
        self._has_thought = False

    @property
    def has_content(self) -> bool:
        """Something to show has come, or reasoning."""
        return self.has_answer or self._has_thought

    def rest(self) -> Iterator[bytes]:
        """The last event, if the stream ended without the blank line that closes it.

        An answer that came whole, and not after events, is told as those that were asked for.
        """
        held = self._unended.taken()
        if DATA.search(held):
            yield from self.feed(held + b"\n\n")
        elif self.error is None:
            body = parsed(held)
            self.error = error_in(body)
            if self.error is None and not (self.has_content or self.is_complete):
                yield from self.feed(self._events_of(body))

    def broken(self, message: str) -> bytes:
        """The provider's own event of a failure where clients of the format know it for one; else
        one with its words, or with this."""
        said = parsed(data_of(self._failed)) if self._failed else None
        told = self._told_of_failure(said) if isinstance(said, dict) else b""
        return told or self._broken((self.error and words_of(self.error)) or message)

    def _told_of_failure(self, said: dict[str, Any]) -> bytes:
        """The event that says this, as it came or named anew; empty if clients pass over it."""
        if said.get("type") not in self.FAILURE_TYPES:
            return b""
        return self._failed if b"event:" in self._failed else event_of(said)

    def _is_passed(self, event: bytes) -> bool:
        """Note what an event says; True if it goes to the client now."""
        if not DATA.search(event):
            return self._passes_beside(event)
        payload = data_of(event).strip()
        is_end = self._is_end(payload)
        if self.error is None and not self.is_complete and is_named_failure(event):
            said = parsed(payload) or payload.decode(errors="replace")
            self.error = dumps(named_error(said))
        if self.error is not None:
            self._failed = event
            return False
        if is_end or self._ending:
            self._ending.append(event)
            return False
        return True

    def _passes_beside(self, event: bytes) -> bool:
        """What is no data: comments pass; JSON by itself is an error, if anything."""
        bare = BARE.match(event)
        if bare is not None and not self.is_complete:
            self.error = error_in(parsed(bare[1]))
        return bare is None and not self._ending

    def _is_end(self, payload: bytes) -> bool:
        """What is no event of a known shape says nothing; what is half of one is broken."""
        try:
            return self._note(payload)
        except msgspec.ValidationError:
            return False
        except msgspec.DecodeError as error:
            is_remark = not SYNTAX.search(payload) or parsed(payload) is not None
            if not is_remark and not self.is_complete:
                raise ProviderError("an event of the stream is broken: it is no JSON") from error
        return payload == b"[DONE]"

    @abstractmethod
    def facts(self) -> AnswerFacts:
        """As far as they are known."""

    @abstractmethod
    def _note(self, payload: bytes) -> bool:
        """What an event says; True if it is one of those that end the stream.

        raises  msgspec.DecodeError if it is no JSON, ValidationError if it is no event
        """

    @abstractmethod
    def _events_of(self, body: Any) -> bytes:
        """The events of a whole answer; empty for what is none."""

    @abstractmethod
    def _broken(self, message: str) -> bytes:
        """An event that ends a stream which broke off."""


def event_of(body: dict[str, Any]) -> bytes:
    """A named event."""
    return b"event: %b\ndata: %b\n\n" % (str(body["type"]).encode(), orjson.dumps(body))
