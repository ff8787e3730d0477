"""Real requests through the router: call, report, settle. Simulations have engines of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from windsock.clock import Clock
from windsock.core.model.calls import Attempt, CallKind, CallResult, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.units import Usage, to_float
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.naming.suffixes import needs_search
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.observability.telemetry import current
from windsock.providers.transport import Caller
from windsock.providers.upstream import Upstream
from windsock.service.execution.comparing.second_opinions import comparison, run_pair
from windsock.service.execution.hedged_calls import run_call, run_stream
from windsock.service.execution.plain_execution import Answers, plain_call
from windsock.service.execution.stream_execution import stream_call
from windsock.service.execution.stream_rescue import ShownStream
from windsock.service.execution.upstream_calls import Failure, UpstreamCalls
from windsock.service.texts.answered import Readers
from windsock.service.texts.stream_copy import Writer
from windsock.wire.request import Operation, UpstreamRequest

Finished = Callable[[Exchange, Outcome], None]
"""Told once of every exchange that is over."""


class RequestExecutor:
    """Runs exchanges against real providers.

    calls       to the providers, whose `upstreams` and `clock` may be replaced
    readers     of what was asked and answered, where texts may be read
    """

    def __init__(
        self,
        *,
        router: Router,
        upstreams: Mapping[str, Upstream],
        caller: Caller,
        clock: Clock,
        finished: Finished,
    ) -> None:
        self.calls = UpstreamCalls(router=router, upstreams=upstreams, caller=caller, clock=clock)
        self.readers = Readers()
        self._router = router
        self._finished = finished

    async def answer(
        self, exchange: Exchange, request: UpstreamRequest
    ) -> tuple[bytes | None, Failure]:
        """The answer's body, or None and the last failure; the exchange is settled either way."""
        failure, answers, clock = Failure(), Answers(), self.calls.clock
        if exchange.route.cascade is not None:
            request = _with_certainty(exchange.route.cascade, request)
        if needs_search(request.request):
            request = self._with_search(request)
        make = partial(plain_call, self.calls, exchange, request, failure, answers)
        given = None
        try:
            while (attempt := exchange.next_attempt(now := clock.now())) is not None:
                is_pair = exchange.decision.escalates_to is not None
                if is_pair and (second := exchange.second(now)) is not None:
                    compare = comparison(exchange, answers)
                    await run_pair(exchange, attempt, second, make, compare, clock)
                elif (late_after_s := exchange.hedge_after_s(now)) is not None:
                    await run_call(exchange, attempt, make, late_after_s, clock)
                else:
                    exchange.report(await make(attempt), clock.now())
        finally:
            if exchange.answer is not None:
                given = answers[exchange.answer.attempt.number]
            outcome = self._settle(exchange, request)
        if given is None:
            return None, failure
        usd = outcome.cost_usd
        body = given.told(request, None if usd is None else to_float(usd))
        self.readers.tell(request, outcome, body, is_native=given.target.is_native)
        return body, failure

    async def stream(
        self, exchange: Exchange, request: UpstreamRequest, failure: Failure, writer: Writer
    ) -> None:
        """Write events as they come; nothing before an attempt has content to show.

        A stream that broke off, and that nobody went on with, ends with an error; so does one that
        is cancelled, since the service stops or since its client left and does not hear of it.
        """
        clock, copy = self.calls.clock, self.readers.copy(request)
        request = self._with_search(request)
        is_chat = request.operation is Operation.CHAT
        shown = ShownStream(request, may_rescue=is_chat and exchange.route.rescue_streams)
        make = partial(stream_call, self.calls, exchange, request, failure, shown)
        try:
            while (attempt := exchange.next_attempt(clock.now())) is not None:
                await run_stream(exchange, attempt, make, copy.through(writer), clock)
            if exchange.answer is None and shown.is_begun:
                await writer.write(failure.last_event)
        except asyncio.CancelledError:
            if not (shown.is_begun and failure.last_event):
                raise
            await writer.write(failure.last_event)
        finally:
            outcome = self._settle(exchange, request)
            if copy.is_whole and exchange.answer is not None:
                events, is_native = copy.body(), shown.is_native
                self.readers.tell(request, outcome, events, is_native=is_native, is_stream=True)
            elif copy.is_cut and exchange.answer is not None:
                self.readers.miss(request, outcome)
            copy.close()

    async def close(self) -> None:
        """Drop the connections to providers."""
        await self.calls.close()

    def _with_search(self, request: UpstreamRequest) -> UpstreamRequest:
        """The request, with those of whom it asks a search that its body does not ask for."""
        searching = self._router.searching(request.request)
        return replace(request, searching=searching) if searching else request

    def _settle(self, exchange: Exchange, request: UpstreamRequest) -> Outcome:
        """End the exchange, also when the client left in the middle of a call."""
        now = self.calls.clock.now()
        while exchange.calls.trying is not None:
            exchange.report(_left(exchange.calls.trying, exchange.decision, now), now)
        outcome = exchange.outcome(now)
        self._finished(exchange, outcome)
        if (trace := current.get()) is not None:
            trace.settle(request, outcome)
        return outcome


def _with_certainty(cascade: Cascade, request: UpstreamRequest) -> UpstreamRequest:
    """The request, asking how sure the answer is where the route's cascade goes by that."""
    if not cascade.ask_logprobs or request.request.is_stream:
        return request
    return replace(request, wants_certainty=True)


def _left(attempt: Attempt, decision: Decision, now: float) -> CallResult:
    """The client left in the middle of a call: the prompt, at least, was paid for."""
    was_sent = now >= attempt.not_before
    return CallResult(
        attempt=attempt,
        kind=CallKind.CANCELLED,
        latency_s=max(0.0, now - attempt.started_at),
        usage=Usage(input_tokens=decision.prompt_tokens) if was_sent else None,
        is_usage_estimated=was_sent,
    )
