"""The calls of the data plane that decide: chat completions, embeddings, the decision alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial

import orjson

from windsock.clock import Clock
from windsock.core.model.calls import LASTING
from windsock.core.model.decisions import Decision
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import BudgetSpent, NoCandidate, UnknownRoute
from windsock.service.auth import Access
from windsock.service.continuing import Continuing
from windsock.service.error_responses import Problem
from windsock.service.execution.executor import RequestExecutor
from windsock.service.execution.token_counts import TokenCounts
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.execution.upstream_calls import Failure
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import used_tokens
from windsock.service.gateway.answer_facts import (
    EVENT_STREAM,
    decision_view,
    headers_of,
    headers_of_kept,
    is_told,
    typed,
    usd_text,
)
from windsock.service.gateway.asgi import Call, CutShort
from windsock.service.gateway.response_cache import ResponseCache, cache_key
from windsock.service.gateway.upstream_failures import failed
from windsock.service.key_limits import NO_LIMITS, KeyLimits, check_names
from windsock.service.texts.private import is_private
from windsock.service.texts.stream_copy import StreamCopy, Writer
from windsock.wire.caller_fields.own_headers import wishes_in
from windsock.wire.caller_fields.own_names import no_header
from windsock.wire.formats.openai_chat import NAMING_HEADERS, read_chat
from windsock.wire.formats.openai_embeddings import read_embedding
from windsock.wire.formats.tasks.reading import read_task
from windsock.wire.request import Operation, UpstreamRequest, as_reserved, with_native

Read = Callable[..., UpstreamRequest]
"""A body and the facts from its headers -> what routing needs; raises BadRequest."""

Meaning = Callable[[bytes], Awaitable[tuple[float, ...]]]
"""A chat body -> a few numbers, always as many."""


class OpenAICalls:
    """The endpoints of the data plane."""

    def __init__(
        self,
        *,
        executor: RequestExecutor,
        router: Router,
        clock: Clock,
        access: Access,
        key_limits: KeyLimits,
        feedbacks: FeedbackInbox,
        uncalled: UncalledRequests,
        continuing: Continuing,
        keep_decision: Callable[[Decision], object],
        on_unpriced: Callable[[], None],
        cache: ResponseCache | None = None,
        pass_headers: Iterable[str] = (),
        with_features: bool = False,
        meaning: Meaning | None = None,
    ) -> None:
        self._executor = executor
        self._counts = TokenCounts(router, executor.calls)
        self._router = router
        self._clock = clock
        self._access = access
        self._key_limits = key_limits
        self._feedbacks = feedbacks
        self._uncalled = uncalled
        self._continuing = continuing
        self._keep_decision = keep_decision
        self._on_unpriced = on_unpriced
        self._cache = cache
        self._passed = frozenset(name.encode() for name in pass_headers)
        self._read_chat = partial(read_chat, with_features=with_features)
        self._meaning = meaning if with_features else None

    async def chat(self, call: Call) -> None:
        """POST /v1/chat/completions, plain or streamed."""
        started = self._clock.elapsed()
        asked = self._read(call)
        key = None
        if self._cache is not None:
            key = cache_key(asked, call.header(b"x-windsock-cache"), self._router.resolve)
        if key is not None and await self._answered_from_cache(call, asked, key):
            return
        if self._meaning is not None or asked.request.continues is not None:
            asked = await self._understood(asked)
        exchange = self._open(asked)
        if asked.request.is_stream:
            await self._stream(call, exchange, asked, started, key)
        else:
            await self._plain(call, exchange, asked, started, key)

    async def embed(self, call: Call) -> None:
        """POST /v1/embeddings. Vectors of two models cannot be compared: give it one model."""
        started = self._clock.elapsed()
        asked = self._read(call, read_embedding)
        await self._plain(call, self._open(asked), asked, started, None)

    async def ask(self, call: Call, operation: Operation) -> None:
        """One of the calls beside text, plain or streamed."""
        started = self._clock.elapsed()
        asked = self._read(
            call, partial(read_task, operation, header=call.header, named=call.model)
        )
        answered = self._stream if asked.request.is_stream else self._plain
        await answered(call, self._open(asked), asked, started, None)

    async def count(self, call: Call) -> None:
        """How long a prompt is: as counted where it would most likely be answered, if there are
        counts there, else taken from its size."""
        asked = self._read(call)
        told = await self._counts.of(asked)
        call.is_told = told is not None
        guessed = {"input_tokens": asked.request.prompt_tokens}
        await call.answer(200, orjson.dumps(guessed) if told is None else told)

    async def _answered_from_cache(self, call: Call, asked: UpstreamRequest, key: bytes) -> bool:
        if self._cache is None or call.header(b"x-windsock-cache") == "refresh":
            return False
        if (kept := await self._cache.get(key, self._clock.now())) is None:
            return False
        headers = headers_of_kept(kept)
        route = self._router.resolve(asked.request).name
        self._uncalled.answer(asked.request, route, kept.deployment, kept.cost_usd)
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
                now=self._clock.now(),
                is_native=call.is_told,
            )

    async def route(self, call: Call) -> None:
        """POST /v1/route: the decision without the call; the caller makes it and reports back."""
        exchange = self._open(await self._understood(self._read(call)))
        self._feedbacks.remember(exchange.decision, exchange.decision.deployment)
        self._keep_decision(exchange.decision)
        await call.answer(200, orjson.dumps(decision_view(exchange)))

    def _read(self, call: Call, read: Read | None = None) -> UpstreamRequest:
        """What is asked, of a key that may; raises what stands in the way."""
        principal = self._access.admit(call.presented, "infer", self._clock.now())
        call.allowance = self._key_limits.enter(principal)
        wishes = wishes_in(call.headers)
        header = no_header if NAMING_HEADERS.isdisjoint(call.headers) else call.header
        asked = (read or partial(self._read_chat, header=header))(
            call.body,
            task=wishes.task,
            namespace=principal.namespace,
            key_id=principal.key_id,
            deadline_s=wishes.deadline_s,
        )
        request = asked.request
        if principal.models:
            check_names(principal, (request.model, *request.models), self._router.resolve)
        if call.allowance is not NO_LIMITS:
            call.allowance.reserve(request.prompt_tokens, request.max_output_tokens)
        if passed := self._passed.intersection(call.headers):
            asked.headers += tuple((name, call.headers[name]) for name in passed)
        asked.is_private = is_private(principal, asked, wishes)
        native = call.native
        return asked if native is None else with_native(asked, native)

    async def _understood(self, asked: UpstreamRequest) -> UpstreamRequest:
        """With what an embedding says of the prompt, where one is asked for, and a known home."""
        if asked.request.continues is not None:
            await self._continuing.find(asked)
        if self._meaning is None:
            return asked
        known = (*asked.request.features, *await self._meaning(asked.raw))
        return replace(asked, request=replace(asked.request, features=known))

    def _open(self, asked: UpstreamRequest) -> Exchange:
        request = asked.request if self._router.caps.is_idle else as_reserved(asked)
        try:
            return self._router.open(request, self._clock.now())
        except UnknownRoute:
            self._on_unpriced()
            raise
        except BudgetSpent as error:
            self._uncalled.refuse(asked.request, error)
            raise
        except NoCandidate as error:
            self._refuse_language(asked)
            if error.cause in LASTING:
                error.words = self._executor.calls.words_of(error.reasons)
            if not error.is_lasting and error.retry_after_s is None:
                self._on_unpriced()
            raise

    def _refuse_language(self, asked: UpstreamRequest) -> None:
        """Raises BadRequest if it can be said in one language only, and no candidate speaks it."""
        native = asked.native
        if native is not None and native.refusal is not None:
            known = self._router.catalog.deployments
            names = self._router.resolve(asked.request).candidates
            if not any(native.language in known[name].keeps_marks for name in names):
                raise native.refusal

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
                await call.begin(200, typed(headers, EVENT_STREAM))
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
