"""One streamed call as it passes: what is held back, what goes on, how long it may be silent."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from windsock.core.model.calls import Attempt, CallKind, Out, Then, Verdict
from windsock.core.model.catalog import Capabilities
from windsock.core.routing.routes import Route
from windsock.errors import ProviderError
from windsock.providers.transport import Interrupted, Pass, Reply
from windsock.service.execution.call_usage import end_kind, usage_facts
from windsock.service.execution.deadline import StreamTimeouts
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import AnswerFacts, StreamScanner
from windsock.wire.request import TOKENS_PER_BYTE, UpstreamRequest

T = TypeVar("T")

MAX_HELD_BYTES = 1024 * 1024
"""Of events before the first content, which are held back until it comes."""


EVENT_BYTES = 300
"""Of an event that holds one token; what is above tells that there are several."""

SLOW_S = 5.0
"""From which wait for its client on the provider may have given up a stream for that."""

OF_THE_CLIENT = Verdict(kind=CallKind.CANCELLED, then=Then.ELSEWHERE, out=Out.NOTHING)
"""A stream that its client let the provider wait for: another may go on, and nobody is at fault."""

WORKED_ON = (CallKind.ANSWERED, CallKind.EMPTY_ANSWER, CallKind.CANCELLED)
"""Ends of a call whose prompt, at least, was paid for."""


class NoAnswer(ProviderError):
    """What came is no stream of events."""


class Relay:
    """Reads a call's events and tells, at its end, what became of it.

    is_sent         set by the caller: from then on the call may cost something
    first_byte_s    set by the caller when the first content came
    held_s          its client was waited for, in all
    kind, note      how it ended
    verdict         what that means where it is not as usual
    """

    __slots__ = ("_bytes", "_held", "_held_bytes", "_is_over", "_longest_s", "_request", "_route",
                 "_said", "_seen", "attempt", "first_byte_s", "held_s", "is_sent", "kind", "note",
                 "reply", "scanner", "verdict")  # fmt: skip

    def __init__(
        self,
        attempt: Attempt,
        scanner: StreamScanner,
        request: UpstreamRequest,
        route: Route,
    ) -> None:
        self.attempt = attempt
        self.scanner = scanner
        self._request = request
        self._route = route
        self.reply: Reply | None = None
        self.is_sent = False
        self.first_byte_s: float | None = None
        self.held_s = 0.0
        self._longest_s = 0.0
        self.verdict: Verdict | None = None
        self.kind = CallKind.ANSWERED
        self.note = ""
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._seen = (0, False, False)
        self._bytes = 0
        self._is_over = False
        self._said: AnswerFacts | None = None

    @property
    def said(self) -> AnswerFacts:
        """What the stream said of itself; read once nothing more of it is taken."""
        if self._said is None:
            self._said = self.scanner.facts()
        return self._said

    async def next(self, reply: Reply, timeouts: StreamTimeouts) -> bytes:
        """Whole events, joined; nothing before the first content comes; b"" at the end.

        raises  TimeoutError without progress, NoAnswer, Interrupted, TooLarge
        """
        while not self._is_over:
            chunk = await self._unless_complete(timeouts.next(reply))
            if chunk is not None and (events := self._read(chunk, timeouts)):
                return events
        return self._rest()

    async def pass_on(self, reply: Reply, timeouts: StreamTimeouts, write: Pass) -> None:
        """Events go on as they come, for as long as nobody has to be waited for.

        write   tells whether more may follow
        What ends the stream is left to `next`; raises as that.
        """

        def passes(chunk: bytes) -> bool:
            events = self._read(chunk, timeouts)
            return (not events or write(events)) and not (self._is_over or self.scanner.is_done)

        if not (self._is_over or self.scanner.is_done):
            await self._unless_complete(timeouts.pass_on(reply, passes))

    def _read(self, chunk: bytes, timeouts: StreamTimeouts) -> bytes:
        """The events to pass on, after these bytes or, with none, at the end of them."""
        scanner = self.scanner
        try:
            events = b"".join(scanner.feed(chunk) if chunk else scanner.rest())
        except MISSHAPEN as error:
            raise ProviderError("an event of the stream has not the shape of one") from error
        self._is_over = not chunk or scanner.error is not None
        self._bytes += len(events)
        seen = scanner.content_events, scanner.is_complete, scanner.is_done
        if seen != self._seen:
            self._seen = seen
            timeouts.renew(is_complete=seen[1], is_done=seen[2])
        if not events or (scanner.has_answer and not self._held):
            return events
        if self._is_shown():
            return self._released(events)
        self._hold(events)
        return b""

    def _is_shown(self) -> bool:
        """Reasoning is shown as it comes; its end is not, before it is known for an answer's."""
        scanner = self.scanner
        return scanner.has_answer or (scanner.has_content and not scanner.is_complete)

    def _rest(self) -> bytes:
        """What was held back of an answer that may be empty."""
        if not self._held:
            return b""
        self.end()
        return self._released(b"") if self.kind is CallKind.ANSWERED else b""

    async def _unless_complete(self, work: Awaitable[T]) -> T | None:
        """What breaks once the answer is complete takes nothing from it: it is over then."""
        try:
            return await work
        except (TimeoutError, Interrupted):
            if not (self.scanner.is_complete or self.scanner.is_done):
                raise
            self._is_over = True
            return None

    def _released(self, events: bytes) -> bytes:
        """With what was held back."""
        if self._held:
            events = b"".join((*self._held, events))
            self._held.clear()
        return events

    def end(self) -> None:
        """The stream came to its end: was it one, and one of an answer?"""
        scanner = self.scanner
        if scanner.error is not None:
            self.fail(CallKind.BROKEN, "the provider sent an error in the stream")
        elif not scanner.is_complete:
            self.broke("the stream ended without a finish_reason")
        else:
            self.fail(end_kind(self.said, self._request, self._route), "")

    def wait(self, seconds: float) -> None:
        """Its client was waited for."""
        self.held_s += seconds
        self._longest_s = max(self._longest_s, seconds)

    def broke(self, note: str) -> None:
        """It broke off, which tells nothing of a provider that could not send for long."""
        if self._longest_s < SLOW_S:
            self.fail(CallKind.BROKEN, note)
        else:
            self.verdict = OF_THE_CLIENT
            self.fail(CallKind.CANCELLED, f"{note}; its client was not reading")

    def fail(self, kind: CallKind, note: str) -> None:
        """The call ended in this way instead."""
        self.kind, self.note = kind, note

    def facts(self, has: Capabilities) -> dict[str, Any]:
        """Of the call's result: usage as counted, or estimated where content came without it."""
        scanner, said = self.scanner, self.said
        was_worked_on = scanner.has_content or self.kind in WORKED_ON
        used: dict[str, Any] = {}
        if said.usage is not None or (self.is_sent and was_worked_on):
            used = usage_facts(said, self._request, self._answer_tokens(), has)
        return {
            "status": self.reply.status if self.reply else None,
            "first_byte_s": self.first_byte_s,
            "held_s": self.held_s,
            **used,
            "service_tier": said.service_tier,
            "served_model": said.served_model,
            "billed_usd": said.billed_usd,
            "finish_reason": said.finish_reason,
            "response_id": said.response_id,
            "note": self.note,
        }

    def _answer_tokens(self) -> int:
        """As counted here: one for each event, more where events hold many at once."""
        events = self.scanner.content_events
        text_bytes = self._bytes - events * EVENT_BYTES
        return max(events, int(text_bytes * TOKENS_PER_BYTE))

    async def close(self) -> None:
        """Leave the answer; an unfinished one costs the connection."""
        if self.reply is not None:
            await self.reply.close()

    def _hold(self, events: bytes) -> None:
        self._held.append(events)
        self._held_bytes += len(events)
        if self._held_bytes > MAX_HELD_BYTES:
            raise NoAnswer(f"{MAX_HELD_BYTES} bytes of events came without content")
