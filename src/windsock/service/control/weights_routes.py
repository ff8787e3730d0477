"""What the router knows, over HTTP: weights, prices, deployments, models, what-if."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import DEFAULT_TASK, RouteRequest
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import what_if
from windsock.observability.event_bus import EventBus
from windsock.observability.event_view import event_view
from windsock.service.auth import Principal
from windsock.service.control.access_check import Insight, allowed
from windsock.service.control.deployment_routes import deployment_view, model_view
from windsock.service.control.learning_routes import alarm_view
from windsock.service.control.price_routes import held_view, price_view
from windsock.service.control.schemas.admin import (
    AlarmsAnswer,
    DeploymentsAnswer,
    Lesson,
    LessonAnswer,
    Undo,
)
from windsock.service.control.schemas.prices import (
    PricesAnswer,
    QuarantineAnswer,
    Ruling,
    RulingAnswer,
)
from windsock.service.control.schemas.weights import (
    RungView,
    WeightsAnswer,
    WeightsView,
    WhatIf,
    WhatIfAnswer,
    WhatIfView,
)


def insight_routes(insight: Insight) -> APIRouter:
    """GET /v1/models, /v1/weights, /v1/prices, /v1/deployments; POST /v1/whatif."""
    router, clock = insight.router, insight.clock
    reader = allowed(insight.access, clock, "read")
    admin = allowed(insight.access, clock, "admin")
    routes = APIRouter()
    Caller = Annotated[Principal, Depends(reader)]  # noqa: N806
    Admin = Annotated[Principal, Depends(admin)]  # noqa: N806

    @routes.get("/v1/models", tags=["inspect"])
    def models(caller: Caller) -> dict[str, Any]:
        now = clock.now()
        names = [*router.routes, *router.catalog.deployments]
        return {"object": "list", "data": [model_view(router, name, now) for name in names]}

    @routes.get("/v1/weights", tags=["inspect"])
    async def weights(
        caller: Caller,
        route: str | None = None,
        task: str | None = None,
        at: float | None = None,
        ladder: bool = False,
    ) -> WeightsAnswer:
        now = clock.now()
        pairs = _asked(router, caller.namespace, route, task)
        if at is not None:
            past = [await insight.table_at(caller.namespace, *pair, at) for pair in pairs]
            return WeightsAnswer(data=[WeightsView.of(table) for table in past if table])
        tables = [router.table(caller.namespace, *pair, now) for pair in pairs]
        views = [_weights(router, table) for table in tables]
        if ladder:
            for view, table in zip(views, tables, strict=True):
                view.ladder = _ladder(router, table, now)
        return WeightsAnswer(data=views)

    @routes.get("/v1/weights/stream", tags=["inspect"])
    async def stream(caller: Caller) -> StreamingResponse:
        events = _weight_events(insight.events, caller.namespace)
        return StreamingResponse(events, media_type="text/event-stream")

    @routes.get("/v1/prices", tags=["prices"])
    async def prices(caller: Caller, deployment: str | None = None) -> PricesAnswer:
        names = [deployment] if deployment else list(router.catalog.deployments)
        return PricesAnswer(data=[price_view(router, name, clock.now()) for name in names])

    @routes.get("/v1/prices/quarantine", tags=["prices"])
    async def quarantine(caller: Caller) -> QuarantineAnswer:
        return QuarantineAnswer(data=[held_view(held) for held in router.book.held()])

    @routes.post("/v1/prices/quarantine/approve", tags=["prices"])
    async def approve(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.approve(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.post("/v1/prices/quarantine/reject", tags=["prices"])
    async def reject(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.reject(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.get("/v1/deployments", tags=["inspect"])
    async def deployments(caller: Caller) -> DeploymentsAnswer:
        now = clock.now()
        return DeploymentsAnswer(
            data=[deployment_view(router, name, now) for name in router.catalog.deployments]
        )

    @routes.post("/v1/whatif", tags=["inspect"])
    async def whatif(
        caller: Caller, asked: WhatIf, requests_per_day: Annotated[float | None, Query()] = None
    ) -> WhatIfAnswer:
        now = clock.now()
        pairs = _asked(router, caller.namespace, asked.route, asked.task)
        found = [
            what_if(router, caller.namespace, name, task, asked.prices, now) for name, task in pairs
        ]
        return WhatIfAnswer(
            data=[
                WhatIfView(
                    route=name,
                    task=task,
                    weights_now=result.weights_now,
                    weights_then=result.weights_then,
                    usd_per_request_now=result.usd_now,
                    usd_per_request_then=result.usd_then,
                    requests_per_day=requests_per_day,
                    daily_bill_now_usd=_times(requests_per_day, result.usd_now),
                    daily_bill_then_usd=_times(requests_per_day, result.usd_then),
                )
                for (name, task), result in zip(pairs, found, strict=True)
            ]
        )

    @routes.get("/v1/alarms", tags=["inspect"])
    async def alarms(caller: Caller) -> AlarmsAnswer:
        mine = [a for a in router.beliefs.alarms() if a.namespace == caller.namespace]
        return AlarmsAnswer(data=[alarm_view(each) for each in mine])

    @routes.post("/v1/alarms/undo", tags=["inspect"])
    async def undo(caller: Admin, asked: Undo) -> RulingAnswer:
        shifts = router.operator.undo_alarm(
            caller.namespace, asked.route, asked.deployment, clock.now()
        )
        for shift in shifts:
            insight.publish(shift)
        return RulingAnswer(events=[event_view(shift) for shift in shifts])

    @routes.post("/v1/learn", tags=["inspect"])
    async def learn(caller: Admin, lesson: Lesson) -> LessonAnswer:
        results = [PastResult(**result.model_dump()) for result in lesson.results]
        number = router.operator.teach(
            caller.namespace, lesson.route, results, strength=lesson.strength, now=clock.now()
        )
        return LessonAnswer(lesson=number, taught=len(results))

    @routes.delete("/v1/learn/{lesson}", tags=["inspect"])
    async def unlearn(caller: Admin, lesson: int) -> LessonAnswer:
        return LessonAnswer(lesson=lesson, taught=router.operator.unteach(lesson))

    return routes


def _asked(
    router: Router, namespace: str, route: str | None, task: str | None
) -> list[tuple[str, str]]:
    """(route, task) pairs: those named, else all that were seen."""
    names = [route] if route else list(router.routes)
    if task:
        return [(name, task) for name in names]
    seen = {cell for cell in router.tables.cells() if cell.namespace == namespace}
    pairs = []
    for name in names:
        tasks = sorted(cell.name for cell in seen if cell.route == name)
        pairs += [(name, each) for each in tasks or [DEFAULT_TASK]]
    return pairs


async def _weight_events(events: EventBus, namespace: str) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    async for event in events.stream():
        if isinstance(event, WeightTable) and event.cell.namespace == namespace:
            body = orjson.dumps(WeightsView.of(event).model_dump())
            yield b"event: weights\ndata: " + body + b"\n\n"
        elif isinstance(event, Event):
            yield b"event: " + event.kind.encode() + b"\ndata: "
            yield orjson.dumps(event_view(event), default=str) + b"\n\n"


def _weights(router: Router, table: WeightTable) -> WeightsView:
    """A table of now, with what is known of each candidate besides it."""
    view = WeightsView.of(table)
    for candidate in view.candidates:
        lean = router.beliefs.lean(table.cell, candidate.deployment)
        candidate.prior = lean.source if lean else None
        candidate.drift = router.beliefs.drift(table.cell, candidate.deployment)
        candidate.feedback_rate = router.feedback_rate(table.cell, candidate.deployment)
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


def _times(requests: float | None, usd: float) -> float | None:
    return None if requests is None else requests * usd
