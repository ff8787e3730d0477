"""The calls of the data plane: chat completions, the decision alone, and feedback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.core.model.rewards import Reward
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import BadRequest, NoCandidate, UnknownRoute
from windsock.service.auth import Access, Principal, credential_of
from windsock.service.error_responses import Problem
from windsock.service.execution.executor import Failure, RequestExecutor
from windsock.service.feedback_inbox import FeedbackInbox, UnknownDecision
from windsock.service.gateway.asgi import Call
from windsock.service.gateway.response_cache import (
    ResponseCache,
    StreamCopy,
    cache_key,
    is_cachable,
)
from windsock.service.gateway.upstream_failures import failed
from windsock.wire.formats.openai_chat import read_chat
from windsock.wire.formats.openai_embeddings import read_embedding
from windsock.wire.request import UpstreamRequest

EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")


Read = Callable[..., UpstreamRequest]
"""A body and the facts from its headers -> what routing needs; raises BadRequest."""

Meaning = Callable[[bytes], Awaitable[tuple[float, ...]]]
"""A chat body -> a few numbers, always as many."""


class OpenAICalls:
    """The endpoints of the data plane."""

    def __init__(
        self,
        *,
        driver: RequestExecutor,
        router: Router,
        clock: Clock,
        access: Access,
        feedbacks: FeedbackInbox,
        on_unpriced: Callable[[], None],
        cache: ResponseCache | None = None,
        with_features: bool = False,
        meaning: Meaning | None = None,
    ) -> None:
        self._driver = driver
        self._router = router
        self._clock = clock
        self._access = access
        self._feedbacks = feedbacks
        self._on_unpriced = on_unpriced
        self._cache = cache
        self._read_chat = partial(read_chat, with_features=with_features)
        self._meaning = meaning if with_features else None

    async def chat(self, call: Call) -> None:
        """POST /v1/chat/completions, plain or streamed."""
        started = self._clock.elapsed()
        chat = self._read(call, "infer")
        key = self._cache_key(call, chat)
        if key is not None and await self._answered_from_cache(call, chat, key):
            return
        exchange = self._open(await self._understood(chat))
        if chat.request.is_stream:
            await self._stream(call, exchange, chat, started, key)
        else:
            await self._plain(call, exchange, chat, started, key)

    async def embed(self, call: Call) -> None:
        """POST /v1/embeddings. Vectors of two models cannot be compared: give it one model."""
        started = self._clock.elapsed()
        chat = self._read(call, "infer", read_embedding)
        await self._plain(call, self._open(chat), chat, started, None)

    async def count(self, call: Call) -> None:
        """How long a prompt is taken to be, from its size: every deployment counts differently."""
        chat = self._read(call, "infer")
        await call.answer(200, orjson.dumps({"input_tokens": chat.request.prompt_tokens}))

    def _cache_key(self, call: Call, chat: UpstreamRequest) -> bytes | None:
        """The key of an answer that may be kept, or None."""
        wish = call.header(b"x-windsock-cache")
        if self._cache is None or not is_cachable(chat, wish):
            return None
        return cache_key(chat, self._router.resolve(chat.request).candidates)

    async def _answered_from_cache(self, call: Call, chat: UpstreamRequest, key: bytes) -> bool:
        if self._cache is None or call.header(b"x-windsock-cache") == "refresh":
            return False
        kept = await self._cache.get(key, self._clock.now())
        if kept is None:
            return False
        headers = [
            (b"x-windsock-cache", b"hit"),
            (b"x-windsock-cost-usd", b"0"),
            (b"x-windsock-deployment", kept.deployment.encode("ascii", "replace")),
        ]
        if kept.is_stream:
            await call.begin(200, [EVENT_STREAM, *headers])
            await call.write(kept.body, more=False)
        else:
            await call.answer(200, kept.body, headers)
        return True

    async def _keep(
        self, exchange: Exchange, key: bytes | None, body: bytes, *, is_stream: bool
    ) -> None:
        if self._cache is not None and key is not None and exchange.answer is not None:
            deployment = exchange.answer.attempt.deployment
            now = self._clock.now()
            await self._cache.put(key, body, is_stream=is_stream, deployment=deployment, now=now)

    async def route(self, call: Call) -> None:
        """POST /v1/route: the decision without the call; the caller makes it and reports back."""
        exchange = self._open(await self._understood(self._read(call, "infer")))
        self._feedbacks.remember(exchange.decision, exchange.decision.deployment)
        self._driver.keep_decision(exchange.decision)
        await call.answer(200, orjson.dumps(decision_view(exchange)))

    async def feedback(self, call: Call) -> None:
        """POST /v1/feedback: the value of an answer, late, partial or twice."""
        principal = self._admit(call, "feedback")
        try:
            asked = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not valid JSON: {error}") from error
        if not isinstance(asked, dict):
            raise BadRequest("the body must be an object with decision_id and value")
        reward = reward_of(asked, principal)
        name = decision_name(asked)
        try:
            credit, is_duplicate = await self._feedbacks.take(
                name, reward, principal.namespace, call.header(b"idempotency-key")
            )
        except UnknownDecision as error:
            await call.refuse(Problem.of(404, str(error), param="decision_id"))
            return
        belief = credit.belief
        body = {
            "decision_id": name,
            "deployment": credit.deployment,
            "route": credit.cell.route,
            "task": credit.cell.name,
            "is_duplicate": is_duplicate,
            "counted": {"weight": credit.weight, "value": credit.value},
            "posterior": {
                "success_mean": belief.mean,
                "success_interval": [belief.low, belief.high],
                "effective_samples": belief.effective_samples,
            },
        }
        if reward.source == "confidence":
            rate, to = self._feedbacks.advice(name, reward.value)
            body["confidence"] = {"measured_success": rate, "escalate_to": to}
        await call.answer(200, orjson.dumps(body))

    def _admit(self, call: Call, scope: str) -> Principal:
        credential = credential_of(call.header(b"authorization"), call.header(b"x-api-key"))
        return self._access.admit(credential, scope, self._clock.now())

    def _read(self, call: Call, scope: str, read: Read | None = None) -> UpstreamRequest:
        principal = self._admit(call, scope)
        return (read or self._read_chat)(
            call.body,
            task=call.header(b"x-windsock-task"),
            namespace=principal.namespace,
            key_id=principal.key_id,
            deadline_s=_seconds(call.header(b"x-windsock-timeout")),
        )

    async def _understood(self, chat: UpstreamRequest) -> UpstreamRequest:
        """With what an embedding says of the prompt, where one is asked for."""
        if self._meaning is None:
            return chat
        known = (*chat.request.features, *await self._meaning(chat.raw))
        return replace(chat, request=replace(chat.request, features=known))

    def _open(self, chat: UpstreamRequest) -> Exchange:
        try:
            return self._router.open(chat.request, self._clock.now())
        except UnknownRoute:
            self._on_unpriced()
            raise
        except NoCandidate as error:
            if not error.is_lasting and error.retry_after_s is None:
                self._on_unpriced()
            raise

    async def _plain(
        self,
        call: Call,
        exchange: Exchange,
        chat: UpstreamRequest,
        started: float,
        key: bytes | None,
    ) -> None:
        body, failure = await self._driver.answer(exchange, chat)
        headers = self._headers(exchange, started, key)
        if body is None:
            await call.refuse(self._failed(exchange, failure, headers))
            return
        cost = f"{exchange.cost_usd:.10f}".rstrip("0").rstrip(".")
        headers.append((b"x-windsock-cost-usd", cost.encode()))
        await call.answer(200, body, headers)
        await self._keep(exchange, key, body, is_stream=False)

    async def _stream(
        self,
        call: Call,
        exchange: Exchange,
        chat: UpstreamRequest,
        started: float,
        key: bytes | None,
    ) -> None:
        failure = Failure()
        copy = StreamCopy(0 if key is None or self._cache is None else self._cache.max_body_bytes)

        async def write(events: bytes) -> None:
            if not call.is_answered:
                await call.begin(200, [EVENT_STREAM, *self._headers(exchange, started, key)])
            copy.add(events)
            await call.write(events, more=True)

        await self._driver.stream(exchange, chat, failure, write)
        if call.is_answered:
            await call.write(b"", more=False)
            if copy.is_whole:
                await self._keep(exchange, key, copy.body(), is_stream=True)
        else:
            headers = self._headers(exchange, started, key)
            await call.refuse(self._failed(exchange, failure, headers))

    def _failed(
        self, exchange: Exchange, failure: Failure, headers: list[tuple[bytes, bytes]]
    ) -> Problem:
        back_in_s = self._router.fleet.retry_after_s(exchange.table.deployments, self._clock.now())
        return failed(exchange, failure.body, headers, back_in_s=back_in_s)

    def _headers(
        self, exchange: Exchange, started: float, key: bytes | None
    ) -> list[tuple[bytes, bytes]]:
        decision, results = exchange.decision, exchange.results
        tried = exchange.trying or (exchange.answer and exchange.answer.attempt)
        deployment = tried.deployment if tried else decision.deployment
        upstream_s = sum([result.latency_s for result in results])
        overhead_ms = max(0.0, self._clock.elapsed() - started - upstream_s) * 1000
        attempts = len(results) + (exchange.trying is not None)
        name, note = decision.id.encode(), exchange.table.note
        notes = [(b"x-windsock-note", note.encode("ascii", "replace"))] if note else []
        return [
            *notes,
            (b"x-windsock-decision-id", name),
            (b"x-windsock-deployment", deployment.encode("ascii", "replace")),
            (b"x-windsock-propensity", b"%.9g" % decision.propensity),
            (b"x-windsock-attempts", b"%d" % attempts),
            (b"x-windsock-overhead-ms", b"%.3f" % overhead_ms),
            (b"x-windsock-cache", b"off" if key is None else b"miss"),
            (b"x-request-id", name),
        ]


def decision_view(exchange: Exchange) -> dict[str, Any]:
    """What POST /v1/route answers."""
    decision, table = exchange.decision, exchange.table
    return {
        "decision_id": decision.id,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "weights": dict(zip(table.deployments, table.weights, strict=True)),
        "candidates": [
            {
                "deployment": arm.deployment,
                "success_mean": arm.success_mean,
                "expected_usd": arm.expected_usd,
            }
            for arm in table.arms
        ],
        "ruled_out": table.reasons,
        "note": table.note,
    }


def decision_name(asked: dict[str, Any]) -> str:
    """The decision's or the answer's id, under any of the names that clients use."""
    for name in ("decision_id", "response_id", "id", "inference_id", "request_id", "trace_id"):
        if isinstance(asked.get(name), str):
            return str(asked[name])
    raise BadRequest(
        "decision_id is missing; send the x-windsock-decision-id of the answer", param="decision_id"
    )


def reward_of(asked: dict[str, Any], principal: Principal) -> Reward:
    """The reported value as a reward; raises BadRequest."""
    value = asked.get("value", asked.get("score"))
    if isinstance(value, bool):
        value = float(value)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadRequest("value must be true, false or a number from 0 to 1", param="value")
    return Reward(
        value=float(value),
        source=str(asked.get("source") or "explicit"),
        metric=str(asked.get("metric") or asked.get("metric_name") or ""),
        key_id=principal.key_id,
    )


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError as error:
        raise BadRequest("x-windsock-timeout must be seconds") from error
