"""The calls of the data plane that decide: chat completions, embeddings, the decision alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial

import orjson

from windsock.clock import Clock
from windsock.core.model.decisions import Decision
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.service.error_responses import Problem
from windsock.service.execution.executor import RequestExecutor
from windsock.service.execution.token_counts import TokenCounts
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.execution.upstream_calls import Failure
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import used_tokens
from windsock.service.gateway.answer_facts import (
    AS_IT_COMES,
    EVENT_STREAM,
    decision_view,
    headers_of,
    headers_of_kept,
    is_told,
    typed,
    usd_text,
)
from windsock.service.gateway.caching.response_cache import ResponseCache, cache_key
from windsock.service.gateway.call import Call, CutShort
from windsock.service.gateway.intake import RequestIntake
from windsock.service.gateway.upstream_failures import failed
from windsock.service.key_limits import NO_LIMITS
from windsock.service.texts.stream_copy import StreamCopy, Writer
from windsock.wire.formats.openai_embeddings import read_embedding
from windsock.wire.formats.tasks.reading import read_task
from windsock.wire.request import Operation, UpstreamRequest


class OpenAICalls:
    """The endpoints of the data plane."""

    def __init__(
        self,
        *,
        intake: RequestIntake,
        executor: RequestExecutor,
        router: Router,
        clock: Clock,
        feedbacks: FeedbackInbox,
        uncalled: UncalledRequests,
        keep_decision: Callable[[Decision], object],
        cache: ResponseCache | None = None,
    ) -> None:
        self._intake = intake
        self._executor = executor
        self._counts = TokenCounts(router, executor.calls)
        self._router = router
        self._clock = clock
        self._feedbacks = feedbacks
        self._uncalled = uncalled
        self._keep_decision = keep_decision
        self._cache = cache

    async def chat(self, call: Call) -> None:
        """POST /v1/chat/completions, plain or streamed."""
        started = self._clock.elapsed()
        asked = self._intake.read(call)
        key = None
        if self._cache is not None:
            key = cache_key(asked, call.header(b"x-windsock-cache"), self._router.resolve)
        if key is not None and await self._answered_from_cache(call, asked, key):
            return
        if self._intake.has_meanings or asked.request.continues is not None:
            asked = await self._intake.understood(asked)
        exchange = await self._intake.opened(asked)
        if asked.request.is_stream:
            await self._stream(call, exchange, asked, started, key)
        else:
            await self._plain(call, exchange, asked, started, key)

    async def embed(self, call: Call) -> None:
        """POST /v1/embeddings. Vectors of two models cannot be compared: give it one model."""
        started = self._clock.elapsed()
        asked = self._intake.read(call, read_embedding)
        await self._plain(call, await self._intake.opened(asked), asked, started, None)

    async def ask(self, call: Call, operation: Operation) -> None:
        """One of the calls beside text, plain or streamed."""
        started = self._clock.elapsed()
        asked = self._intake.read(
            call, partial(read_task, operation, header=call.header, named=call.model)
        )
        answered = self._stream if asked.request.is_stream else self._plain
        await answered(call, await self._intake.opened(asked), asked, started, None)

    async def count(self, call: Call) -> None:
        """How long a prompt is: as counted where it would most likely be answered, if there are
        counts there, else taken from its size."""
        asked = self._intake.read(call)
        told = await self._counts.of(asked)
        call.is_told = told is not None
        guessed = {"input_tokens": asked.request.prompt_tokens}
        await call.answer(200, orjson.dumps(guessed) if told is None else told)

    async def route(self, call: Call) -> None:
        """POST /v1/route: the decision without the call; the caller makes it and reports back."""
        exchange = self._intake.open(await self._intake.understood(self._intake.read(call)))
        self._feedbacks.remember(exchange.decision, exchange.decision.deployment)
        self._keep_decision(exchange.decision)
        await call.answer(200, orjson.dumps(decision_view(exchange)))

    async def _plain(
        self,
        call: Call,
        exchange: Exchange,
        asked: UpstreamRequest,
        started: float,
        key: bytes | None,
    ) -> None:
        if call.allowance is not NO_LIMITS:
            call.allowance.watch(partial(used_tokens, exchange))
        body, failure = await self._executor.answer(exchange, asked)
        headers = self._headers(exchange, started, key, failure)
        if body is None:
            await call.refuse(self._failed(exchange, failure, headers))
            return
        if exchange.cost_usd is not None:
            headers.append((b"x-windsock-cost-usd", usd_text(exchange.cost_usd)))
        call.is_told = is_told(exchange, failure)
        await call.answer(200, body, headers)
        if key is not None:
            await self._keep(call, exchange, key, body, is_stream=False)

    async def _stream(
        self,
        call: Call,
        exchange: Exchange,
        asked: UpstreamRequest,
        started: float,
        key: bytes | None,
    ) -> None:
        if call.allowance is not NO_LIMITS:
            call.allowance.watch(partial(used_tokens, exchange))
        failure, ending = Failure(), bytearray()
        copy = StreamCopy(0) if key is None or self._cache is None else self._cache.copy()

        async def write(events: bytes) -> None:
            if not call.is_answered:
                call.is_told = is_told(exchange, failure)
                headers = self._headers(exchange, started, key, failure)
                await call.begin(200, [*typed(headers, EVENT_STREAM), *AS_IT_COMES])
            if exchange.answer is None:
                await call.write(events, more=True)
            else:  # the end of the answer goes with that of the body, in one write
                ending.extend(events)

        writer = copy.through(Writer(write, call.write_at_once))
        with closing(copy):
            await self._executor.stream(exchange, asked, failure, writer)
            if call.is_answered:
                if exchange.answer is None and not failure.last_event:
                    raise CutShort
                await call.write(bytes(ending), more=False)
                if copy.is_whole:
                    await self._keep(call, exchange, key, copy.body(), is_stream=True)
                return
        headers = self._headers(exchange, started, key, failure)
        await call.refuse(self._failed(exchange, failure, headers))

    async def _answered_from_cache(self, call: Call, asked: UpstreamRequest, key: bytes) -> bool:
        if self._cache is None or call.header(b"x-windsock-cache") == "refresh":
            return False
        if (kept := await self._cache.get(key, self._clock.now())) is None:
            return False
        headers = headers_of_kept(kept)
        route = self._router.resolve(asked.request).name
        self._uncalled.answer(asked.request, route, kept.deployment, kept.cost_usd)
        self._feedbacks.remember_again(kept.decision_id, asked.request)
        call.is_told = kept.is_native
        if kept.is_stream:
            await call.begin(200, [EVENT_STREAM, *headers])
            await call.write(kept.body, more=False)
        else:
            await call.answer(200, kept.body, headers)
        return True

    async def _keep(
        self, call: Call, exchange: Exchange, key: bytes | None, body: bytes, *, is_stream: bool
    ) -> None:
        if self._cache is not None and key is not None and exchange.answer is not None:
            await self._cache.put(
                key,
                body,
                is_stream=is_stream,
                deployment=exchange.answer.attempt.deployment,
                cost_usd=exchange.cost_usd,
                decision_id=exchange.decision.id,
                now=self._clock.now(),
                is_native=call.is_told,
            )

    def _headers(
        self, exchange: Exchange, started: float, key: bytes | None, failure: Failure
    ) -> list[tuple[bytes, bytes]]:
        elapsed_s = self._clock.elapsed() - started
        return headers_of(exchange, failure, elapsed_s, is_kept=key is not None)

    def _failed(
        self, exchange: Exchange, failure: Failure, headers: list[tuple[bytes, bytes]]
    ) -> Problem:
        names, now = exchange.table.deployments, self._clock.now()
        back_in_s = self._router.availability.retry_after_s(names, now)
        return failed(exchange, failure, headers, back_in_s=back_in_s)
