"""What happened: decisions and their explanations, price history, and the report."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.rewards import Feedback
from windsock.core.model.ticks import Quote
from windsock.core.policies.aims.margins import margins
from windsock.core.routing.outlook.prospects import measure_of
from windsock.core.routing.router import Router
from windsock.core.routing.sampling import arm_within
from windsock.errors import BadRequest, CallerError
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.reporting.knowing import Costs, knowing_of
from windsock.service.control.reporting.known import known_lines
from windsock.service.control.reporting.lines import report_lines
from windsock.service.control.reporting.spending import spending_of
from windsock.service.control.schemas.asked import (
    DeploymentName,
    Name,
    When,
    when,
    when_by_the_minute,
)
from windsock.service.control.schemas.decisions import decision_facts
from windsock.service.control.schemas.prices import HistoryAnswer, HistoryView
from windsock.service.control.schemas.wanted_labels import answered, lines_of, ranked, unlabelled
from windsock.service.control.schemas.weights import WeightsView
from windsock.wire.caller_fields.names import MOST_CHARS

DAY_S = 86400.0
GROUPS = ("route", "task", "deployment", "key")
LINES = 100
"""Decisions that are sent at once: each turn is one of a worker thread."""

MOST_SAMPLED = 10_000
"""Requests read for one answer on savings; where none are asked for, nothing is said of them."""


class NoSuchDecision(CallerError):
    """The store holds no decision of this id for this caller."""


Lines = list[dict[str, Any]]


class Accounts(Protocol):
    """Sums of one span as of one moment: see `store.reports.Accounts`."""

    @property
    def rows(self) -> Lines: ...
    @property
    def bills(self) -> Lines: ...
    @property
    def uncalled(self) -> Lines: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the store holds: see `store.queries`. Its calls block, and raise StoreError.

    decision, feedback_of   by the decision's id
    decisions               by since, until, limit and namespace
    sought                  by since, until, namespace and what fits: newest first
    table                   by its version
    quotes                  of a deployment, by since and until
    report, accounts        sums by since, until, by and namespace; `accounts` with bills and others
    report_by_step          the same report of each step, also by step_s
    health_by_step          by since, until and step_s: calls by how they ended, and delays, by
                            deployment, of all namespaces
    savings                 of routes against (deployment, why) each, by since, until, namespace
                            and sample
    """

    decision: Callable[[str], Outcome | Decision | None]
    decisions: Callable[..., Iterator[Outcome | Decision]]
    sought: Callable[..., Iterator[tuple[float, Outcome | Decision | None]]]
    table: Callable[[int], WeightTable | None]
    feedback_of: Callable[[str], list[Feedback]]
    quotes: Callable[..., list[Quote]]
    report: Callable[..., list[dict[str, Any]]]
    accounts: Callable[..., Accounts]
    report_by_step: Callable[..., list[list[dict[str, Any]]]]
    health_by_step: Callable[..., list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]]
    savings: Callable[..., list[dict[str, Any]]]


def history_routes(insight: Insight, past: History) -> APIRouter:
    """GET /v1/decisions, /v1/decisions/{id}, /v1/prices/history, /v1/report."""
    clock = insight.clock
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/decisions/{decision_id}", tags=["history"])
    async def explanation(caller: Caller, decision_id: Name) -> dict[str, Any]:
        found = await asyncio.to_thread(_explained, past, decision_id, caller.namespace)
        if found is None:
            raise NoSuchDecision(f"no decision {decision_id!r} is known to this key")
        return found

    @routes.get("/v1/decisions", tags=["history"])
    async def export(
        caller: Caller,
        since: When = None,
        until: When = None,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1000,
        label: Literal["wanted"] | None = None,
    ) -> StreamingResponse:
        now = clock.now()
        end = when(until, now, param="until", otherwise=now)
        begin = when(since, now, param="since", otherwise=end - DAY_S)
        if label is not None:
            found = await asyncio.to_thread(
                answered, past.sought, since=begin, until=end, namespace=caller.namespace
            )
            is_open = unlabelled(past.feedback_of, insight.router.operator.is_label)
            first = islice(await ranked(insight.router, found, is_open, now), limit)
            return StreamingResponse(lines_of(first), media_type="application/x-ndjson")
        lines = _lines(past, caller.namespace, begin, end, limit)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @routes.get("/v1/prices/history", tags=["prices"])
    async def prices(
        caller: Caller,
        deployment: DeploymentName,
        since: When = None,
        until: When = None,
    ) -> HistoryAnswer:
        insight.router.catalog.check(deployment)
        now = clock.now()
        begin = when(since, now, param="since", otherwise=0.0)
        end = when(until, now, param="until", otherwise=now + 1)
        quotes = await asyncio.to_thread(past.quotes, deployment, since=begin, until=end)
        return HistoryAnswer(data=[HistoryView.of(quote) for quote in quotes])

    @routes.get("/v1/report", tags=["history"])
    async def report(
        caller: Caller,
        since: When = None,
        until: When = None,
        by: str = "task,deployment",
        baseline: DeploymentName | None = None,
        sample: Annotated[int, Query(ge=0, le=MOST_SAMPLED)] = 400,
    ) -> dict[str, Any]:
        groups = _groups(by)
        now = clock.now()
        end = None if until is None else when(until, now, param="until", otherwise=now)
        begin = when_by_the_minute(since, now, param="since", otherwise=(end or now) - DAY_S)
        asked = {"since": begin, "until": end, "by": groups, "namespace": caller.namespace}
        accounts = await asyncio.to_thread(past.accounts, **asked)
        lines = report_lines(accounts.rows, accounts.bills, accounts.uncalled, groups)
        found = {"since": begin, "until": end, "by": groups, "data": lines}
        if not sample:
            return {**found, "savings": [], "known": [], "knowing": []}
        measures = _measures(insight.router, caller.namespace, baseline, now)
        span = {"since": begin, "until": now if end is None else end}
        saved = await asyncio.to_thread(
            past.savings, measures, **span, namespace=caller.namespace, sample=sample
        )
        router, namespace = insight.router, caller.namespace
        spending = await spending_of(past.report, since=begin, until=end, namespace=namespace)
        costs = Costs(router, spending, now)
        known = await known_lines(router, namespace, lines, costs)
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


def _explained(past: History, decision_id: str, namespace: str) -> dict[str, Any] | None:
    found = past.decision(decision_id)
    decision = found.decision if isinstance(found, Outcome) else found
    if decision is None or decision.cell.namespace != namespace:
        return None
    table = past.table(decision.table_version)
    return {
        **decision_facts(found or decision),
        "table": WeightsView.of(table).model_dump() if table else None,
        "draw": _redrawn(decision, table),
        "would_differ": [asdict(each) for each in margins(table)] if table else [],
        "feedback": [
            {"value": each.reward.value, "source": each.reward.source, "at": each.at}
            for each in past.feedback_of(decision_id)
        ],
    }


def _redrawn(decision: Decision, table: WeightTable | None) -> dict[str, Any]:
    """The number that fell, and where it falls in the weights of the time."""
    drawn = None
    if table is not None:
        mark = decision.draw * table.cumulative[-1]
        drawn = next(
            (n for n, c in zip(table.deployments, table.cumulative, strict=True) if mark < c), None
        )
    facts: dict[str, Any] = {"u": decision.draw, "number": decision.number, "gives": drawn}
    if table is not None and drawn is not None and table.cascades:
        _, to = arm_within(table, table.deployments.index(drawn), decision.draw)
        facts["escalates_to"] = decision.escalates_to if table.cascades[0].second else to
    return facts


def _lines(
    past: History, namespace: str, since: float, until: float, limit: int
) -> Iterator[bytes]:
    found = past.decisions(since=since, until=until, limit=limit, namespace=namespace)
    while part := list(islice(found, LINES)):
        yield b"".join(orjson.dumps(decision_facts(each)) + b"\n" for each in part)
