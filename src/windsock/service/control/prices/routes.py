"""Prices in force and the quarantine, over HTTP."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.prices.views import held_view, price_view
from windsock.service.control.schemas.asked import DeploymentName
from windsock.service.control.schemas.prices import (
    PricesAnswer,
    PriceView,
    QuarantineAnswer,
    Ruling,
    RulingAnswer,
)


def price_routes(insight: Insight) -> APIRouter:
    """GET /v1/prices, /v1/prices/quarantine; POST approve and reject below the quarantine."""
    router, clock = insight.router, insight.clock
    routes = insight.commands("prices")
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    @routes.get(
        "/v1/prices",
        summary="Prices in force, with their feed and age",
        response_model=PricesAnswer,
    )
    async def prices(caller: Caller, deployment: DeploymentName | None = None) -> Response:
        if deployment is not None and not router.book.knows(deployment):
            router.catalog.check(deployment)
        views = []
        for name in [deployment] if deployment else list(router.catalog.deployments):
            view = _with_nearest(price_view(router, name, clock.now()), insight)
            views.append(view.model_dump_json().encode())
            await asyncio.sleep(0)  # a catalog of hundreds: requests go between
        return Response(b'{"data":[%s]}' % b",".join(views), media_type="application/json")

    @routes.get("/v1/prices/quarantine", summary="Quotes that are held, and why")
    async def quarantine(caller: Caller) -> QuarantineAnswer:
        return QuarantineAnswer(data=[held_view(held) for held in router.book.held()])

    @routes.post("/v1/prices/quarantine/approve", summary="Believe a held quote")
    async def approve(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.approve(ruling.deployment, ruling.feed)
        insight.keep()
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.post("/v1/prices/quarantine/reject", summary="Drop a held quote")
    async def reject(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.reject(ruling.deployment, ruling.feed)
        insight.keep()
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    return routes


def _with_nearest(view: PriceView, insight: Insight) -> PriceView:
    """Where nothing prices it: what feeds list under a name that looks like its own."""
    if view.is_priced:
        return view
    return view.model_copy(update={"nearest": insight.nearest(view.deployment)})
