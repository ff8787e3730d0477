"""What happened, over HTTP: events as JSON, and those of prices as a feed for people."""

import asyncio
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import islice
from math import inf
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from windsock.core.model.events import Event, EventKind
from windsock.errors import BadRequest
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.prices.atom import KINDS, MOST_ENTRIES, atom
from windsock.service.control.schemas.asked import DeploymentName, When, span_of
from windsock.service.control.schemas.base import Answer
from windsock.wire.caller_fields.names import check_name

WEEK_S = 7 * 86400.0
MONTH_S = 30 * 86400.0

NewestEvents = Callable[..., Iterator[Event]]
"""Events by since, until, kinds and deployment, newest first; it blocks, and raises StoreError."""


class EventsAnswer(Answer):
    """Oldest first; each has `event`, `deployment`, `at` (unix s) and facts of its kind."""

    data: list[dict[str, Any]]


def event_routes(insight: Insight, newest: NewestEvents) -> APIRouter:
    """GET /v1/events, /v1/prices/feed.atom."""
    clock = insight.clock
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/events", summary="What happened", tags=["history"])
    async def events(
        caller: Caller,
        since: When = None,
        until: When = None,
        kind: str = "",
        deployment: DeploymentName | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    ) -> EventsAnswer:
        now = clock.now()
        begin, end = span_of(since, until, now, first=now - WEEK_S, last=inf)
        told = newest(since=begin, until=end, kinds=_kinds(kind), deployment=deployment)
        found = await asyncio.to_thread(_seen_by, caller.namespace, told, limit)
        return EventsAnswer(data=[event_view(event) for event in reversed(found)])

    @routes.get(
        "/v1/prices/feed.atom",
        summary="Prices and models, for feed readers",
        tags=["prices"],
        response_class=Response,
    )
    async def feed(caller: Caller, request: Request) -> Response:
        now = clock.now()
        told = newest(since=now - MONTH_S, kinds=KINDS)
        found = await asyncio.to_thread(_seen_by, caller.namespace, told, MOST_ENTRIES)
        body = atom(found, base=str(request.base_url), now=now)
        return Response(body, media_type="application/atom+xml")

    return routes


def _kinds(asked: str) -> tuple[str, ...]:
    """Kinds named with commas between, or all of a subject (`price`); none: all. BadRequest."""
    found: list[str] = []
    for name in (each.strip() for each in asked.split(",") if each.strip()):
        meant = [kind for kind in EventKind if name in (kind.value, kind.partition(".")[0])]
        if not meant:
            check_name(name, "kind")
            near = get_close_matches(name, list(EventKind), n=1)
            hint = f"; did you mean {near[0]!s}?" if near else ""
            raise BadRequest(f"kind: no event is named {name!r}{hint}", param="kind")
        found += meant
    return tuple(found)


def _seen_by(namespace: str, told: Iterator[Event], limit: int) -> list[Event]:
    """The first that concern everybody, or this namespace."""
    return list(islice((e for e in told if e.namespace in (None, namespace)), limit))
