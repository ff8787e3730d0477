"""Prices in force and the quarantine, over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends

from windsock.core.pricing.validation import Held
from windsock.core.routing.router import Router
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.prices import (
    HeldView,
    PricesAnswer,
    PriceView,
    QuarantineAnswer,
    Ruling,
    RulingAnswer,
    numbers,
)


def price_routes(insight: Insight) -> APIRouter:
    """GET /v1/prices, /v1/prices/quarantine; POST approve and reject below the quarantine."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["prices"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806
    Admin = Annotated[Principal, Depends(insight.allowed("admin"))]  # noqa: N806

    @routes.get("/v1/prices")
    async def prices(caller: Caller, deployment: str | None = None) -> PricesAnswer:
        names = [deployment] if deployment else list(router.catalog.deployments)
        views = [price_view(router, name, clock.now()) for name in names]
        return PricesAnswer(data=[_with_nearest(view, insight) for view in views])

    @routes.get("/v1/prices/quarantine")
    async def quarantine(caller: Caller) -> QuarantineAnswer:
        return QuarantineAnswer(data=[held_view(held) for held in router.book.held()])

    @routes.post("/v1/prices/quarantine/approve")
    async def approve(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.approve(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.post("/v1/prices/quarantine/reject")
    async def reject(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.reject(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    return routes


def price_view(router: Router, name: str, now: float) -> PriceView:
    """The price of a deployment in force at `now` (unix s), or why it has none."""
    status = router.book.status(name, now)
    quote = status.quote
    if quote is None:
        return PriceView(deployment=name, is_priced=False, reason=status.reason)
    return PriceView(
        deployment=name,
        is_priced=True,
        reason=None,
        feed=quote.feed,
        feed_model=quote.feed_model,
        quoted_at=quote.quoted_at,
        seen_at=quote.seen_at,
        age_s=status.age_s,
        is_stale=status.is_stale,
        uncertainty=status.uncertainty,
        usd_per_mtok=numbers(router.book.prices(name, now) or {}),
        has_tiers=bool(quote.tiers),
        has_windows=bool(quote.windows),
    )


def _with_nearest(view: PriceView, insight: Insight) -> PriceView:
    """Where nothing prices it: what feeds list under a name that looks like its own."""
    if view.is_priced:
        return view
    return view.model_copy(update={"nearest": insight.nearest(view.deployment)})


def held_view(held: Held) -> HeldView:
    """A quote that waits to be believed."""
    return HeldView(
        deployment=held.quote.deployment,
        feed=held.quote.feed,
        reason=held.reason,
        since=held.since,
        polls=held.polls,
        usd_per_mtok=numbers(held.quote.usd_per_mtok),
    )
