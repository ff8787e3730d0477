"""GET /, its files, and the calls that only the page makes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, HTTPException, Response
from fastapi.responses import StreamingResponse

from windsock.clock import Clock
from windsock.service.auth import Access, Principal
from windsock.service.control.access_check import allowed
from windsock.service.control.page.dashboard import Dashboard
from windsock.service.control.schemas.asked import DeploymentName, Name

EVERY_S = 1.0
"""Between two views of a stream."""

STATIC = tuple(
    files(package).joinpath("static")
    for package in ("windsock.service.control", "windsock.resources")
)
"""Folders of the page's own files, and of those that it shares with reports."""

PAGE_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def dashboard_routes(dashboard: Dashboard, access: Access, clock: Clock) -> APIRouter:
    """GET /, /ui/static/{name}, /ui/api/{history,stream,cells,session}."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(_file_routes())
    Caller = Annotated[Principal, Depends(allowed(access, clock, "read"))]  # noqa: N806

    @routes.get("/ui/api/history")
    async def history(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> Response:
        view = dashboard.view(route, task, caller.namespace)
        return Response(orjson.dumps(view), media_type="application/json")

    @routes.get("/ui/api/stream")
    async def stream(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> StreamingResponse:
        views = _views(dashboard, route, task, caller.namespace)
        return StreamingResponse(views, media_type="text/event-stream")

    @routes.get("/ui/api/cells")
    async def cells(caller: Caller) -> dict[str, Any]:
        return {"routes": dashboard.tasks_by_route(caller.namespace)}

    @routes.get("/ui/api/session")
    async def session(caller: Caller) -> dict[str, Any]:
        return {
            "namespace": caller.namespace,
            "scopes": sorted(caller.scopes),
            "needs_key": access.needs_key,
        }

    return routes


def _file_routes() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.head("/")
    @routes.get("/")
    async def page() -> Response:
        return _file("index.html")

    @routes.get("/ui/static/{name:path}")
    async def static(name: str) -> Response:
        return _file(name)

    return routes


async def _views(
    dashboard: Dashboard, route: str | None, task: str | None, namespace: str
) -> AsyncIterator[bytes]:
    """A full view, then views with only the points that are new."""
    since = 0.0
    while not dashboard.is_closed:
        view = dashboard.view(route, task, namespace, since)
        since = max(view["prices"]["at"], default=since)
        yield b"data: " + orjson.dumps(view) + b"\n\n"
        await asyncio.sleep(EVERY_S)


def _file(name: str) -> Response:
    known = _files()
    if name not in known:
        raise HTTPException(404)
    kind = TYPES.get(name.rpartition(".")[2], "text/plain")
    return Response(known[name].read_bytes(), media_type=kind, headers=PAGE_HEADERS)


@cache
def _files() -> dict[str, Traversable]:
    """By path below its folder: what is not listed here is not served."""
    return {name: each for place in STATIC for name, each in _below(place, "")}


def _below(place: Traversable, path: str) -> Iterator[tuple[str, Traversable]]:
    for each in place.iterdir():
        if each.is_dir():
            yield from _below(each, f"{path}{each.name}/")
        else:
            yield f"{path}{each.name}", each
