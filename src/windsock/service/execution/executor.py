"""Real requests through the router: open, call, report, record. The replay has its own driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.core.evidence.answer_checks import confidence
from windsock.core.model.calls import Attempt, CallKind, CallResult, Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.events import Event
from windsock.core.model.units import Usage, to_float
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import ProviderError
from windsock.providers.transport import Caller, Endpoint, Reply, Unreachable
from windsock.service.execution.deadline import Deadline
from windsock.service.execution.hedged_calls import OUTRUN, Write, run_call, run_stream
from windsock.service.execution.stream_relay import NoAnswer, Relay, StreamTimeouts, in_band_error
from windsock.wire import json_codec
from windsock.wire.formats.openai_chat import (
    _answer_of,
    _use_of,
    billed_of,
    body_for,
    confidence_of,
    id_of,
    tier_of,
    with_logprobs,
    without_logprobs,
)
from windsock.wire.formats.openai_chat_stream import StreamScanner
from windsock.wire.formats.openai_embeddings import VECTORS_SAID, vectors_of
from windsock.wire.request import CHAT, UpstreamRequest
from windsock.wire.upstream_errors import kind_of_error, retry_after_s

DONE = b"data: [DONE]\n\n"

BROKEN_STREAM = "the provider's stream broke off before the answer was complete"
BROKE_OFF = {CallKind.TIMED_OUT: "the answer was not complete in time"}


@dataclass(slots=True)
class Failure:
    """The last upstream error, for the client when nothing else is left."""

    status: int | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole answer: parsed, with provider and cost added."""

    body: bytes


class RequestExecutor:
    """Runs exchanges against real providers.

    endpoints   by provider id
    keep        writes a record to the ledger; never blocks
    publish     tells listeners of a shift
    """

    def __init__(
        self,
        *,
        router: Router,
        endpoints: Mapping[str, Endpoint],
        caller: Caller,
        clock: Clock,
        keep: Callable[[Any], object],
        publish: Callable[[Event], None],
        finished: Callable[[Exchange, Outcome], None],
    ) -> None:
        self.router = router
        self.clock = clock
        self.endpoints = endpoints
        self._caller = caller
        self._keep = keep
        self._publish = publish
        self._finished = finished

    async def answer(
        self, exchange: Exchange, chat: UpstreamRequest
    ) -> tuple[bytes | None, Failure]:
        """The answer's body, or None and the last failure; the exchange is settled either way."""
        failure = Failure()
        bodies: dict[int, dict[str, Any]] = {}
        cascade = exchange.route.cascade
        asking = with_logprobs(chat) if cascade is not None and cascade.ask_logprobs else None
        make = partial(self._attempt, exchange, chat=asking or chat, bodies=bodies, failure=failure)
        try:
            while (attempt := exchange.next_attempt(self.clock.now())) is not None:
                await run_call(exchange, attempt, make, self.clock)
        finally:
            answer = exchange.answer
            body = bodies[answer.attempt.number] if answer else {}
            outcome = self._settle(exchange)
        if answer is None:
            return None, failure
        if asking is not None:
            without_logprobs(body)
        return self._enriched(body, exchange, outcome), failure

    async def stream(
        self, exchange: Exchange, chat: UpstreamRequest, failure: Failure, write: Write
    ) -> None:
        """Write events as they come; nothing before an attempt has content to show."""
        try:
            while (attempt := exchange.next_attempt(self.clock.now())) is not None:
                make = partial(self._stream_attempt, exchange, chat=chat, failure=failure)
                await run_stream(exchange, attempt, make, write, self.clock)
        finally:
            self._settle(exchange)

    def keep_decision(self, decision: Decision) -> None:
        """Record a decision whose call somebody else makes."""
        self._keep(decision)

    async def close(self) -> None:
        await self._caller.close()

    async def _attempt(
        self,
        exchange: Exchange,
        attempt: Attempt,
        chat: UpstreamRequest,
        bodies: dict[int, dict[str, Any]],
        failure: Failure,
    ) -> CallResult:
        """One call to its end."""
        started = self.clock.elapsed()
        first_byte_s: float | None = None
        if attempt.not_before:
            await self._wait(attempt)
        deadline = Deadline()
        try:
            with deadline.after(attempt.timeout_s):
                reply = await self._post(attempt, chat)
                try:
                    first_byte_s = self.clock.elapsed() - started
                    rest_s = exchange.rest_s(first_byte_s, self.clock.now())
                    deadline.move(rest_s)
                    raw = await reply.body()
                finally:
                    await reply.close()
        except TimeoutError:
            kind = CallKind.TIMED_OUT
            return self._result(attempt, kind, started, first_byte_s=first_byte_s)
        except Unreachable as error:
            return self._result(attempt, CallKind.UNREACHABLE, started, note=str(error))
        except ProviderError as error:
            return self._result(attempt, CallKind.BAD_ANSWER, started, note=str(error))
        finally:
            deadline.close()
        if reply.status != 200:
            return self._refused(attempt, reply, raw, started, failure)
        body = _answer_of(raw) if chat.path == CHAT else vectors_of(raw)
        if body is None:
            failure.status, failure.body = 502, b""
            return self._result(attempt, CallKind.BAD_ANSWER, started, status=200)
        bodies[attempt.number] = body
        usage, is_usage_estimated = _use_of(body, raw, chat)
        return CallResult(
            attempt=attempt,
            kind=CallKind.ANSWERED,
            latency_s=self.clock.elapsed() - started,
            status=200,
            first_byte_s=first_byte_s,
            service_tier=tier_of(body),
            usage=usage,
            is_usage_estimated=is_usage_estimated,
            served_model=body.get("model"),
            response_id=id_of(body),
            billed_usd=billed_of(body),
            **(_said(exchange, body) if chat.path == CHAT else VECTORS_SAID),
        )

    async def _stream_attempt(
        self,
        exchange: Exchange,
        attempt: Attempt,
        write: Write,
        *,
        chat: UpstreamRequest,
        failure: Failure,
    ) -> None:
        """One streamed call: events once it has content, then usage with cost and the end mark."""
        relay = Relay(attempt, chat.choices)
        started = self.clock.elapsed()
        refused: CallResult | None = None
        patience: StreamTimeouts | None = None
        try:
            await self._wait(attempt)
            patience = self._patience(exchange, attempt)
            reply, raw = await patience.first(self._answered(relay, attempt, chat))
            if reply.status != 200:
                refused = self._refused(attempt, reply, raw, started, failure)
                return
            while events := await relay.next(reply, patience):
                if relay.first_byte_s is None:
                    relay.first_byte_s = self.clock.elapsed() - started
                    if not exchange.commit(attempt):
                        relay.fail(CallKind.CANCELLED, OUTRUN)
                        return
                await write(events)
            relay.end()
        except TimeoutError:
            relay.fail(CallKind.TIMED_OUT, "no content in time")
        except Unreachable as error:
            relay.fail(CallKind.UNREACHABLE, str(error))
        except ProviderError as error:
            relay.fail(CallKind.BROKEN, str(error))
        except BaseException:
            relay.fail(CallKind.CANCELLED, "")
            raise
        finally:
            if patience is not None:
                patience.close()
            await relay.close()
            facts = relay.facts(chat)
            result = refused or self._result(attempt, relay.kind, started, **facts)
            exchange.report(result, self.clock.now())
        if relay.first_byte_s is None:
            failure.status = 502
        elif relay.kind is CallKind.ANSWERED:
            await write(self._last_events(exchange, chat, relay.scanner))
        elif relay.scanner.error is None:
            await write(in_band_error(BROKE_OFF.get(relay.kind, BROKEN_STREAM)))

    async def _answered(
        self, relay: Relay, attempt: Attempt, chat: UpstreamRequest
    ) -> tuple[Reply, bytes]:
        """The head of a stream, or the whole of a refusal; raises NoAnswer."""
        relay.is_sent = True
        reply = relay.reply = await self._post(attempt, chat)
        if reply.status != 200:
            return reply, await reply.body()
        if reply.headers.get("content-type", "").startswith("text/html"):
            raise NoAnswer("the answer is an HTML page")
        return reply, b""

    def _patience(self, exchange: Exchange, attempt: Attempt) -> StreamTimeouts:
        deadline_s, until = exchange.request.deadline_s, None
        if deadline_s is not None:
            left_s = exchange.decision.at + deadline_s - self.clock.now()
            until = asyncio.get_running_loop().time() + left_s
        return StreamTimeouts(
            first_s=attempt.timeout_s, stall_s=exchange.route.stall_s, until=until
        )

    async def _wait(self, attempt: Attempt) -> None:
        pause_s = attempt.not_before - self.clock.now()
        if pause_s > 0:
            await asyncio.sleep(pause_s)

    async def _post(self, attempt: Attempt, chat: UpstreamRequest) -> Reply:
        deployment = self.router.catalog.deployments[attempt.deployment]
        provider = deployment.provider
        body = body_for(chat, deployment.model, keeps_ours=provider in ("openrouter", "litellm"))
        return await self._caller.post(self.endpoints[provider], chat.path, body)

    def _endpoint(self, attempt: Attempt) -> Endpoint:
        return self.endpoints[self.router.catalog.deployments[attempt.deployment].provider]

    def _refused(
        self, attempt: Attempt, reply: Reply, raw: bytes, started: float, failure: Failure
    ) -> CallResult:
        """An answer that is an error."""
        failure.status = reply.status
        failure.body = self._endpoint(attempt).without_secrets(raw)
        return self._result(
            attempt,
            kind_of_error(reply.status, raw),
            started,
            status=reply.status,
            retry_after_s=retry_after_s(reply.headers, self.clock.now()),
        )

    def _result(self, attempt: Attempt, kind: CallKind, started: float, **facts: Any) -> CallResult:
        latency_s = self.clock.elapsed() - started
        return CallResult(attempt=attempt, kind=kind, latency_s=latency_s, **facts)

    def _settle(self, exchange: Exchange) -> Outcome:
        """End the exchange, also when the client left in the middle of a call."""
        now = self.clock.now()
        while exchange.trying is not None:
            exchange.report(_left(exchange.trying, exchange.decision, now), now)
        outcome = exchange.outcome(now)
        self._keep(outcome)
        for shift in exchange.shifts:
            self._publish(shift)
        self._finished(exchange, outcome)
        return outcome

    def _enriched(self, body: dict[str, Any], exchange: Exchange, outcome: Outcome) -> bytes:
        """The answer with `provider` and `usage.cost` as OpenRouter gives them."""
        served = outcome.served or ""
        body["provider"] = self.router.catalog.deployments[served].provider
        if isinstance(body.get("usage"), dict):
            body["usage"]["cost"] = to_float(outcome.cost_usd)
        return json_codec.dumps(body)

    def _last_events(
        self, exchange: Exchange, chat: UpstreamRequest, scanner: StreamScanner
    ) -> bytes:
        """The usage chunk with cost, if the client asked for it, and the end mark."""
        if not chat.wants_usage or scanner.usage is None:
            return DONE
        now = self.clock.now()
        cost = sum(self.router.cost_of(result, now) for result in exchange.results)
        last = {**scanner.last, "choices": [], "usage": {**scanner.usage, "cost": float(cost)}}
        return b"data: " + orjson.dumps(last) + b"\n\n" + DONE


def _left(attempt: Attempt, decision: Decision, now: float) -> CallResult:
    """The client left in the middle of a call: the prompt, at least, was paid for."""
    was_sent = now >= attempt.not_before
    return CallResult(
        attempt=attempt,
        kind=CallKind.CANCELLED,
        latency_s=now - decision.at,
        usage=Usage(input_tokens=decision.prompt_tokens) if was_sent else None,
        is_usage_estimated=was_sent,
    )


def _said(exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
    """How an answer ended, and how sure it is."""
    message = body["choices"][0].get("message")
    said = message if isinstance(message, dict) else {}
    return {
        "confidence": confidence(exchange.route.checks, said, confidence_of(body)),
        "finish_reason": body["choices"][0].get("finish_reason"),
    }
