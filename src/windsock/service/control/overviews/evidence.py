"""How success is known: who has judged what of every deployment at every task, and its say."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.model.requests import Cell, RouteRequest
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.overviews.judges import JudgeFacts, JudgeView, judge_view
from windsock.service.control.reporting.evidence import EvidenceView, most_known
from windsock.service.control.reporting.knowing import Costs, knowing_of
from windsock.service.control.reporting.spending import RecentSpending
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer
from windsock.service.control.schemas.knowing import KnowingView


class EvidenceAnswer(Answer):
    """Those with the most evidence first; `total` counts all that were asked for."""

    total: int
    data: list[EvidenceView]
    judges: list[JudgeView] = Field(description="of the routes asked for that have one")
    knowing: list[KnowingView] | None = Field(
        description="what it cost in the last seven days; null: the store does not tell"
    )


Judging = Callable[[str], Iterable[JudgeFacts]]
"""A namespace -> the judges of routes as they stand for it."""


def evidence_routes(insight: Insight, judging: Judging, recent: RecentSpending) -> APIRouter:
    """GET /v1/evidence."""
    router = insight.router
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/evidence", summary="By what success is known")
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
        now, spending = insight.clock.now(), await recent.of(caller.namespace)
        costs = Costs(router, spending, now)

        def is_asked(cell: Cell, name: str) -> bool:
            is_meant = route in (None, cell.route) and task in (None, cell.name)
            is_shown = bool(task or route) or not cell.is_own
            return is_meant and is_shown and deployment in (None, name)

        found, total = await most_known(router, caller.namespace, is_asked, limit, costs)
        judges: list[JudgeView] = []
        for each in judging(caller.namespace):
            if route in (None, each.route):
                judges.append(judge_view(each))
                await asyncio.sleep(0)  # biases of thousands of answers: requests go between
        routes = router.routes if route is None else (route,)
        knowing = None
        if spending is not None:
            knowing = await knowing_of(costs, spending, caller.namespace, routes)
        return EvidenceAnswer(total=total, data=found, judges=judges, knowing=knowing)

    return routes
