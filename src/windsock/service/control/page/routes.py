"""The page, and the calls that only it makes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Response

from windsock.clock import Clock
from windsock.service.auth import Access, Principal
from windsock.service.control.access_check import allowed
from windsock.service.control.page.dashboard import Dashboard
from windsock.service.control.page.files import file_routes
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.streams import EventStream

EVERY_S = 1.0
"""Between two views of a stream."""


def dashboard_routes(dashboard: Dashboard, access: Access, clock: Clock) -> APIRouter:
    """GET /, /ui/static/{name}, /ui/api/{history,stream,cells,session}."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(file_routes())
    Caller = Annotated[Principal, Depends(allowed(access, clock, "read"))]  # noqa: N806
    Looker = Annotated[Principal, Depends(allowed(access, clock, "read", "label"))]  # noqa: N806

    @routes.get("/ui/api/history")
    async def history(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> Response:
        view = dashboard.view(route, task, caller.namespace)
        return Response(orjson.dumps(view), media_type="application/json")

    @routes.get("/ui/api/stream")
    async def stream(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> EventStream:
        views = _views(dashboard, route, task, caller.namespace)
        return EventStream(views)

    @routes.get("/ui/api/cells")
    async def cells(caller: Caller) -> dict[str, Any]:
        return {"routes": dashboard.tasks_by_route(caller.namespace)}

    @routes.get("/ui/api/session")
    async def session(caller: Looker) -> dict[str, Any]:
        return {
            "namespace": caller.namespace,
            "scopes": sorted(caller.scopes),
            "needs_key": access.needs_key,
            "replayed": dashboard.replayed,
        }

    return routes


async def _views(
    dashboard: Dashboard, route: str | None, task: str | None, namespace: str
) -> AsyncIterator[bytes]:
    """A full view, then views with only the points that are new."""
    since = 0.0
    while not dashboard.is_closed:
        body, since = dashboard.encoded(route, task, namespace, since)
        yield b"data: " + body + b"\n\n"
        await asyncio.sleep(EVERY_S)
