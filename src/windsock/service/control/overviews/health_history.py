"""How deployments fared over time: calls, how they ended, and how long answers took."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from windsock.core.model.calls import FAILURES, LASTING, CallKind
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.overviews.time_steps import steps
from windsock.service.control.schemas.asked import DeploymentName, When, span_of
from windsock.service.control.schemas.base import Answer

FAULTS = FAILURES | LASTING | {CallKind.RATE_LIMITED, CallKind.REFUSED}
"""Ends of calls that are no caller's doing."""

Numbers = list[float | None]

Lines = list[dict[str, Any]]


class HealthHistoryView(Answer):
    """One deployment, a number for each step; null where nothing was called or answered."""

    deployment: str
    calls: list[int]
    failed: list[int] = Field(description="of them, those that failed by no caller's doing")
    kinds: dict[str, list[int]] = Field(description="calls by how they ended: answered, ...")
    mean_latency_s: Numbers = Field(description="of calls that were answered, to their end")
    p50_latency_s: Numbers = Field(
        description="of requests that it answered, waits included but for clients"
    )
    p95_latency_s: Numbers


class HealthHistoryAnswer(Answer):
    """Those called most first. Times are unix s; `at` begins each step."""

    since: float
    until: float
    step_s: float
    at: list[float]
    data: list[HealthHistoryView]


def health_history_routes(insight: Insight, past: History) -> APIRouter:
    """GET /v1/deployments/history."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["history"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/deployments/history", summary="Calls, errors and latency over time")
    async def history(
        caller: Caller,
        since: When = None,
        until: When = None,
        step: str | None = None,
        deployment: DeploymentName | None = None,
    ) -> HealthHistoryAnswer:
        if deployment is not None:
            router.catalog.check(deployment)
        begin, end = span_of(since, until, clock.now())
        span = steps(begin, end, step)
        asked = {"since": span.since, "until": span.until, "step_s": span.step_s}
        found = await asyncio.to_thread(past.health_by_step, **asked)
        views = health_views([each[0] for each in found], [each[1] for each in found])
        if deployment is not None:
            views = [each for each in views if each.deployment == deployment]
        return HealthHistoryAnswer(
            since=span.since, until=span.until, step_s=span.step_s, at=span.at, data=views
        )

    return routes


def health_views(calls: Sequence[Lines], delays: Sequence[Lines]) -> list[HealthHistoryView]:
    """Of every deployment that was called or that answered, step by step.

    calls   of each step, by deployment and kind: calls, mean_latency_s
    delays  of each step, by deployment: p50_latency_s, p95_latency_s
    """
    counts: dict[str, dict[str, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0] * len(calls))
    )
    latency: dict[tuple[str, str], Numbers] = defaultdict(lambda: [None] * len(calls))
    for place, lines in enumerate(calls):
        for line in lines:
            counts[line["deployment"]][line["kind"]][place] = line["calls"]
            if line["kind"] == "answered":
                latency[line["deployment"], "mean"][place] = line["mean_latency_s"]
    for place, lines in enumerate(delays):
        for line in lines:
            for name in ("p50", "p95"):
                latency[line["deployment"], name][place] = line[f"{name}_latency_s"]
    views = [_view(name, kinds, latency) for name, kinds in counts.items()]
    return sorted(views, key=lambda each: -sum(each.calls))


def _view(
    name: str, kinds: dict[str, list[int]], latency: dict[tuple[str, str], Numbers]
) -> HealthHistoryView:
    calls = _added(kinds.values())
    return HealthHistoryView(
        deployment=name,
        calls=calls,
        failed=_added(v for kind, v in kinds.items() if kind in FAULTS) or [0] * len(calls),
        kinds=dict(kinds),
        mean_latency_s=latency[name, "mean"],
        p50_latency_s=latency[name, "p50"],
        p95_latency_s=latency[name, "p95"],
    )


def _added(columns: Iterable[list[int]]) -> list[int]:
    return [sum(each) for each in zip(*columns, strict=True)]
