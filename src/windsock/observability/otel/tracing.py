"""A span for each request and one for each of its calls, and the W3C context between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from windsock.core.model.calls import Attempt, CallResult, Outcome
from windsock.core.model.catalog import Deployment
from windsock.core.model.units import to_float
from windsock.observability.otel.conventions import (
    ERROR_TYPE,
    OPERATION,
    PROVIDER,
    REQUEST_MODEL,
    RESPONSE_MODEL,
    SYSTEM,
    Attributes,
    answered,
    asked,
    error_of,
    operation_of,
)
from windsock.observability.otel.instruments import Instruments
from windsock.observability.telemetry import current
from windsock.wire.request import RequestHeaders, UpstreamRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

NS = 1_000_000_000


@dataclass(slots=True, kw_only=True)
class Tracing:
    """What every trace needs.

    providers   names in the semantic conventions by provider id, where they differ
    passed      headers, in lower case, that may go on to providers
    has_old     the names of before stand beside the present ones
    """

    tracer: Tracer
    instruments: Instruments
    propagator: TextMapPropagator
    providers: Mapping[str, str]
    passed: frozenset[str]
    has_old: bool = False

    def begin(self, scope: Message) -> OtelTrace:
        """A request came: its span is a child of the caller's, if the caller has one."""
        carried = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        parent = self.propagator.extract(carried)
        method = str(scope["method"])
        span = self.tracer.start_span(
            method,
            parent,
            SpanKind.SERVER,
            {"http.request.method": method, "url.scheme": scope.get("scheme", "http")},
        )
        return OtelTrace(tracing=self, span=span, context=set_span_in_context(span, parent))


@dataclass(slots=True, kw_only=True)
class OtelTrace:
    """One request. See `telemetry.RequestTrace`."""

    tracing: Tracing
    span: Span
    context: Context
    _calls: dict[int, tuple[Span, Attributes]] = field(default_factory=dict)

    def call(
        self, attempt: Attempt, deployment: Deployment, base_url: str, request: UpstreamRequest
    ) -> RequestHeaders:
        """Begin its span, and have the provider know it in place of the client's."""
        tracing = self.tracing
        provider = tracing.providers.get(deployment.provider, deployment.provider)
        known = asked(attempt, deployment, provider, base_url, request)
        told = {**known, SYSTEM: provider} if tracing.has_old else known
        span = tracing.tracer.start_span(
            f"{known[OPERATION]} {known[REQUEST_MODEL]}",
            self.context,
            SpanKind.CLIENT,
            told,
            start_time=int(attempt.started_at * NS),
        )
        self._calls[attempt.number] = span, known
        carried: dict[str, str] = {}
        tracing.propagator.inject(carried, set_span_in_context(span, self.context))
        names = {name.encode() for name in tracing.propagator.fields}
        kept = [each for each in request.headers if each[0] not in names]
        kept += ((n.encode(), v.encode()) for n, v in carried.items() if n in tracing.passed)
        return tuple(kept)

    def settle(self, request: UpstreamRequest, outcome: Outcome) -> None:
        """End the spans of the calls, count them, and note the decision with the request."""
        is_stream, instruments = request.request.is_stream, self.tracing.instruments
        for result in outcome.results:
            begun = self._calls.pop(result.attempt.number, None)
            if begun is not None:
                self._end_call(begun[0], result, is_stream=is_stream)
                instruments.count_call(result, begun[1], is_stream=is_stream)
        operation = operation_of(request)
        instruments.count_request(outcome, operation, is_stream=is_stream)
        self.span.set_attributes(_decided(request, outcome, operation))

    def _end_call(self, span: Span, result: CallResult, *, is_stream: bool) -> None:
        if span.is_recording():
            told = answered(result, is_stream=is_stream, has_old=self.tracing.has_old)
            span.set_attributes(told)
            if (error := error_of(result)) is not None:
                span.set_status(Status(StatusCode.ERROR, error))
        took_s = result.latency_s + result.held_s
        span.end(int((result.attempt.started_at + took_s) * NS))

    def end(self, route: str, status: int | None) -> None:
        """The request is over; status None: nothing was answered."""
        for span, _ in self._calls.values():
            span.end()
        if route:
            self.span.set_attribute("http.route", route)
        if status is not None:
            self.span.set_attribute("http.response.status_code", status)
        if status is None or status >= 500:
            error = "_OTHER" if status is None else str(status)
            self.span.set_attribute(ERROR_TYPE, error)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end()


class TracedApp:
    """An ASGI application with a trace around each call to it; looking at it is not traced."""

    def __init__(self, app: Any, tracing: Tracing, paths: frozenset[str]) -> None:
        self._app = app
        self._tracing = tracing
        self._paths = paths

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        trace, status = self._tracing.begin(scope), None

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = current.set(trace)
        try:
            await self._app(scope, receive, sent)
        finally:
            current.reset(token)
            path = str(scope["path"])
            route = path if path in self._paths else ""
            trace.span.update_name(f"POST {route}".rstrip())
            trace.end(route, status)


def _decided(request: UpstreamRequest, outcome: Outcome, operation: str) -> Attributes:
    decision = outcome.decision
    stated: dict[str, Any] = {
        OPERATION: operation,
        PROVIDER: "windsock",
        REQUEST_MODEL: decision.requested_model,
        RESPONSE_MODEL: outcome.served,
        "gen_ai.request.stream": request.request.is_stream or None,
        "windsock.route": decision.cell.route,
        "windsock.task": decision.cell.name,
        "windsock.decision.id": decision.id,
        "windsock.decision.propensity": decision.propensity,
        "windsock.attempts": len(outcome.results),
        "windsock.cost_usd": None if outcome.cost_usd is None else to_float(outcome.cost_usd),
    }
    return {name: value for name, value in stated.items() if value is not None}
