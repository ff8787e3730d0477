"""What the router knows, over HTTP: weights, prices, deployments, models, what-if."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from windsock.clock import Clock
from windsock.core.beliefs.beliefs import Alarm
from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.decisions import DEFAULT_TASK, RouteRequest, Shift, WeightTable
from windsock.core.model.units import Meter
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.validation import Held
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import what_if
from windsock.observability.event_bus import EventBus
from windsock.service.auth import Access, Principal, credential_of
from windsock.service.control.schemas.weights import (
    AlarmsAnswer,
    AlarmView,
    DeploymentsAnswer,
    DeploymentView,
    HeldView,
    Lesson,
    LessonAnswer,
    PricesAnswer,
    PriceView,
    QuarantineAnswer,
    Ruling,
    RulingAnswer,
    RungView,
    Undo,
    WeightsAnswer,
    WeightsView,
    WhatIf,
    WhatIfAnswer,
    WhatIfView,
    numbers,
    shift_view,
    usd_per_unit,
)

Rule = Callable[[str, str], list[Shift]]
"""(deployment, feed) of a held quote -> what came of ruling on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What the inspection calls look at."""

    router: Router
    clock: Clock
    access: Access
    events: EventBus
    approve: Rule
    reject: Rule
    publish: Callable[[Shift], None]
    table_at: Callable[[str, str, str, float], Awaitable[WeightTable | None]]


def allowed(access: Access, clock: Clock, scope: str) -> Callable[[Request], Principal]:
    """A dependency that admits callers with this scope."""

    def admit(request: Request) -> Principal:
        headers = request.headers
        credential = credential_of(headers.get("authorization"), headers.get("x-api-key"))
        return access.admit(credential, scope, clock.now())

    return admit


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
        return {"object": "list", "data": [_model(router, name, now) for name in names]}

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
        return PricesAnswer(data=[_price(router, name, clock.now()) for name in names])

    @routes.get("/v1/prices/quarantine", tags=["prices"])
    async def quarantine(caller: Caller) -> QuarantineAnswer:
        return QuarantineAnswer(data=[_held(held) for held in router.book.held()])

    @routes.post("/v1/prices/quarantine/approve", tags=["prices"])
    async def approve(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.approve(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[shift_view(shift) for shift in shifts])

    @routes.post("/v1/prices/quarantine/reject", tags=["prices"])
    async def reject(caller: Admin, ruling: Ruling) -> RulingAnswer:
        shifts = insight.reject(ruling.deployment, ruling.feed)
        return RulingAnswer(events=[shift_view(shift) for shift in shifts])

    @routes.get("/v1/deployments", tags=["inspect"])
    async def deployments(caller: Caller) -> DeploymentsAnswer:
        now = clock.now()
        return DeploymentsAnswer(
            data=[_deployment(router, name, now) for name in router.catalog.deployments]
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
        return AlarmsAnswer(data=[_alarm(each) for each in mine])

    @routes.post("/v1/alarms/undo", tags=["inspect"])
    async def undo(caller: Admin, asked: Undo) -> RulingAnswer:
        shifts = router.undo_alarm(caller.namespace, asked.route, asked.deployment, clock.now())
        for shift in shifts:
            insight.publish(shift)
        return RulingAnswer(events=[shift_view(shift) for shift in shifts])

    @routes.post("/v1/learn", tags=["inspect"])
    async def learn(caller: Admin, lesson: Lesson) -> LessonAnswer:
        results = [PastResult(**result.model_dump()) for result in lesson.results]
        number = router.teach(
            caller.namespace, lesson.route, results, strength=lesson.strength, now=clock.now()
        )
        return LessonAnswer(lesson=number, taught=len(results))

    @routes.delete("/v1/learn/{lesson}", tags=["inspect"])
    async def unlearn(caller: Admin, lesson: int) -> LessonAnswer:
        return LessonAnswer(lesson=lesson, taught=router.unteach(lesson))

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
        tasks = sorted(cell.task for cell in seen if cell.route == name)
        pairs += [(name, each) for each in tasks or [DEFAULT_TASK]]
    return pairs


async def _weight_events(events: EventBus, namespace: str) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    async for event in events.stream():
        if isinstance(event, WeightTable) and event.cell.namespace == namespace:
            body = orjson.dumps(WeightsView.of(event).model_dump())
            yield b"event: weights\ndata: " + body + b"\n\n"
        elif isinstance(event, Shift):
            yield b"event: " + event.kind.encode() + b"\ndata: "
            yield orjson.dumps(shift_view(event), default=str) + b"\n\n"


def _weights(router: Router, table: WeightTable) -> WeightsView:
    """A table of now, with what is known of each candidate besides it."""
    view = WeightsView.of(table)
    for candidate in view.candidates:
        lean = router.beliefs.lean(table.cell, candidate.deployment)
        candidate.prior = lean.source if lean else None
        candidate.drift = router.beliefs.drift(table.cell, candidate.deployment)
        candidate.feedback_rate = router.feedback_rate(table.cell, candidate.deployment)
    policy = router.resolve(RouteRequest(model=table.cell.route)).policy
    if isinstance(policy, PriceAware):
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


def _model(router: Router, name: str, now: float) -> dict[str, Any]:
    """OpenAI's minimum and OpenRouter's `pricing`, for a route or a deployment."""
    deployment = router.catalog.deployments.get(name)
    model: dict[str, Any] = {"id": name, "object": "model", "created": 0, "owned_by": "windsock"}
    if deployment is None:
        candidates = router.routes[name].candidates
        return {**model, "name": f"route {name}", "candidates": list(candidates)}
    has = deployment.capabilities
    prices = router.book.prices(name, now) or {}
    return {
        **model,
        "owned_by": deployment.provider,
        "name": deployment.model,
        "context_length": has.context_tokens,
        "architecture": {
            "input_modalities": [
                "text",
                *["image"] * bool(has.vision),
                *["audio"] * bool(has.audio),
            ],
            "output_modalities": ["text"],
        },
        "pricing": {
            "prompt": usd_per_unit(prices.get(Meter.INPUT)),
            "completion": usd_per_unit(prices.get(Meter.OUTPUT)),
            "input_cache_read": usd_per_unit(prices.get(Meter.CACHE_READ)),
            "request": usd_per_unit(prices.get(Meter.REQUEST)),
        },
    }


def _price(router: Router, name: str, now: float) -> PriceView:
    status = router.book.status(name, now)
    quote = status.quote
    if quote is None:
        return PriceView(deployment=name, is_priced=False, reason=status.reason)
    return PriceView(
        deployment=name,
        is_priced=True,
        reason=None,
        feed=quote.feed,
        feed_model=quote.feed_model,
        quoted_at=quote.quoted_at,
        seen_at=quote.seen_at,
        age_s=status.age_s,
        is_stale=status.is_stale,
        uncertainty=status.uncertainty,
        usd_per_mtok=numbers(router.book.prices(name, now) or {}),
        has_tiers=bool(quote.tiers),
        has_windows=bool(quote.windows),
    )


def _alarm(alarm: Alarm) -> AlarmView:
    return AlarmView(
        route=alarm.route,
        deployment=alarm.deployment,
        mode=alarm.mode.value,
        statistic=alarm.statistic,
        tasks=list(alarm.tasks),
    )


def _held(held: Held) -> HeldView:
    return HeldView(
        deployment=held.quote.deployment,
        feed=held.quote.feed,
        reason=held.reason,
        since=held.since,
        polls=held.polls,
        usd_per_mtok=numbers(held.quote.usd_per_mtok),
    )


def _deployment(router: Router, name: str, now: float) -> DeploymentView:
    deployment = router.catalog.deployments[name]
    health = router.health
    latency = health.latency(name, now)
    report = health.report_of(name, deployment.provider, now)
    successes, failures = health.tallies(name)
    calls = successes + failures
    until = health.cooldown_until(name)
    has = deployment.capabilities
    return DeploymentView(
        deployment=name,
        provider=deployment.provider,
        model=deployment.model,
        state=health.state_of(name, deployment.provider, now),
        why_out=health.why_out(name, deployment.provider, now),
        cooldown_until=until if until > now else None,
        reported=report.state.value if report else "unknown",
        p50_first_byte_ms=_ms(latency.p50_s),
        p95_first_byte_ms=_ms(latency.p95_s),
        latency_samples=latency.samples,
        successes=successes,
        failures=failures,
        uptime=successes / calls if calls else None,
        capabilities={
            "vision": has.vision,
            "audio": has.audio,
            "tools": has.tools,
            "json_schema": has.json_schema,
            "context_tokens": has.context_tokens,
            "max_output_tokens": has.max_output_tokens,
        },
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _times(requests: float | None, usd: float) -> float | None:
    return None if requests is None else requests * usd
