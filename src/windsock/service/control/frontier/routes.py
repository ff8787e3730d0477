"""What a route would get at each wish, over HTTP."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends

from windsock.core.routing.outlook.prospects import over_route, prospects_of, seen_of
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.frontier.schemas import (
    FrontierAnswer,
    FrontierView,
    ProspectView,
    ReferenceView,
    TaskView,
)
from windsock.service.control.schemas.asked import DeploymentName, Name


def frontier_routes(insight: Insight) -> APIRouter:
    """GET /v1/frontier."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/frontier", summary="What each wish for quality would cost and deliver")
    async def frontier(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> FrontierAnswer:
        names = [route] if route else list(router.routes)
        return FrontierAnswer(data=[await seen(caller.namespace, each, task) for each in names])

    async def seen(namespace: str, route: str, task: str | None) -> FrontierView:
        found = seen_of(router, namespace, route, task, clock.now())
        cells = []
        for cell in prospects_of(found):
            cells.append(cell)
            await asyncio.sleep(0)  # requests have their turn between two tasks
        return FrontierView(
            route=route,
            incumbent=found.incumbent,
            reference=ReferenceView.of(found.reference),
            tasks=found.tasks,
            over_route=[ProspectView.of(each) for each in over_route(cells)],
            by_task=[TaskView.of(each) for each in cells],
        )

    return routes
