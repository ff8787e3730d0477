"""How every feed fares: when it last said something, how much, and what becomes of its word."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.core.routing.router import Router
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.poller import FeedStatus, Poller
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.base import Answer

MOST_REFUSED = 20
"""Refused rows that are named; all are counted."""


class RefusedRow(Answer):
    """An entry of a feed's body that states no price."""

    name: str
    reason: str


class FeedView(Answer):
    """One feed. Ages are seconds on this machine's steady clock."""

    feed: str
    kind: str = Field(description="price or health")
    host: str = Field(description="whom it is asked of; the whole address may hold a secret")
    trust: float
    every_s: float
    is_stale: bool
    last_good_age_s: float | None = Field(description="null: never")
    last_tried_age_s: float | None = Field(description="null: never")
    overdue_s: float | None = Field(description="its last good word is older than an interval by")
    next_poll_s: float | None
    polls: int
    failures: int
    error: str | None = Field(description="of its last poll; null: that went well")
    rows: int = Field(description="of its last good body")
    refused_rows: int = Field(description="entries of that body that state no price")
    refused: list[RefusedRow] = Field(description=f"the first {MOST_REFUSED} of them")
    says: dict[str, int] = Field(
        description="of prices in use here: how many of its words agree, dissent, lag, are held, "
        "or are of the model sold elsewhere"
    )


class FeedsAnswer(Answer):
    """In the order of their names."""

    data: list[FeedView]


def feed_routes(insight: Insight, poller: Poller) -> APIRouter:
    """GET /v1/feeds."""
    routes = APIRouter(tags=["prices"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/feeds", summary="Feeds, with their ages, rows and errors")
    async def feeds(caller: Caller) -> FeedsAnswer:
        says = await _says(insight.router, insight.clock.now())
        elapsed = insight.clock.elapsed()
        by_id = {status.id: status for status in poller.status()}
        views = [
            feed_view(each, by_id[each.id], poller.next_poll_s(each.id), says[each.id], elapsed)
            for each in sorted(poller.definitions(), key=lambda each: each.id)
        ]
        return FeedsAnswer(data=views)

    return routes


def feed_view(
    definition: FeedDefinition,
    status: FeedStatus,
    next_poll_s: float | None,
    says: Mapping[str, int],
    elapsed: float,
) -> FeedView:
    """A feed as it stands at `elapsed` (s of the steady clock)."""
    age_s = _age_s(status.last_good_at, elapsed)
    return FeedView(
        feed=definition.id,
        kind=definition.kind,
        host=host_of(definition.url),
        trust=definition.trust,
        every_s=definition.every,
        is_stale=status.is_stale(definition.every, elapsed),
        last_good_age_s=age_s,
        last_tried_age_s=_age_s(status.last_tried, elapsed),
        overdue_s=None if age_s is None else max(0.0, age_s - definition.every),
        next_poll_s=next_poll_s,
        polls=status.polls,
        failures=status.failures,
        error=status.error,
        rows=status.rows,
        refused_rows=len(status.skipped),
        refused=[RefusedRow(name=n, reason=why) for n, why in status.skipped[:MOST_REFUSED]],
        says=dict(says),
    )


def host_of(url: str) -> str:
    """Whom a feed is asked of: a host, `file` for a file, the package's name for a package."""
    parts = urlsplit(url)
    return parts.hostname or (parts.path if parts.scheme == "package" else parts.scheme or "file")


def _age_s(moment: float | None, elapsed: float) -> float | None:
    return None if moment is None else max(0.0, elapsed - moment)


async def _says(router: Router, now: float) -> Mapping[str, Counter[str]]:
    """By feed, what becomes of its words on the deployments here; requests go between."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name in list(router.catalog.deployments):
        for said in router.book.statements(name, now):
            found[said.quote.feed][said.stands] += 1
        await asyncio.sleep(0)
    return found
