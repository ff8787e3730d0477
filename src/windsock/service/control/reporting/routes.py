"""The report: what was spent, saved and learnt of a span."""

import asyncio
from itertools import chain
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from windsock.core.routing.outlook.prospects import measure_of
from windsock.core.routing.router import Router
from windsock.errors import BadRequest
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.history_routes import History
from windsock.service.control.reporting.knowing import Costs, knowing_of
from windsock.service.control.reporting.known import known_lines
from windsock.service.control.reporting.lines import busiest_lines
from windsock.service.control.reporting.spending import GROUPS as SPENDING
from windsock.service.control.reporting.spending import Spending
from windsock.service.control.schemas.asked import DeploymentName, When, by_the_minute, span_of
from windsock.wire.caller_fields.names import MOST_CHARS

GROUPS = ("route", "task", "deployment", "key")

MOST_GROUPS = 100_000
"""Told one by one if that is asked for: callers may name tasks as they like."""

MOST_SAMPLED = 10_000
"""Requests read for one answer on savings; where none are asked for, nothing is said of them."""


def report_routes(insight: Insight, past: History) -> APIRouter:
    """GET /v1/report."""
    clock = insight.clock
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get(
        "/v1/report", summary="Spend, success and dollars per success, by group", tags=["history"]
    )
    async def report(
        caller: Caller,
        since: When = None,
        until: When = None,
        by: str = "task,deployment",
        baseline: DeploymentName | None = None,
        sample: Annotated[int, Query(ge=0, le=MOST_SAMPLED)] = 400,
        limit: Annotated[int, Query(ge=1, le=MOST_GROUPS)] = 1000,
    ) -> dict[str, Any]:
        groups = _groups(by)
        now = clock.now()
        begin, last = span_of(since, until, now)
        begin, end = by_the_minute(begin, since), None if until is None else last
        asked = {"since": begin, "until": end, "by": groups, "namespace": caller.namespace}
        further = SPENDING if sample else ()
        accounts = await asyncio.to_thread(past.accounts, **asked, further=further)
        kept = accounts.rows, accounts.bills, accounts.uncalled
        lines, others = await asyncio.to_thread(busiest_lines, *kept, groups, limit)
        found = {"since": begin, "until": end, "by": groups, "data": lines, "others": others}
        if not sample:
            return {**found, "savings": [], "known": [], "knowing": []}
        measures = _measures(insight.router, caller.namespace, baseline, now)
        span = {"since": begin, "until": last}
        saved = await asyncio.to_thread(
            past.savings, measures, **span, namespace=caller.namespace, sample=sample
        )
        router, namespace = insight.router, caller.namespace
        spending = await asyncio.to_thread(Spending.of, accounts.further)
        costs = Costs(router, spending, now)
        known = await known_lines(router, namespace, chain(*kept), costs)
        knowing = await knowing_of(costs, spending, namespace, router.routes)
        told = [each.model_dump() for each in knowing]
        return {**found, "savings": saved, "known": known, "knowing": told}

    return routes


def _measures(
    router: Router, namespace: str, baseline: str | None, now: float
) -> dict[str, tuple[str, str]]:
    """By route, whom it is compared with, and why; raises BadRequest on an unknown deployment."""
    if baseline is not None:
        router.catalog.check(baseline, param="baseline")
        return {
            name: (baseline, "named")
            for name, route in router.routes.items()
            if baseline in route.candidates
        }
    found = {}
    for name, route in router.routes.items():
        measure = measure_of(router, namespace, name, now)
        if measure is not None:
            found[name] = (measure, "incumbent" if route.policy.incumbent else "reference")
    return found


def _groups(by: str) -> tuple[str, ...]:
    groups = tuple(dict.fromkeys(name for name in by.split(",") if name))
    unknown = [name for name in groups if name not in GROUPS]
    if unknown or not groups:
        named = repr(unknown[0][:MOST_CHARS]) if unknown else "an empty list"
        raise BadRequest(f"by: {named} is none of {', '.join(GROUPS)}", param="by")
    return groups
