"""The parts of a service, connected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from fastapi import FastAPI
from sqlalchemy import Engine

from windsock.app.background.health_probes import FREE_PROBE_S, ProbeRules, Probes
from windsock.app.background.staleness_monitor import StalenessMonitor
from windsock.app.core_parts import Core
from windsock.app.service import Service
from windsock.app.state_recovery import stored_decision
from windsock.config.settings import Settings
from windsock.core.model.decisions import WeightTable
from windsock.core.model.rewards import OpenDecision
from windsock.core.routing.router import Router
from windsock.feeds.poller import Poller
from windsock.observability import log
from windsock.observability.webhooks import Hook, Webhooks
from windsock.providers.http1_transport import DirectCaller
from windsock.providers.prompt_embedding import Embedder
from windsock.providers.transport import Caller, Endpoint
from windsock.providers.upstream import Upstream
from windsock.service.auth import Access
from windsock.service.control.access_check import Insight
from windsock.service.control.app import Lifespan, create_app
from windsock.service.control.dashboard import Dashboard, dashboard_routes
from windsock.service.control.history_routes import history_routes
from windsock.service.control.metrics import Metrics, Tallies
from windsock.service.control.weights_routes import insight_routes
from windsock.service.execution.completion import Completion
from windsock.service.execution.executor import RequestExecutor
from windsock.service.feedback_inbox import FeedbackInbox, FindStored
from windsock.service.gateway.admission import LimitRules, Limits
from windsock.service.gateway.asgi import DataPlane
from windsock.service.gateway.asgi import Endpoint as PathEndpoint
from windsock.service.gateway.endpoints import Meaning, OpenAICalls
from windsock.service.gateway.feedback_endpoint import FeedbackEndpoint
from windsock.service.gateway.redis_cache import RedisCache
from windsock.service.gateway.response_cache import CacheBackend, MemoryCache, ResponseCache
from windsock.service.gateway.translation import spoken
from windsock.store import queries
from windsock.wire.formats.anthropic_messages import Messages, TokenCount
from windsock.wire.formats.openai_responses import Responses


def with_edges(core: Core, settings: Settings, upstreams: Mapping[str, Upstream]) -> Service:
    """The service around the core."""
    router, clock, engine = core.router, core.clock, core.engine
    readiness, tallies, caller = core.readiness, Tallies(), DirectCaller()
    limits, cache = _limits(settings, router), _cache_of(settings)
    dashboard = Dashboard(router, clock)
    access = Access(mode=settings.server.keys, admin_token=settings.server.admin_token)
    feedbacks = FeedbackInbox(
        router=router, clock=clock, append=core.ledger.append, find=_finder(engine)
    )
    service = Service(
        settings=settings,
        clock=clock,
        engine=engine,
        ledger=core.ledger,
        router=router,
        intake=core.intake,
        poller=core.poller,
        driver=_driver(core, upstreams, feedbacks, tallies, caller),
        feedbacks=feedbacks,
        access=access,
        events=core.events,
        readiness=readiness,
        is_restored=core.is_restored,
        limits=limits,
        cache=cache,
        dashboard=dashboard,
        vigil=StalenessMonitor(
            router=router,
            poller=core.poller,
            clock=clock,
            publish=core.intake.publish,
            nearest=core.intake.nearest,
        ),
        webhooks=Webhooks(
            (Hook(url=h.url, secret=h.secret, events=h.events) for h in settings.webhooks), clock
        ),
    )
    core.events.listeners += [dashboard.on_event, service.webhooks.on_event, tallies.on_event]
    probes = _probes(service, settings)
    service.on_second.append(probes.look)
    service.on_stop.append(probes.stop)
    insight = _insight(core, access)
    app = create_app(
        router=router,
        clock=clock,
        readiness=readiness,
        metrics=Metrics(router, clock, tallies, limits, cache.tally if cache else None),
        parts=[
            insight_routes(insight),
            history_routes(insight, engine),
            dashboard_routes(dashboard, access, clock),
        ],
        lifespan=_lifespan(service),
    )
    service.app = DataPlane(
        app,
        _endpoints(service, settings, limits, caller),
        max_body_bytes=int(settings.server.max_body_mb * 1024 * 1024),
        memory=limits,
    )
    return service


def _probes(service: Service, settings: Settings) -> Probes:
    health = settings.health
    rules = ProbeRules(
        free_s=FREE_PROBE_S if health.free_probes else None,
        paid_s=health.paid_probe_every if health.paid_probes else None,
    )
    return Probes(
        router=service.router,
        driver=service.driver,
        clock=service.clock,
        publish=service.intake.on_shift,
        rules=rules,
    )


def _driver(
    core: Core,
    upstreams: Mapping[str, Upstream],
    feedbacks: FeedbackInbox,
    tallies: Tallies,
    caller: Caller,
) -> RequestExecutor:
    completion = Completion(
        router=core.router,
        ledger=core.ledger,
        events=core.events,
        feedbacks=feedbacks,
        on_shift=core.intake.on_shift,
        count=tallies.count,
    )
    return RequestExecutor(
        router=core.router,
        upstreams=upstreams,
        caller=caller,
        clock=core.clock,
        finished=completion.finish,
    )


def _calls(service: Service, settings: Settings, caller: Caller) -> OpenAICalls:
    return OpenAICalls(
        executor=service.driver,
        router=service.router,
        clock=service.clock,
        access=service.access,
        feedbacks=service.feedbacks,
        keep_decision=service.ledger.append,
        on_unpriced=lambda: _refresh(service.vigil, service.poller),
        cache=service.cache,
        with_features=any(route.segments or route.classify for route in settings.routes.values()),
        meaning=_meaning(settings, caller),
    )


def _meaning(settings: Settings, caller: Caller) -> Meaning | None:
    asked = settings.embeddings
    if asked is None:
        return None
    headers = {"authorization": f"Bearer {asked.api_key}"} if asked.api_key else {}
    endpoint = Endpoint(base_url=asked.base_url.rstrip("/"), headers=headers)
    embedder = Embedder(
        caller=caller, endpoint=endpoint, model=asked.model, timeout_s=asked.timeout
    )
    return embedder.numbers


def _endpoints(
    service: Service, settings: Settings, limits: Limits, caller: Caller
) -> dict[str, PathEndpoint]:
    """The data plane's calls; those that call providers pass the door."""
    calls = _calls(service, settings, caller)
    chat = limits.guarded(calls.chat)
    return {
        "/v1/chat/completions": chat,
        "/chat/completions": chat,
        "/v1/messages": spoken(chat, Messages),
        "/v1/messages/count_tokens": spoken(calls.count, TokenCount),
        "/v1/responses": spoken(chat, Responses),
        "/v1/embeddings": limits.guarded(calls.embed),
        "/v1/route": calls.route,
        "/v1/feedback": FeedbackEndpoint(
            access=service.access, feedbacks=service.feedbacks, clock=service.clock
        ),
    }


def _limits(settings: Settings, router: Router) -> Limits:
    server = settings.server
    rules = LimitRules(
        max_concurrent=server.max_concurrent,
        max_waiting=server.max_waiting,
        wait_s=server.queue_timeout,
        max_bytes=int(server.max_inflight_mb * 1024 * 1024),
    )
    return Limits(rules, capacity=router.availability.capacity)


def _insight(core: Core, access: Access) -> Insight:
    async def table_at(namespace: str, route: str, task: str, at: float) -> WeightTable | None:
        return await asyncio.to_thread(queries.table_at, core.engine, namespace, route, task, at)

    return Insight(
        router=core.router,
        clock=core.clock,
        access=access,
        events=core.events,
        approve=core.intake.approve,
        reject=core.intake.reject,
        publish=core.intake.publish,
        table_at=table_at,
    )


def _finder(engine: Engine) -> FindStored:
    async def find(name: str, namespace: str) -> OpenDecision | None:
        return await asyncio.to_thread(stored_decision, engine, name, namespace)

    return find


def _lifespan(service: Service) -> Lifespan:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    return lifespan


def _cache_of(settings: Settings) -> ResponseCache | None:
    cache = settings.cache
    if not cache.enabled:
        return None
    backend: CacheBackend = MemoryCache(max_bytes=int(cache.max_mb * 1024 * 1024))
    if cache.url is not None:
        backend = RedisCache(cache.url, on_trouble=_cache_trouble)
    return ResponseCache(backend, ttl_s=cache.ttl)


def _cache_trouble(error: str) -> None:
    log.event_log().warning("cache.failed", error=error)


def _refresh(vigil: StalenessMonitor, poller: Poller) -> None:
    """Somebody asked for what has no price: look at the price feeds again, once a minute."""
    if vigil.wants_refresh():
        for definition in poller.definitions():
            if definition.kind == "price":
                poller.poll_soon(definition.id)
