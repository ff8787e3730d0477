"""How success is known: who has judged what of every deployment at every task, and its say."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.model.requests import RouteRequest
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.overviews.judges import JudgeFacts, JudgeView, judge_view
from windsock.service.control.reporting.evidence import EvidenceView, cells_of, evidence_of
from windsock.service.control.reporting.known import knowing_lines
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer

WEEK_S = 7 * 86_400.0


class KnowingView(Answer):
    """What was spent beside the requests of a route to know their success."""

    route: str
    by: str = Field(description="such as judge or shadow")
    requests: int
    cost_usd: float | None = Field(description="null where no request's cost is known")
    unknown_cost: int = Field(description="requests whose cost is not known, and in no sum")


class EvidenceAnswer(Answer):
    """Those with the most evidence first; `total` counts all that were asked for."""

    total: int
    data: list[EvidenceView]
    judges: list[JudgeView] = Field(description="of the routes asked for that have one")
    knowing: list[KnowingView] = Field(description="what it cost in the last seven days")


Judging = Callable[[str], Iterable[JudgeFacts]]
"""A namespace -> the judges of routes as they stand for it."""


def evidence_routes(insight: Insight, judging: Judging, past: History) -> APIRouter:
    """GET /v1/evidence."""
    router = insight.router
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/evidence")
    async def evidence(
        caller: Caller,
        route: DeploymentName | None = None,
        task: Name | None = None,
        deployment: DeploymentName | None = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
    ) -> EvidenceAnswer:
        if route is not None:
            router.resolve(RouteRequest(model=route))
        if deployment is not None:
            router.catalog.check(deployment)
        found: list[EvidenceView] = []
        for cell in cells_of(router, caller.namespace):
            if route in (None, cell.route) and task in (None, cell.name):
                found += evidence_of(router, cell, deployment)
                await asyncio.sleep(0)  # cells by the hundred: requests go between
        found.sort(key=lambda each: -each.effective_samples)
        now = insight.clock.now()
        judges: list[JudgeView] = []
        for each in judging(caller.namespace):
            if route in (None, each.route):
                judges.append(judge_view(each, now))
                await asyncio.sleep(0)  # biases of thousands of answers: requests go between
        spent = await asyncio.to_thread(
            past.report, since=now - WEEK_S, by=("key",), namespace=caller.namespace,
        )  # fmt: skip
        knowing = [KnowingView(**line) for line in knowing_lines(spent)
                   if route in (None, line["route"])]  # fmt: skip
        return EvidenceAnswer(total=len(found), data=found[:limit], judges=judges, knowing=knowing)

    return routes
