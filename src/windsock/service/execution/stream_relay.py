"""One streamed call as it passes: what is held back, what goes on, how long it may be silent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from windsock.core.model.calls import Attempt, CallKind
from windsock.core.model.catalog import Capabilities
from windsock.core.routing.routes import Route
from windsock.errors import ProviderError
from windsock.providers.transport import Interrupted, Pass, Reply
from windsock.service.execution.call_usage import end_kind, usage_facts
from windsock.service.execution.deadline import Deadline
from windsock.wire.dialect import MISSHAPEN
from windsock.wire.format import AnswerFacts, StreamScanner
from windsock.wire.request import TOKENS_PER_BYTE, UpstreamRequest

T = TypeVar("T")

LINGER_S = 2.0
"""How long a complete stream is waited on for its usage and its end mark."""

END_S = 0.1
"""How long the end of an answer is waited on after its end mark."""

MAX_HELD_BYTES = 1024 * 1024
"""Of events before the first content, which are held back until it comes."""


EVENT_BYTES = 300
"""Of an event that holds one token; what is above tells that there are several."""

WORKED_ON = (CallKind.ANSWERED, CallKind.EMPTY_ANSWER, CallKind.CANCELLED)
"""Ends of a call whose prompt, at least, was paid for."""


class NoAnswer(ProviderError):
    """What came is no stream of events."""


class StreamTimeouts:
    """Seconds that a provider may still be silent. Waiting for the client does not count.

    Only content is progress: a line kept open with comments runs out of time.

    first_s     until the first content
    stall_s     between contents
    until       loop time at which all patience ends
    """

    __slots__ = ("_begun", "_deadline", "_is_passing", "_left_s", "_loop", "_stall_s",
                 "_until")  # fmt: skip

    def __init__(self, *, first_s: float | None, stall_s: float, until: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = Deadline()
        self._begun = 0.0
        self._is_passing = False
        self._left_s = first_s
        self._stall_s = stall_s
        self._until = until

    async def first(self, work: Awaitable[T]) -> T:
        """Spends the patience of the first content on what comes before the stream."""
        begun = self._loop.time()
        with self._deadline.at(self._end(begun)):
            done = await work
        self._spend(begun)
        return done

    async def next(self, reply: Reply) -> bytes:
        """What comes next, b"" at the end; raises TimeoutError."""
        begun = self._loop.time()
        end = self._end(begun)
        if end is not None and end <= begun:
            raise TimeoutError
        with self._deadline.at(end):
            chunk = await reply.take()
        self._spend(begun)
        return chunk

    async def pass_on(self, reply: Reply, pass_: Pass) -> None:
        """See `Reply.pass_on`; what it passes may renew the patience. Raises TimeoutError."""
        self._begun = self._loop.time()
        self._is_passing = True
        try:
            with self._deadline.at(self._end(self._begun)):
                await reply.pass_on(pass_)
        finally:
            self._is_passing = False
        self._spend(self._begun)

    def close(self) -> None:
        """Leave no timer behind."""
        self._deadline.close()

    def renew(self, *, is_complete: bool, is_done: bool) -> None:
        """There was progress, also in the midst of `pass_on`.

        is_done     the end mark came: the end of the answer, which frees the connection, follows
        """
        self._left_s = END_S if is_done else LINGER_S if is_complete else self._stall_s
        if self._is_passing:
            self._begun = now = self._loop.time()
            until = now + self._left_s
            self._deadline.move_to(until if self._until is None else min(until, self._until))

    def _end(self, now: float) -> float | None:
        end = None if self._left_s is None else now + self._left_s
        if self._until is None or end is None:
            return end if self._until is None else self._until
        return min(end, self._until)

    def _spend(self, begun: float) -> None:
        if self._left_s is not None:
            self._left_s -= self._loop.time() - begun


class Relay:
    """Reads a call's events and tells, at its end, what became of it.

    is_sent         set by the caller: from then on the call may cost something
    first_byte_s    set by the caller when the first content came
    held_s          set by the caller: its client was waited for
    kind, note      how it ended
    """

    __slots__ = ("_bytes", "_held", "_held_bytes", "_is_over", "_request", "_route", "_said",
                 "_seen", "attempt", "first_byte_s", "held_s", "is_sent", "kind", "note",
                 "reply", "scanner")  # fmt: skip

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

        if not self._is_over:
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
            self.fail(CallKind.BROKEN, "the stream ended without a finish_reason")
        else:
            self.fail(end_kind(self.said, self._request, self._route), "")

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
