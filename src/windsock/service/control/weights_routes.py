"""Weights over HTTP: now, in the past, as a stream, and under imagined prices."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query

from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import DEFAULT_TASK, RouteRequest
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import WhatIfResult, what_if, what_if_it_goes_on
from windsock.errors import BadRequest
from windsock.observability.event_bus import EventBus
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight
from windsock.service.control.reporting.knowing import Costs
from windsock.service.control.reporting.spending import RecentSpending
from windsock.service.control.schemas.asked import Count, DeploymentName, Name, Tokens, When, when
from windsock.service.control.schemas.known import CheckView, basis_of, source_views
from windsock.service.control.schemas.streams import EventStream
from windsock.service.control.schemas.weights import (
    RungView,
    WeightsAnswer,
    WeightsView,
    WhatIf,
    WhatIfAnswer,
    WhatIfView,
)

MOST_CELLS = 100
"""Tasks of routes that are told where nobody asks for more: each may have to be solved, 2 ms."""

Cells = Annotated[int, Query(ge=1, le=10_000)]


def weights_routes(insight: Insight, recent: RecentSpending) -> APIRouter:
    """GET /v1/weights, /v1/weights/stream; POST /v1/whatif."""
    router, clock = insight.router, insight.clock
    routes = APIRouter(tags=["inspect"])
    Caller = Annotated[Principal, Depends(insight.allowed("read"))]  # noqa: N806

    @routes.get(
        "/v1/weights", summary="Exact probabilities of the next request, now or at a past time"
    )
    async def weights(
        caller: Caller,
        route: DeploymentName | None = None,
        task: Name | None = None,
        at: When = None,
        ladder: bool = False,
        tokens: Tokens = 0,
        limit: Cells = MOST_CELLS,
    ) -> WeightsAnswer:
        now = clock.now()
        pairs, others = _asked(router, caller.namespace, route, task, limit)
        if at is not None:
            then = when(at, now, param="at", otherwise=now)
            past = [await insight.table_at(caller.namespace, *pair, then) for pair in pairs]
            told = [WeightsView.of(table) for table in past if table]
            return WeightsAnswer(data=told, others=others)
        costs, views = Costs(router, await recent.of(caller.namespace), now), []
        for pair in pairs:
            table = router.table(caller.namespace, *pair, now, prompt_tokens=tokens)
            view = _weights(router, table)
            for each in view.candidates:
                each.knowing = costs.at(table.cell, each.deployment)
            if ladder:
                view.ladder = _ladder(router, table, now)
            views.append(view)
            await asyncio.sleep(0)  # cells by the hundred: requests go between
        return WeightsAnswer(data=views, others=others)

    @routes.get("/v1/weights/stream", summary="New weights and events, as they come")
    async def stream(
        caller: Caller, route: DeploymentName | None = None, task: Name | None = None
    ) -> EventStream:
        if route:
            route = router.resolve(RouteRequest(model=route)).name
        events = _weight_events(insight.events, caller.namespace, route, task)
        return EventStream(events)

    @routes.post("/v1/whatif", summary="The next split under other prices, floors or budget")
    async def whatif(
        caller: Caller,
        asked: WhatIf,
        requests_per_day: Count | None = None,
    ) -> WhatIfAnswer:
        now, data = clock.now(), []
        pairs, _ = _asked(router, caller.namespace, asked.route, asked.task, sys.maxsize)
        for route, task in pairs:
            found = _imagined(router, caller.namespace, route, task, asked, now)
            data.append(_what_if_view(route, task, found, requests_per_day))
            await asyncio.sleep(0)
        return WhatIfAnswer(data=data)

    return routes


def _imagined(
    router: Router, namespace: str, route: str, task: str, asked: WhatIf, now: float
) -> WhatIfResult:
    """For any request of a task, or for the next turn of the conversation that is named."""
    if asked.conversation is None:
        return what_if(router, namespace, route, task, asked.prices, now, asked.aims())
    if asked.aims().stated():
        raise BadRequest("conversation: only prices are imagined of one", param="conversation")
    request = RouteRequest(
        model=route, namespace=namespace, task=task, session_id=asked.conversation
    )
    return what_if_it_goes_on(router, request, asked.prices, now)


def _asked(
    router: Router, namespace: str, route: str | None, task: str | None, most: int
) -> tuple[list[tuple[str, str]], int]:
    """(route, task) pairs: those named, else those seen that are busiest; how many others are."""
    names = [route] if route else list(router.routes)
    if task:
        return [(name, task) for name in names], 0
    cells = router.tables.busiest(namespace, names)
    seen, pairs = {cell.route for cell in cells}, []
    for name in names:
        tasks = sorted(cell.name for cell in cells[:most] if cell.route == name)
        pairs += [(name, each) for each in (tasks if name in seen else [DEFAULT_TASK])]
    return pairs, max(0, len(cells) - most)


async def _weight_events(
    events: EventBus, namespace: str, route: str | None, task: str | None
) -> AsyncIterator[bytes]:
    """What happens, and new weights, of one route or task if they are named."""

    def is_shown(event: Event | WeightTable) -> bool:
        if isinstance(event, Event):
            return event.namespace in (None, namespace)
        cell = event.cell
        is_asked = cell.route == (route or cell.route) and cell.name == (task or cell.name)
        return is_asked and cell.namespace == namespace

    yield b": connected\n\n"
    async for event in events.stream(is_shown):
        yield _sent(event)


def _sent(event: Event | WeightTable) -> bytes:
    """As a server-sent event."""
    if isinstance(event, Event):
        kind, body = event.kind.encode(), orjson.dumps(event_view(event), default=str)
    else:
        kind, body = b"weights", orjson.dumps(WeightsView.of(event).model_dump())
    return b"event: " + kind + b"\ndata: " + body + b"\n\n"


def _weights(router: Router, table: WeightTable) -> WeightsView:
    """A table of now, with what is known of each candidate besides it."""
    view = WeightsView.of(table)
    for candidate in view.candidates:
        lean = router.beliefs.published.lean(table.cell.name, candidate.deployment)
        candidate.prior = lean.source if lean else None
        candidate.drift = router.beliefs.drift(table.cell, candidate.deployment)
        candidate.feedback_rate = router.feedback_rate(table.cell, candidate.deployment)
        known = router.operator.how_known(table.cell, candidate.deployment)
        belief = router.beliefs.summary(table.cell, candidate.deployment)
        candidate.check = CheckView.of(known)
        candidate.sources = source_views(known)
        candidate.basis = basis_of(known, belief, is_lent=lean is not None)
    policy = router.resolve(RouteRequest(model=table.cell.route)).policy
    view.segment = policy.segment_words(table.cell) or None
    return view


def _ladder(router: Router, table: WeightTable, now: float) -> list[RungView]:
    """The live price-quality frontier, from cheapest to best."""
    rungs = []
    names, ladder = router.ladder(table.cell, now)
    for rung in ladder:
        weights = zip(names, rung.weights.tolist(), strict=True)
        is_bounded = rung.value_usd != float("inf")
        rungs.append(
            RungView(
                value_usd=rung.value_usd if is_bounded else None,
                expected_usd=rung.usd,
                expected_success=rung.success,
                weights=dict(weights),
            )
        )
    return rungs


def _what_if_view(
    route: str, task: str, found: WhatIfResult, requests_per_day: float | None
) -> WhatIfView:
    return WhatIfView(
        route=route,
        task=task,
        weights_now=found.weights_now,
        weights_then=found.weights_then,
        usd_per_request_now=found.usd_now,
        usd_per_request_then=found.usd_then,
        success_now=found.success_now,
        success_then=found.success_then,
        note_then=found.note_then,
        requests_per_day=requests_per_day,
        daily_bill_now_usd=_times(requests_per_day, found.usd_now),
        daily_bill_then_usd=_times(requests_per_day, found.usd_then),
    )


def _times(requests: float | None, usd: float) -> float | None:
    return None if requests is None else requests * usd
