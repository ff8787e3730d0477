"""The newest requests, and those among them that somebody looks for. Never a text of theirs."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, owner_key
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.asked import DeploymentName, Name, When, when
from windsock.service.control.schemas.base import Answer, number

DAY_S = 86_400.0
FIRST_SPAN_S = 8.0
MOST_READ = 20_000
"""Requests looked through for one answer: a tenth of a second or two."""

Status = Literal["ok", "failed", "open"]
Kept = Outcome | Decision
SoughtIn = Callable[..., Iterator[Kept | None]]
"""By since, until, limit, namespace and fits, oldest first; it blocks, and raises StoreError."""


class RequestView(Answer):
    """One request. Its decision explains it: /v1/decisions/{decision_id}."""

    decision_id: str
    at: float
    route: str
    task: str
    key: str | None = Field(description="public id; null: none was needed")
    requested_model: str
    deployment: str = Field(description="the one drawn")
    served: str | None
    status: Status = Field(description="open: not ended yet, or handed out by /v1/route")
    attempts: int | None
    cost_usd: float | None
    latency_s: float | None


class RequestsAnswer(Answer):
    """Newest first.

    searched_since  unix s; from here on every request was looked at
    is_whole        all of the time asked for was, and all that fit are here
    """

    data: list[RequestView]
    searched_since: float
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a request must be; None is anything. deployment: drawn, or the one that answered."""

    route: str | None
    task: str | None
    deployment: str | None
    key: str | None
    status: Status | None

    def fits(self, view: RequestView) -> bool:
        """True if it is one of those."""
        return self._fits(
            view.route, view.task, view.deployment, view.served, view.key, view.status
        )

    def fits_record(self, record: Mapping[str, Any]) -> bool:
        """The same of a request as JSON, of which only names are known."""
        decision = record.get("decision", record)
        _, route, task, *segment = decision["cell"]
        is_open = "decision" not in record
        return self._fits(
            route,
            Cell("", route, task, *segment).name,
            decision["deployment"],
            record.get("served"),
            _owner(decision.get("key_id")),
            "open" if is_open else status_of(record["ok"]),
        )

    def _fits(
        self, route: str, task: str, drawn: str, served: str | None, key: str | None, status: Status
    ) -> bool:
        return (
            self.route in (None, route)
            and self.task in (None, task)
            and self.deployment in (None, drawn, served)
            and self.key in (None, key)
            and self.status in (None, status)
        )


def request_routes(insight: Insight, sought_in: SoughtIn) -> APIRouter:
    """GET /v1/requests."""
    routes = APIRouter(tags=["history"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/requests")
    async def requests(
        caller: Caller,
        since: When = None,
        until: When = None,
        route: DeploymentName | None = None,
        task: Name | None = None,
        deployment: DeploymentName | None = None,
        key: Name | None = None,
        status: Status | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> RequestsAnswer:
        now = insight.clock.now()
        end = when(until, now, param="until", otherwise=now)
        begin = when(since, now, param="since", otherwise=end - DAY_S)
        sought = Sought(route=route, task=task, deployment=deployment, key=key, status=status)

        def read(since: float, until: float, limit: int) -> list[Kept | None]:
            span = {"since": since, "until": until, "limit": limit}
            fits = sought.fits_record
            return list(sought_in(**span, namespace=caller.namespace, fits=fits))

        return await asyncio.to_thread(newest, read, sought, begin, end, limit)

    return routes


def newest(
    read: Callable[[float, float, int], Sequence[Kept | None]],
    sought: Sought,
    since: float,
    until: float,
    limit: int,
) -> RequestsAnswer:
    """Looks back from `until` over spans that double while little is found.

    A span that holds more than may still be read is looked at in parts. None stands for a request
    that is none of those.
    """
    found: list[RequestView] = []
    span, left, end = FIRST_SPAN_S, MOST_READ, until
    while end > since and len(found) < limit and left > 0:
        begin = max(since, end - span)
        rows = read(begin, end, left + 1)
        if len(rows) > left and span > 1e-3:
            span /= 8
            continue
        views = (request_view(row) for row in reversed(rows) if row is not None)
        found += (view for view in views if sought.fits(view))
        left, end, span = left - len(rows), begin, span * 2
    return RequestsAnswer(
        data=found[:limit], searched_since=end, is_whole=end <= since and len(found) <= limit
    )


def request_view(row: Kept) -> RequestView:
    """A request as it stands in the ledger."""
    decision = row.decision if isinstance(row, Outcome) else row
    return RequestView(
        decision_id=decision.id,
        at=decision.at,
        route=decision.cell.route,
        task=decision.cell.name,
        key=_owner(decision.key_id),
        requested_model=decision.requested_model,
        deployment=decision.deployment,
        **_ended(row, decision.at),
    )


def _owner(key_id: str | None) -> str | None:
    return None if key_id is None else owner_key(key_id)


def status_of(is_ok: bool) -> Status:
    """Of a request that ended."""
    return "ok" if is_ok else "failed"


def _ended(row: Kept, began_at: float) -> dict[str, Any]:
    if not isinstance(row, Outcome):
        unknown = dict.fromkeys(("served", "attempts", "cost_usd", "latency_s"))
        return {**unknown, "status": "open"}
    return {
        "served": row.served,
        "status": status_of(row.ok),
        "attempts": len(row.results),
        "cost_usd": number(row.cost_usd),
        "latency_s": row.finished_at - began_at,
    }
