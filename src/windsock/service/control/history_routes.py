"""What happened: decisions and their explanations, price history, and the report."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.routing.sampling import arm_within
from windsock.errors import BadRequest, CallerError
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight, allowed
from windsock.service.control.schemas.decisions import decision_facts
from windsock.service.control.schemas.prices import HistoryAnswer, HistoryView
from windsock.service.control.schemas.weights import WeightsView
from windsock.store import queries

DAY_S = 86400.0
GROUPS = ("route", "task", "deployment", "key")


class NoSuchDecision(CallerError):
    """The store holds no decision of this id for this caller."""


def history_routes(insight: Insight, engine: Engine) -> APIRouter:
    """GET /v1/decisions, /v1/decisions/{id}, /v1/prices/history, /v1/report, /v1/weights/at."""
    clock = insight.clock
    reader = allowed(insight.access, clock, "read")
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(reader)]  # noqa: N806

    @routes.get("/v1/decisions/{decision_id}", tags=["history"])
    async def explanation(caller: Caller, decision_id: str) -> dict[str, Any]:
        found = await asyncio.to_thread(_explained, engine, decision_id, caller.namespace)
        if found is None:
            raise NoSuchDecision(f"no decision {decision_id!r} is known to this key")
        return found

    @routes.get("/v1/decisions", tags=["history"])
    async def export(
        caller: Caller,
        since: float | None = None,
        until: float | None = None,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1000,
    ) -> StreamingResponse:
        end = clock.now() if until is None else until
        begin = end - DAY_S if since is None else since
        lines = _lines(engine, caller.namespace, begin, end, limit)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @routes.get("/v1/prices/history", tags=["prices"])
    async def prices(
        caller: Caller, deployment: str, since: float = 0.0, until: float | None = None
    ) -> HistoryAnswer:
        if deployment not in insight.router.catalog.deployments:
            near = insight.router.catalog.nearest(deployment)
            raise BadRequest(
                f"no deployment is named {deployment!r}; nearest is {near!r}", param="deployment"
            )
        end = clock.now() + 1 if until is None else until
        quotes = await asyncio.to_thread(queries.quotes, engine, deployment, since=since, until=end)
        return HistoryAnswer(data=[HistoryView.of(quote) for quote in quotes])

    @routes.get("/v1/report", tags=["history"])
    async def report(
        caller: Caller, since: float | None = None, by: str = "task,deployment"
    ) -> dict[str, Any]:
        groups = tuple(name for name in by.split(",") if name)
        unknown = [name for name in groups if name not in GROUPS]
        if unknown:
            raise BadRequest(f"by: {unknown[0]!r} is none of {', '.join(GROUPS)}", param="by")
        begin = clock.now() - DAY_S if since is None else since
        rows = await asyncio.to_thread(
            queries.report, engine, since=begin, by=groups, namespace=caller.namespace
        )
        return {"since": begin, "by": groups, "data": [report_line(row) for row in rows]}

    return routes


def report_line(row: dict[str, Any]) -> dict[str, Any]:
    """One group: spend, success where it was judged, and cost per success.

    Requests of unknown cost are in `unknown_cost` and in no sum; dollars are null where there is
    no other request.
    """
    judged, successes = row["judged"] or 0, float(row["successes"] or 0.0)
    priced = row["requests"] - row["unknown_cost"]
    cost_usd = None if row["cost_usd"] is None else row["cost_nano_usd"] / 1e9
    rate = successes / judged if judged else None
    expected = rate * priced if rate else None
    known = ("route", "task", "deployment", "key")
    return {
        **{name: row[name] for name in known if name in row},
        "requests": row["requests"],
        "answered": row["answered"],
        "retry_rate": (row["attempts"] - row["requests"]) / row["requests"],
        "cost_usd": cost_usd,
        "unknown_cost": row["unknown_cost"],
        "judged": judged,
        "success_rate": rate,
        "cost_per_success_usd": cost_usd / expected if expected and cost_usd is not None else None,
        "mean_latency_s": row["mean_latency_s"],
    }


def _explained(engine: Engine, decision_id: str, namespace: str) -> dict[str, Any] | None:
    found = queries.decision(engine, decision_id)
    decision = found.decision if isinstance(found, Outcome) else found
    if decision is None or decision.cell.namespace != namespace:
        return None
    table = queries.table(engine, decision.table_version)
    return {
        **decision_facts(found or decision),
        "table": WeightsView.of(table).model_dump() if table else None,
        "draw": _redrawn(decision, table),
        "feedback": [
            {"value": each.reward.value, "source": each.reward.source, "at": each.at}
            for each in queries.feedback_of(engine, decision_id)
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
        facts["escalates_to"] = to
    return facts


def _lines(
    engine: Engine, namespace: str, since: float, until: float, limit: int
) -> Iterator[bytes]:
    for found in queries.decisions(engine, since=since, until=until, limit=limit):
        decision = found.decision if isinstance(found, Outcome) else found
        if decision.cell.namespace == namespace:
            yield orjson.dumps(decision_facts(found)) + b"\n"
