"""What a client is told of a decision: with an answer, in its headers, or in place of one."""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter
from typing import Any

from windsock.core.model.calls import Attempt
from windsock.core.routing.exchange import Exchange
from windsock.service.execution.asking.target import Headers
from windsock.service.execution.upstream_calls import Failure
from windsock.service.gateway.caching.response_cache import CachedAnswer

EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")

AS_IT_COMES = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
"""Asks proxies, nginx among them by its own header, to hold back no part of a stream."""

_latency_s = attrgetter("latency_s")


CONTROLS = dict.fromkeys((*range(32), 127), "?")


def header_text(text: str) -> bytes:
    """As a header may hold it, in UTF-8: callers and owners may name things anything."""
    told = text if text.isprintable() else text.translate(CONTROLS)
    return told.encode(errors="replace")


def typed(headers: Headers, usual: tuple[bytes, bytes]) -> Headers:
    """Headers that name the type of the body, which a provider's own stand for, first of all."""
    return headers if headers and headers[0][0] == usual[0] else [usual, *headers]


def headers_of(exchange: Exchange, failure: Failure, elapsed_s: float, *, is_kept: bool) -> Headers:
    """Also of an answer that there is none, and of a stream that has just begun.

    elapsed_s   since the request was read
    is_kept     the cache may keep the answer
    """
    decision, results, tried = exchange.decision, exchange.calls.ended, _tried(exchange)
    deployment = tried.deployment if tried else decision.deployment
    upstream_s = sum(map(_latency_s, results))
    attempts = len(results) + (exchange.calls.trying is not None)
    name = decision.id.encode()
    return [
        *_notes(exchange, failure, tried),
        (b"x-windsock-decision-id", name),
        (b"x-windsock-deployment", header_text(deployment)),
        (b"x-windsock-propensity", b"%.9g" % decision.propensity),
        (b"x-windsock-attempts", b"%d" % attempts),
        (b"x-windsock-overhead-ms", b"%.3f" % (max(0.0, elapsed_s - upstream_s) * 1000)),
        (b"x-windsock-cache", b"miss" if is_kept else b"off"),
        (b"x-request-id", name),
    ]


def is_told(exchange: Exchange, failure: Failure) -> bool:
    """Whether the answer comes in the client's own format, so that nothing translates it."""
    tried = _tried(exchange) if failure.passed else None
    return tried is not None and tried.number in failure.passed


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


def _notes(exchange: Exchange, failure: Failure, tried: Attempt | None) -> Headers:
    note = exchange.table.note
    notes = [(b"x-windsock-note", header_text(note))] if note else []
    if tried is None:
        return notes
    if adapted := failure.adapted.get(tried.number, ()):
        names = header_text(", ".join(adapted))
        notes.append((b"x-windsock-adapted", names))
    return [*failure.passed.get(tried.number, ()), *notes]


def _tried(exchange: Exchange) -> Attempt | None:
    """The call that streams, or whose answer is given."""
    return exchange.calls.trying or (exchange.answer.attempt if exchange.answer else None)


def headers_of_kept(kept: CachedAnswer) -> Headers:
    """What the client is told of an answer from the cache: what it saved, and by which decision it
    is judged, if that is known."""
    saved = [] if kept.cost_usd is None else [(b"x-windsock-saved-usd", usd_text(kept.cost_usd))]
    first = [(b"x-windsock-decision-id", kept.decision_id.encode())] if kept.decision_id else []
    return [
        *first,
        (b"x-windsock-cache", b"hit"),
        (b"x-windsock-cost-usd", b"0"),
        *saved,
        (b"x-windsock-deployment", header_text(kept.deployment)),
    ]


def usd_text(usd: Decimal) -> bytes:
    """Dollars without zeros at the end."""
    text = f"{usd:.10f}".rstrip("0").rstrip(".")
    return text.encode()
