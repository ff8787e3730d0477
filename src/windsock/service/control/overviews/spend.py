"""Spend and savings over time, against a deployment that might have answered everything."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from windsock.core.model.requests import Cell
from windsock.core.model.units import to_float
from windsock.core.routing.router import Router
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.overviews.savings import (
    Baseline,
    Compared,
    Kind,
    baseline_of,
    compared,
)
from windsock.service.control.overviews.time_steps import Steps, steps
from windsock.service.control.reporting.lines import NOTHING, report_lines, summed
from windsock.service.control.reporting.routes import GROUPS, MOST_GROUPS
from windsock.service.control.reporting.spend_csv import spend_csv
from windsock.service.control.schemas.asked import DeploymentName, When, span_of
from windsock.service.control.schemas.spend import By, SpendAnswer, SpendView

INCUMBENT = "incumbent"
"""A baseline: of each route what its owner named as used today."""

MOST_SERIES = 8
"""Groups whose spend over time is told apart: those that cost most; the rest is `(others)`."""

OTHERS = "(others)"

SHOWN = (
    "requests", "answered", "cost_usd", "unknown_cost", "judged", "success_rate",
    "cost_per_success_usd", "billed_usd", "counted_usd", "doubted_usd", "refused", "cache_hits",
)  # fmt: skip
"""Of a line of the report, as it is there."""

Report = list[dict[str, Any]]

Named = Callable[[str], str | None]
"""Route -> the deployment that is its baseline, if any."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the store holds of a span: by GROUPS, and step by step."""

    rows: Report
    bills: Report
    uncalled: Report
    steps: Sequence[Report]


@dataclass(frozen=True, slots=True)
class Asked:
    """What of whom: [since, until) in whole steps, of one namespace."""

    span: Steps
    by: By
    namespace: str


def spend_routes(insight: Insight, past: History) -> APIRouter:
    """GET /v1/spend."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["history"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/spend", summary="Dollars over time", response_model=SpendAnswer)
    async def spend(
        caller: Caller,
        since: When = None,
        until: When = None,
        step: str | None = None,
        by: By = "task",
        baseline: DeploymentName | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_GROUPS)] = 500,
        format: Literal["json", "csv"] = "json",  # noqa: A002
    ) -> SpendAnswer | Response:
        now = clock.now()
        begin, end = span_of(since, until, now)
        named = baseline_named(router, baseline)
        asked = Asked(steps(begin, end, step), by, caller.namespace)
        found = await asyncio.to_thread(_read, past, asked)
        beside = _baseline(router, found.rows, named, asked.namespace, now)
        answer = await asyncio.to_thread(_answer, found, asked, baseline, beside, limit)
        return answer if format == "json" else Response(spend_csv(answer), media_type="text/csv")

    return routes


def baseline_named(router: Router, name: str | None) -> Named:
    """Route -> its baseline; raises BadRequest with the mend, UnknownDeployment."""
    if name is None:
        return lambda route: None
    if name != INCUMBENT:
        router.catalog.check(name, param="baseline")
        return lambda route: name
    owned = {each.name: each.policy.incumbent for each in router.routes.values()}
    if not any(owned.values()):
        raise BadRequest(
            "baseline: no route names an incumbent; name a deployment", param="baseline"
        )
    return owned.get


def _read(past: History, asked: Asked) -> Found:
    """It blocks."""
    span = asked.span
    whole = {"since": span.since, "until": span.until, "namespace": asked.namespace, "by": GROUPS}
    accounts = past.accounts(**whole)
    return Found(
        rows=accounts.rows,
        bills=accounts.bills,
        uncalled=accounts.uncalled,
        steps=past.report_by_step(
            since=span.since,
            until=span.until,
            step_s=span.step_s,
            by=(asked.by,),
            namespace=asked.namespace,
        ),
    )


def _baseline(router: Router, rows: Report, named: Named, namespace: str, now: float) -> Baseline:
    def expected_usd(kind: Kind, deployment: str) -> float | None:
        mix = router.beliefs.mix(Cell.read(namespace, *kind), deployment)
        usd = router.book.effective_usd(deployment, mix, now)
        return None if usd is None else to_float(usd)

    return baseline_of(summed(rows, ("route", "task", "deployment")), named, expected_usd)


def _answer(
    found: Found, asked: Asked, name: str | None, baseline: Baseline, most: int
) -> SpendAnswer:
    by, span = asked.by, asked.span
    beside = compared(summed(found.rows, (by, "route", "task")), by, baseline)
    dearest = sorted(_lines(found, (by,)), key=lambda line: -(line["cost_usd"] or 0.0))
    data = [view(line, by, beside.get(line[by])) for line in dearest[:most]]
    everything = Compared()
    for line in summed(found.rows, ("route", "task")):
        everything.take(line, baseline)
    total = [*_lines(found, ()), *report_lines([dict(NOTHING)], [], [], ())][0]
    return SpendAnswer(
        since=span.since,
        until=span.until,
        step_s=span.step_s,
        by=by,
        baseline=name,
        total=view(total, None, everything),
        data=data,
        groups=len(dearest),
        at=span.at,
        series=series_of(found.steps, by, [line[by] for line in dearest[:MOST_SERIES]]),
    )


def _lines(found: Found, by: tuple[str, ...]) -> Report:
    return report_lines(
        [{**row, "mean_latency_s": None} for row in summed(found.rows, by)],
        summed(found.bills, by),
        summed(found.uncalled, by),
        by,
    )


def view(line: dict[str, Any], by: str | None, beside: Compared | None) -> SpendView:
    """One line, and the same requests at the baseline."""
    beside = beside or Compared()
    is_compared = beside.requests > 0
    return SpendView(
        group=line[by] if by else None,
        cache_saved_usd=line["saved_usd"],
        compared_requests=beside.requests,
        compared_usd=beside.cost_usd if is_compared else None,
        baseline_usd=beside.baseline_usd if is_compared else None,
        saved_usd=beside.saved_usd,
        seen_share=beside.seen / beside.requests if is_compared else None,
        baseline_success_rate=beside.success_rate,
        baseline_judged=sum(beside.rests_on.values()),
        **{name: line[name] for name in SHOWN},
    )


def series_of(
    found: Sequence[Report], by: str, first: Sequence[str | None]
) -> dict[str, list[float | None]]:
    """Dollars of each step by group; the groups that are not among `first` together."""
    series: dict[str, list[float | None]] = {name_of(each): [] for each in first}
    others: list[float | None] = []
    for lines in found:
        usd = {line[by]: line["cost_nano_usd"] for line in lines}
        for each in first:
            series[name_of(each)].append(_usd([usd.get(each, 0)]))
        others.append(_usd([nano for group, nano in usd.items() if group not in first]))
    return {**series, OTHERS: others} if any(others) else series


def name_of(group: str | None) -> str:
    """Of a line in a chart."""
    return "(none)" if group is None else group


def _usd(nanos: Sequence[int | None]) -> float | None:
    """Dollars of billionths; None where only requests of unknown cost were."""
    known = [nano for nano in nanos if nano is not None]
    return sum(known) / 1e9 if known or not nanos else None
