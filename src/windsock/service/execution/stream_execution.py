"""One streamed call: events once it has content, then usage with its cost and the end mark."""

from __future__ import annotations

import asyncio
from functools import partial

from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.routing.exchange import Exchange
from windsock.errors import ProviderError
from windsock.providers.transport import Pass, Reply, Unreachable
from windsock.service.execution.asking.target import Target, Unasked
from windsock.service.execution.deadline import StreamTimeouts
from windsock.service.execution.hedged_calls import OUTRUN
from windsock.service.execution.stream_relay import NoAnswer, Relay
from windsock.service.execution.stream_rescue import ShownStream
from windsock.service.execution.upstream_calls import Failure, UpstreamCalls
from windsock.service.texts.stream_copy import Writer
from windsock.wire.request import UpstreamRequest

HELD_FROM_S = 0.01
"""From which on a write has waited for the client; what is shorter is our own work."""

BROKEN_STREAM = "the provider's stream broke off before the answer was complete"
STOPPED = "the service shuts down before the answer is complete; ask again"
BROKE_OFF = {
    CallKind.TIMED_OUT: "the answer was not complete in time",
    CallKind.EMPTY_ANSWER: "the provider's answer held nothing to show",
    CallKind.CANCELLED: "the provider cut off the stream, which was not read for a while",
}
"""What the client is told of a stream that ended in another way than by breaking."""


async def stream_call(
    calls: UpstreamCalls,
    exchange: Exchange,
    request: UpstreamRequest,
    failure: Failure,
    shown: ShownStream,
    attempt: Attempt,
    writer: Writer,
) -> None:
    """Make the call, write its events and report its end to the exchange.

    shown   what calls before it have written
    """
    request = shown.continued(request)
    try:
        target = calls.targets.of(attempt, request)
        failure.adapted[attempt.number] = target.adapted
        scanner = target.format.scanner(request)
        relay = Relay(attempt, scanner, request, exchange.route)
    except Unasked as error:
        result = calls.unasked(attempt, error, calls.clock.elapsed(), failure)
        exchange.report(result, calls.clock.now())
        return
    except ProviderError as error:
        failure.status = 502
        started = calls.clock.elapsed()
        result = calls.result(attempt, CallKind.BAD_ANSWER, started, note=str(error))
        exchange.report(result, calls.clock.now())
        return
    await StreamedCall(calls, exchange, request, failure, shown, target, relay).run(writer)


class StreamedCall:
    """One streamed call; `run` it once."""

    __slots__ = ("_calls", "_exchange", "_failure", "_join", "_refused", "_relay", "_request",
                 "_shown", "_started", "_target", "_timeouts")  # fmt: skip

    def __init__(
        self,
        calls: UpstreamCalls,
        exchange: Exchange,
        request: UpstreamRequest,
        failure: Failure,
        shown: ShownStream,
        target: Target,
        relay: Relay,
    ) -> None:
        self._calls = calls
        self._exchange = exchange
        self._request = request
        self._failure = failure
        self._shown = shown
        self._join = shown.join(target.provider)
        self._target = target
        self._relay = relay
        self._started = calls.clock.elapsed()
        self._refused: CallResult | None = None
        self._timeouts: StreamTimeouts | None = None

    async def run(self, writer: Writer) -> None:
        """Whatever happens, the exchange is told; what breaks the call is not raised."""
        relay, is_ended_here = self._relay, True
        try:
            is_ended_here = await self._relayed(writer)
        except TimeoutError:
            relay.fail(CallKind.TIMED_OUT, "no content in time")
        except Unreachable as error:
            relay.fail(CallKind.UNREACHABLE, str(error))
        except Unasked as error:
            self._refused, is_ended_here = self._unasked(error), False
        except ProviderError as error:
            relay.broke(str(error))
        except BaseException:
            relay.fail(CallKind.CANCELLED, "")
            if relay.first_byte_s is not None:
                self._failure.last_event = relay.scanner.broken(STOPPED)
            raise
        finally:
            await self._report()
        if is_ended_here:
            await self._end(writer)

    async def _relayed(self, writer: Writer) -> bool:
        """Pass events on; False if the client is to hear nothing of how this call ended."""
        calls, relay = self._calls, self._relay
        if relay.attempt.not_before:
            await calls.wait(relay.attempt, self._exchange.calls)
            self._started = calls.clock.elapsed()
        timeouts = self._timeouts = self._stream_timeouts()
        reply, raw = await timeouts.first(self._answered())
        if reply.status != 200:
            self._refused = calls.refused(
                relay.attempt, self._target, reply, raw, self._started, self._failure
            )
            return False
        while events := await relay.next(reply, timeouts):
            if relay.first_byte_s is None and not self._commit():
                return False
            if not (fitted := self._fitted(events)):
                continue
            await self._write(writer, fitted)
            if (pass_ := writer.at_once) is not None:
                is_noted = self._join is None and not self._shown.may_go_on
                write = pass_ if is_noted else partial(self._pass, pass_)
                await relay.pass_on(reply, timeouts, write)
        relay.end()
        if (error := relay.scanner.error) is not None:
            facts = relay.facts(self._target.capabilities)
            self._refused = calls.refused(
                relay.attempt, self._target, reply, error, self._started, self._failure, **facts
            )
        return True

    async def _write(self, writer: Writer, events: bytes) -> None:
        """For as long as the client has to be waited for the call's own time stands still."""
        begun = self._calls.clock.elapsed()
        try:
            await writer.write(events)
        finally:
            waited_s = self._calls.clock.elapsed() - begun
            if waited_s >= HELD_FROM_S:
                self._started += waited_s
                self._relay.wait(waited_s)

    def _pass(self, write: Pass, events: bytes) -> bool:
        fitted = self._fitted(events)
        return not fitted or write(fitted)

    def _fitted(self, events: bytes) -> bytes:
        """As they are to be written, which is noted; some wait for the next ones."""
        relay = self._relay
        if self._target.is_native:
            self._shown.observe_native()
            return events
        events = self._join.fit(events) if self._join is not None else events
        self._shown.observe(events, relay.scanner, relay.attempt.deployment)
        return events

    def _commit(self) -> bool:
        """The first content came: from here on the answer is this one, unless its twin's is."""
        relay = self._relay
        relay.first_byte_s = self._calls.clock.elapsed() - self._started
        is_first = self._exchange.commit(relay.attempt)
        if not is_first:
            relay.fail(CallKind.CANCELLED, OUTRUN)
        return is_first

    async def _answered(self) -> tuple[Reply, bytes]:
        """The head of a stream, or the whole of a refusal; raises NoAnswer."""
        relay = self._relay
        relay.is_sent = True
        reply = relay.reply = await self._calls.post(self._target)
        if reply.status != 200:
            return reply, await reply.body()
        if self._target.passes_headers:
            self._failure.passed[relay.attempt.number] = self._target.passed(reply)
        if reply.headers.get("content-type", "").startswith("text/html"):
            raise NoAnswer("the answer is an HTML page")
        return reply, b""

    def _stream_timeouts(self) -> StreamTimeouts:
        exchange, deadline_s = self._exchange, self._exchange.request.deadline_s
        until = None
        if deadline_s is not None:
            left_s = exchange.decision.at + deadline_s - self._calls.clock.now()
            until = asyncio.get_running_loop().time() + left_s
        return StreamTimeouts(
            self._calls.deadlines,
            first_s=self._relay.attempt.timeout_s,
            stall_s=exchange.route.stall_s,
            until=until,
        )

    async def _report(self) -> None:
        calls, relay = self._calls, self._relay
        if self._timeouts is not None:
            self._timeouts.close()
        await relay.close()
        result = self._refused or calls.result(
            relay.attempt,
            relay.kind,
            self._started,
            adapted=self._target.adapted,
            refusal=relay.verdict,
            **relay.facts(self._target.capabilities),
        )
        may_go_on = self._shown.may_go_on
        self._exchange.report(result, calls.clock.now(), may_go_on=may_go_on)

    def _unasked(self, error: Unasked) -> CallResult:
        return self._calls.unasked(self._relay.attempt, error, self._started, self._failure)

    async def _end(self, writer: Writer) -> None:
        """The client's last events, or the word that nothing came from here."""
        relay = self._relay
        if relay.first_byte_s is None:
            self._failure.status = 502
        elif relay.kind is CallKind.ANSWERED:
            if self._target.is_native:
                self._calls.note_given(self._exchange, relay.attempt, self._target, relay.said)
            await writer.write(relay.scanner.ending(self._exchange.calls.spent_usd()))
        else:
            self._failure.last_event = self._last_event()

    def _last_event(self) -> bytes:
        """What ends the stream, unless another goes on with it: the provider's words if any."""
        relay, said = self._relay, self._failure.body
        if self._refused is not None and said and not self._target.is_native:
            return b"data: " + b"".join(said.splitlines()) + b"\n\n"
        last = relay.scanner.broken(BROKE_OFF.get(relay.kind, BROKEN_STREAM))
        return self._target.endpoint.without_secrets(last)
