"""What came of requests that were sent to a second deployment as well."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.core.evidence.agreement.shadow import ShadowDesk, ShadowTally
from windsock.core.routing.caps.book import Dollars
from windsock.service.auth import Principal
from windsock.service.background_requests import BackgroundTally
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.base import Answer, number


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowFacts:
    """The shadow of one route, as one namespace sees it; what all share may be None: `tally`, of
    this process, and `dollars`, of all at the port."""

    route: str
    compare: str
    share: float
    desk: ShadowDesk
    tally: BackgroundTally | None
    dollars: Dollars | None


class ShadowedView(Answer):
    """One deployment that did not serve."""

    deployment: str
    compared: int = Field(description="answers from which something was learnt")
    held: int = Field(description="of them, those that agreed or passed")
    unread: int = Field(description="answers that could not be compared")
    mean_value: float | None = Field(description="of the rewards they were worth, 0..1")


class ShadowView(Answer):
    """The shadow of one route, since the start of the service."""

    route: str
    compare: str = Field(description="agreement, checks or judge")
    share: float = Field(description="of the route's requests, at most")
    skipped: int = Field(
        description="requests that may act, are too long, or that nobody else could be asked"
    )
    data: list[ShadowedView]
    taken: int | None = Field(description="requests drawn; null: another namespace's to see")
    left_out: int | None = Field(description="drawn, for which there was no place")
    failed: int | None
    unpaid: int | None = Field(description="for which the cap had no room in time")
    spent_usd: float | None = Field(description="today, UTC, by all processes at the port")
    limit_usd: float | None = Field(description="that may be spent today as of now")


class ShadowsAnswer(Answer):
    """Of the routes that have one."""

    data: list[ShadowView]


Shadowing = Callable[[str], Iterable[ShadowFacts]]
"""A namespace -> the shadows of routes as they stand for it."""


def shadow_routes(insight: Insight, shadowing: Shadowing) -> APIRouter:
    """GET /v1/shadows."""
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/shadows", summary="What is asked beside requests, and what it found")
    async def shadows(caller: Caller) -> ShadowsAnswer:
        return ShadowsAnswer(data=[_view(each) for each in shadowing(caller.namespace)])

    return routes


def _view(facts: ShadowFacts) -> ShadowView:
    tally, dollars = facts.tally, facts.dollars
    return ShadowView(
        route=facts.route,
        compare=facts.compare,
        share=facts.share,
        skipped=facts.desk.skipped,
        data=[_of(name, each) for name, each in sorted(facts.desk.tallies.items())],
        taken=tally and tally.taken,
        left_out=tally and tally.left_out,
        failed=tally and tally.failed,
        unpaid=tally and tally.unpaid,
        spent_usd=number(dollars[1]) if dollars else None,
        limit_usd=number(dollars[0]) if dollars else None,
    )


def _of(name: str, tally: ShadowTally) -> ShadowedView:
    return ShadowedView(
        deployment=name,
        compared=tally.compared,
        held=tally.held,
        unread=tally.unread,
        mean_value=tally.total / tally.compared if tally.compared else None,
    )
