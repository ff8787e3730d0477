"""What happened: decisions and their explanations, and price history."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
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
from windsock.core.routing.sampling import arm_within
from windsock.errors import CallerError
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.asked import DeploymentName, Name, When, span_of
from windsock.service.control.schemas.decisions import decision_facts
from windsock.service.control.schemas.prices import HistoryAnswer, HistoryView
from windsock.service.control.schemas.wanted_labels import answered, lines_of, ranked, unlabelled
from windsock.service.control.schemas.weights import WeightsView
from windsock.service.patience import PAUSES_S, soon

LINES = 100
"""Decisions that are sent at once: each turn is one of a worker thread."""


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
    @property
    def further(self) -> Lines: ...


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
    requests_by_task        their number alone, by (route, task), by since and namespace
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
    requests_by_task: Callable[..., dict[tuple[str, str], int]]
    health_by_step: Callable[..., list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]]
    savings: Callable[..., list[dict[str, Any]]]


def history_routes(insight: Insight, past: History, may_come: Callable[[str], bool]) -> APIRouter:
    """GET /v1/decisions, /v1/decisions/{id}, /v1/prices/history.

    may_come    whether a decision that the store does not have may be there soon
    """
    clock = insight.clock
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/decisions/{decision_id}", summary="One decision explained", tags=["history"])
    async def explanation(caller: Caller, decision_id: Name) -> dict[str, Any]:
        ask = partial(asyncio.to_thread, _explained, past, decision_id, caller.namespace)
        found = await soon(ask, PAUSES_S if may_come(decision_id) else ())
        if found is None:
            raise NoSuchDecision(f"no decision {decision_id!r} is known to this key")
        return found

    @routes.get("/v1/decisions", summary="Decisions with their propensities", tags=["history"])
    async def export(
        caller: Caller,
        since: When = None,
        until: When = None,
        limit: Annotated[int, Query(ge=1, le=1_000_000)] = 1000,
        label: Literal["wanted"] | None = None,
        kind: Annotated[Literal["ndjson"], Query(alias="format")] = "ndjson",
    ) -> StreamingResponse:
        now = clock.now()
        begin, end = span_of(since, until, now)
        if label is not None:
            found = await asyncio.to_thread(
                answered, past.sought, since=begin, until=end, namespace=caller.namespace
            )
            is_open = unlabelled(past.feedback_of, insight.router.operator.is_label)
            first = islice(await ranked(insight.router, found, is_open, now), limit)
            return StreamingResponse(lines_of(first), media_type="application/x-ndjson")
        lines = _lines(past, caller.namespace, begin, end, limit)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    @routes.get(
        "/v1/prices/history", summary="Every accepted quote of a deployment", tags=["prices"]
    )
    async def prices(
        caller: Caller,
        deployment: DeploymentName,
        since: When = None,
        until: When = None,
    ) -> HistoryAnswer:
        insight.router.catalog.check(deployment)
        now = clock.now()
        begin, end = span_of(since, until, now, first=0.0, last=now + 1)
        quotes = await asyncio.to_thread(past.quotes, deployment, since=begin, until=end)
        return HistoryAnswer(data=[HistoryView.of(quote) for quote in quotes])

    return routes


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
