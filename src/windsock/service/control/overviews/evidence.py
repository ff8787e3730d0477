"""How success is known: who has judged what of every deployment at every task, and its say."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.evidence.how_known import HowKnown
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.routing.router import Router
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.overviews.judges import JudgeFacts, JudgeView, judge_view
from windsock.service.control.schemas.asked import DeploymentName, Name
from windsock.service.control.schemas.base import Answer
from windsock.service.control.schemas.known import (
    Basis,
    CheckView,
    PartView,
    SourceView,
    basis_of,
    part_views,
    source_views,
)


class EvidenceView(Answer):
    """What is known of one deployment at one task of a route, and by what."""

    route: str
    task: str
    deployment: str
    basis: Basis = Field(
        description="the best of what it rests on; `proxies alone`: a judge or a check, and no "
        "label; `mere answers`: nobody judged, answers came"
    )
    success_mean: float
    success_interval: tuple[float, float] = Field(description="90 % credible interval")
    effective_samples: float = Field(description="rewards' worth of evidence that is remembered")
    answers: float = Field(description="recent ones")
    judged: float = Field(description="of them, those that somebody judged")
    answer_counts: float = Field(description="rewards that a mere answer counts for")
    keys: int = Field(description="that have judged it")
    sources: list[SourceView]
    check: CheckView | None = Field(description="what its declared checks are worth, if known")
    checks: list[PartView] = Field(description="each check by name, where labels tell")
    prior: str | None = Field(description="whose public figures the prior leans on")


class EvidenceAnswer(Answer):
    """Those with the most evidence first; `total` counts all that were asked for."""

    total: int
    data: list[EvidenceView]
    judges: list[JudgeView] = Field(description="of the routes asked for that have one")


Judging = Callable[[str], Iterable[JudgeFacts]]
"""A namespace -> the judges of routes as they stand for it."""


def evidence_routes(insight: Insight, judging: Judging) -> APIRouter:
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
        judges = [judge_view(each, now) for each in judging(caller.namespace)
                  if route in (None, each.route)]  # fmt: skip
        return EvidenceAnswer(total=len(found), data=found[:limit], judges=judges)

    return routes


def cells_of(router: Router, namespace: str) -> list[Cell]:
    """Cells that were asked for since the start, or that something is known of."""
    opened = {cell for cell in router.tables.cells() if cell.namespace == namespace}
    known = {
        Cell.read(namespace, route, task)
        for route in router.routes
        for task in router.beliefs.tasks(namespace, route)
    }
    return sorted(opened | known)


def evidence_of(router: Router, cell: Cell, deployment: str | None) -> list[EvidenceView]:
    """Of the candidates of a cell, or of one of them."""
    route = router.routes.get(cell.route)
    serving = route.deployments if route else router.catalog.serving(cell.route)
    names = [name for name in serving if deployment in (None, name)]
    known = [router.operator.how_known(cell, name) for name in names]
    summaries = router.beliefs.summaries(cell, names)
    return [_view(router, cell, *each) for each in zip(names, known, summaries, strict=True)]


def _view(
    router: Router, cell: Cell, name: str, known: HowKnown, belief: BeliefSummary
) -> EvidenceView:
    lean = router.beliefs.lean(cell, name)
    return EvidenceView(
        route=cell.route,
        task=cell.name,
        deployment=name,
        basis=basis_of(known, belief, is_lent=lean is not None),
        success_mean=belief.mean,
        success_interval=(belief.low, belief.high),
        effective_samples=belief.effective_samples,
        answers=known.answers,
        judged=known.rewards,
        answer_counts=known.answer_counts,
        keys=known.keys,
        sources=source_views(known),
        check=CheckView.of(known),
        checks=part_views(known),
        prior=lean.source if lean else None,
    )
