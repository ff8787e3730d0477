"""The newest requests, and those among them that somebody looks for. Never a text of theirs."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, owner_key
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.schemas.asked import DeploymentName, Name, When, span_of
from windsock.service.control.schemas.base import Answer, number

MOST_READ = 20_000
"""Requests looked through for one answer: some twentieth of a second."""

Status = Literal["ok", "failed", "open"]
Kept = Outcome | Decision
SoughtIn = Callable[..., Iterator[tuple[float, Kept | None]]]
"""When they came and what they were, by since, until, namespace and fits, newest first; None is one
that does not fit. It blocks, and raises StoreError."""


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


ENDED: Mapping[Status | None, str] = {"ok": '"ok":true', "failed": '"ok":false'}
"""What the JSON of requests that ended so holds."""


def request_routes(insight: Insight, sought_in: SoughtIn) -> APIRouter:
    """GET /v1/requests."""
    routes = APIRouter(tags=["history"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get("/v1/requests", summary="The newest requests")
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
        begin, end = span_of(since, until, insight.clock.now())
        sought = Sought(route=route, task=task, deployment=deployment, key=key, status=status)

        def found() -> RequestsAnswer:
            span = {"since": begin, "until": end, "namespace": caller.namespace}
            rows = sought_in(**span, fits=sought.fits_record, holding=ENDED.get(status, ""))
            return newest(rows, sought, begin, end, limit)

        return await asyncio.to_thread(found)

    return routes


def newest(
    rows: Iterable[tuple[float, Kept | None]],
    sought: Sought,
    since: float,
    until: float,
    limit: int,
) -> RequestsAnswer:
    """As many as are wanted of those that fit, among MOST_READ; `rows` are the newest first."""
    found: list[RequestView] = []
    looked_at = until
    for count, (at, row) in enumerate(rows):
        view = None if row is None else request_view(row)
        fits = view is not None and sought.fits(view)
        if count == MOST_READ or (fits and len(found) == limit):
            return RequestsAnswer(data=found, searched_since=looked_at, is_whole=False)
        if view is not None and fits:
            found.append(view)
        looked_at = at
    return RequestsAnswer(data=found, searched_since=since, is_whole=True)


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
