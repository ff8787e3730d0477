"""What a rehearsal elsewhere starts from: GET /v1/rehearsal."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response

from windsock.core.model.calls import Outcome
from windsock.core.model.requests import RouteRequest
from windsock.core.model.rewards import Feedback
from windsock.core.routing.router import Router
from windsock.errors import UnknownRoute
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.rehearsal.one_namespace import state_of_namespace
from windsock.service.control.schemas.asked import DeploymentName, When, when
from windsock.store.upkeep.newest import newest

MOST_REQUESTS = 20_000
"""Of the log, the newest; each is some 2 KB."""


@dataclass(frozen=True, slots=True)
class Handover:
    """What is handed out beside the router's state.

    settings    of a route and all that routing rests on, without keys and addresses; JSON-able
    encode      a record as the store keeps it, JSON
    """

    settings: Callable[[str], Mapping[str, Any]]
    encode: Callable[[object], str]


def rehearsal_routes(insight: Insight, past: History, handover: Handover) -> APIRouter:
    """GET /v1/rehearsal."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    @routes.get("/v1/rehearsal", summary="What a rehearsal of the log needs")
    async def ground(
        caller: Admin,
        route: DeploymentName | None = None,
        since: When = None,
        limit: Annotated[int, Query(ge=1, le=MOST_REQUESTS)] = 5000,
    ) -> Response:
        """What the router knows, and the newest requests of a route, both of one's namespace."""
        name, now = _known(router, route), clock.now()
        begin = when(since, now, param="since", otherwise=0.0)
        state = state_of_namespace(router.to_state(), caller.namespace)
        head = {
            "now": now,
            "route": name,
            "settings": handover.settings(name),
            "router": state,
            "book": router.book.to_state(),
        }

        def body() -> bytes:
            read = newest(
                past.decisions,
                lambda each: each.decision.cell.route == name,
                since=begin,
                until=now + 1,
                namespace=caller.namespace,
                limit=limit,
            )
            log = [orjson.Fragment(handover.encode(each)) for each in read]
            said = [orjson.Fragment(handover.encode(each)) for each in _feedback(past, read)]
            return orjson.dumps({**head, "outcomes": log, "feedback": said})

        return Response(await asyncio.to_thread(body), media_type="application/json")

    return routes


def _known(router: Router, named: str | None) -> str:
    """The route of this name, the first where none is named; raises UnknownRoute."""
    name = named or next(iter(router.routes), "")
    if name not in router.routes:
        router.resolve(RouteRequest(model=name))  # tells the nearest name, if that is no deployment
        raise UnknownRoute(name, nearest=next(iter(router.routes), None))
    return name


def _feedback(past: History, read: list[Outcome]) -> Iterator[Feedback]:
    for outcome in read:
        yield from past.feedback_of(outcome.decision.id)
