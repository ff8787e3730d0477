"""Who says what of every price, and what becomes of it, with the reason."""

import asyncio
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.model.ticks import Quote
from windsock.core.model.units import MAIN_METERS, Meter, Prices
from windsock.core.pricing.comparison import blended
from windsock.core.pricing.consensus.standing import PriceStatus, Statement
from windsock.core.pricing.validation import Held
from windsock.core.routing.router import Router
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer

Stands = Literal["agrees", "dissents", "lags", "held", "refused", "elsewhere"]


class SaidView(Answer):
    """One list's last word on one price. Money is USD per million tokens, as the list states it."""

    deployment: str
    feed: str
    feed_model: str = Field(description="its own name for the model")
    input: float | None
    output: float | None
    stands: Stands = Field(
        description="agrees, dissents, lags (others left that price behind), held (not believed "
        "yet), refused (no price at all), or elsewhere (the same model, sold by another)"
    )
    reason: str
    times_in_force: float | None = Field(
        description="its price over the one in force, 3 parts input to 1 part output"
    )
    said_at: float = Field(description="unix s at which it was last heard")
    quoted_at: float | None = Field(description="unix s that the list itself states")
    valid_from: float | None = Field(description="unix s, where it is announced for later")
    trust: float
    provisional_until: float | None = Field(
        None, description="nothing but this list confirms it; unix s when time alone will have"
    )
    needs_polls: int | None = Field(None, description="of a held one: equal polls that release it")
    polls: int | None = Field(None, description="of a held one: equal polls so far")
    needs_until: float | None = Field(None, description="of a held one: released then at earliest")


class SaidAnswer(Answer):
    """Those that a person may have to look at first; `total` counts all that were asked for."""

    total: int
    data: list[SaidView]


def statement_routes(insight: Insight) -> APIRouter:
    """GET /v1/prices/statements."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["prices"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get(
        "/v1/prices/statements", summary="Who says what of every price, and what came of it"
    )
    async def statements(
        caller: Caller,
        deployment: DeploymentName | None = None,
        feed: Name | None = None,
        stands: Stands | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    ) -> SaidAnswer:
        if deployment is not None:
            router.catalog.check(deployment)
        found: list[SaidView] = []
        for name in [deployment] if deployment else list(router.catalog.deployments):
            found += said_views(router, name, clock.now())
            await asyncio.sleep(0)  # a catalog of hundreds: requests go between
        found = [s for s in found if feed in (None, s.feed) and stands in (None, s.stands)]
        found.sort(key=lambda said: FIRST.index(said.stands))
        return SaidAnswer(total=len(found), data=found[:limit])

    return routes


FIRST: Sequence[Stands] = ("held", "refused", "dissents", "lags", "agrees", "elsewhere")


def said_views(router: Router, name: str, now: float) -> Iterator[SaidView]:
    """Every list's last word on a deployment, and what is held back besides."""
    status, in_force = router.book.status(name, now), router.book.believed(name, now)
    held = {(each.quote.feed, each.quote.valid_from): each for each in status.held}
    for said in router.book.statements(name, now):
        mine = held.get((said.quote.feed, said.quote.valid_from))
        if said.stands == "held" and mine is not None:
            del held[said.quote.feed, said.quote.valid_from]
            yield _held(mine, in_force)
        else:
            view = _view(said.quote, in_force, said.stands, _reason(said, status, in_force))
            yield view.model_copy(update={"provisional_until": said.provisional_until})
    yield from (_held(each, in_force) for each in held.values())


def _held(held: Held, in_force: Quote | None) -> SaidView:
    view = _view(held.quote, in_force, "refused" if held.is_final else "held", held.reason)
    waits = {"needs_polls": held.needs, "polls": held.polls, "needs_until": held.until}
    return view.model_copy(update=waits)


def _reason(said: Statement, status: PriceStatus, in_force: Quote | None) -> str:
    """Why it counts as it does."""
    if said.quote.feed in status.vanished:
        return "its list names the deployment no longer"
    feed = in_force.feed if in_force else ""
    return {
        "agrees": "is the price in force" if said.quote.feed == feed else f"as {feed} says",
        "dissents": f"{feed} says otherwise, and is believed" if feed else "no price is in force",
        "lags": "other lists have left this price behind",
        "held": "waits to be confirmed",
        "elsewhere": f"the same model, sold as {said.quote.feed_model}",
    }[said.stands]


def _view(quote: Quote, in_force: Quote | None, stands: str, reason: str) -> SaidView:
    return SaidView.model_validate(
        {
            "deployment": quote.deployment,
            "feed": quote.feed,
            "feed_model": quote.feed_model,
            "input": finite(quote.usd_per_mtok.get(Meter.INPUT)),
            "output": finite(quote.usd_per_mtok.get(Meter.OUTPUT)),
            "stands": stands,
            "reason": reason,
            "times_in_force": _times(quote.usd_per_mtok, in_force),
            "said_at": quote.seen_at,
            "quoted_at": quote.quoted_at,
            "valid_from": quote.valid_from,
            "trust": quote.trust,
        }
    )


def _times(stated: Prices, in_force: Quote | None) -> float | None:
    if in_force is None or any(finite(stated.get(meter)) is None for meter in MAIN_METERS):
        return None
    now = blended(in_force.usd_per_mtok)
    return float(blended(stated) / now) if now else None


def finite(price: Decimal | None) -> float | None:
    """As JSON has it; null for what is not stated, or is no number."""
    return float(price) if price is not None and price.is_finite() else None
