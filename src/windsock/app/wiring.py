"""The parts of a service, connected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import partial

from fastapi import FastAPI
from sqlalchemy import Engine

from windsock.app.background.config_reload import ReloadTarget
from windsock.app.background.health_probes import FREE_PROBE_S, ProbeRules, Probes
from windsock.app.background.housekeeping import Housekeeping
from windsock.app.background.staleness_monitor import StalenessMonitor
from windsock.app.core_parts import Core, restore_again
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
from windsock.service.control.deployment_routes import deployment_routes
from windsock.service.control.history_routes import History, history_routes
from windsock.service.control.learning_routes import learning_routes
from windsock.service.control.metrics import Metrics, Tallies
from windsock.service.control.price_routes import price_routes
from windsock.service.control.weights_routes import weights_routes
from windsock.service.execution.completion import Completion
from windsock.service.execution.executor import RequestExecutor
from windsock.service.feedback_inbox import FeedbackInbox, FindStored
from windsock.service.gateway.admission import LimitRules, Limits
from windsock.service.gateway.asgi import DataPlane
from windsock.service.gateway.asgi import Endpoint as PathEndpoint
from windsock.service.gateway.endpoints import Meaning, OpenAICalls
from windsock.service.gateway.redis_cache import RedisCache
from windsock.service.gateway.response_cache import CacheBackend, MemoryCache, ResponseCache
from windsock.service.gateway.translation import spoken
from windsock.store import queries
from windsock.wire.formats.anthropic_messages import Messages, TokenCount
from windsock.wire.formats.openai_responses import Responses


def with_edges(core: Core, settings: Settings, upstreams: Mapping[str, Upstream]) -> Service:
    """The service around the core."""
    tallies, caller, limits = Tallies(), DirectCaller(), _limits(settings, core.router)
    feedbacks = FeedbackInbox(
        router=core.router,
        clock=core.clock,
        append=core.ledger.append,
        find=_finder(core.engine),
    )
    executor = _executor(core, upstreams, feedbacks, tallies, caller)
    service = _service(core, settings, executor, feedbacks, limits)
    staleness = _staleness(core)
    probes = _probes(core, settings, executor)
    service.housekeeping.on_second += [service.dashboard.sample, staleness.check, probes.check]
    service.on_stop.append(probes.stop)
    core.events.listeners += [
        service.dashboard.on_event,
        service.webhooks.on_event,
        tallies.on_event,
    ]
    calls = _calls(service, settings, caller, staleness)
    service.app = DataPlane(
        _control_plane(service, tallies, limits),
        _endpoints(calls, limits),
        max_body_bytes=int(settings.server.max_body_mb * 1024 * 1024),
        memory=limits,
    )
    return service


def _service(
    core: Core,
    settings: Settings,
    executor: RequestExecutor,
    feedbacks: FeedbackInbox,
    limits: Limits,
) -> Service:
    """Without its application."""
    access = Access(mode=settings.server.keys, admin_token=settings.server.admin_token)
    hooks = (Hook(url=h.url, secret=h.secret, events=h.events) for h in settings.webhooks)
    return Service(
        clock=core.clock,
        engine=core.engine,
        ledger=core.ledger,
        router=core.router,
        ingestion=core.ingestion,
        poller=core.poller,
        executor=executor,
        feedbacks=feedbacks,
        access=access,
        events=core.events,
        readiness=core.readiness,
        cache=_cache_of(settings),
        dashboard=Dashboard(core.router, core.clock),
        webhooks=Webhooks(hooks, core.clock),
        housekeeping=_housekeeping(core, settings, access, limits),
        reloaded=ReloadTarget(
            router=core.router,
            executor=executor,
            ingestion=core.ingestion,
            poller=core.poller,
            settings=settings,
        ),
    )


def _housekeeping(core: Core, settings: Settings, access: Access, limits: Limits) -> Housekeeping:
    return Housekeeping(
        clock=core.clock,
        engine=core.engine,
        ledger=core.ledger,
        router=core.router,
        events=core.events,
        access=access,
        limits=limits,
        snapshot_every_s=settings.store.snapshot_every,
        publish=core.ingestion.publish,
        restore=partial(restore_again, core),
        is_restored=core.is_restored,
    )


def _staleness(core: Core) -> StalenessMonitor:
    return StalenessMonitor(
        router=core.router,
        poller=core.poller,
        clock=core.clock,
        publish=core.ingestion.publish,
        nearest=core.ingestion.nearest,
    )


def _control_plane(service: Service, tallies: Tallies, limits: Limits) -> FastAPI:
    """Inspection, health and the dashboard."""
    router, clock, cache = service.router, service.clock, service.cache
    insight = _insight(service)
    return create_app(
        router=router,
        clock=clock,
        readiness=service.readiness,
        metrics=Metrics(router, clock, tallies, limits, cache.tally if cache else None),
        parts=[
            weights_routes(insight),
            price_routes(insight),
            deployment_routes(insight),
            learning_routes(insight),
            history_routes(insight, _history(service.engine)),
            dashboard_routes(service.dashboard, service.access, clock),
        ],
        lifespan=_lifespan(service),
    )


def _history(engine: Engine) -> History:
    return History(
        decision=partial(queries.decision, engine),
        decisions=partial(queries.decisions, engine),
        table=partial(queries.table, engine),
        feedback_of=partial(queries.feedback_of, engine),
        quotes=partial(queries.quotes, engine),
        report=partial(queries.report, engine),
    )


def _probes(core: Core, settings: Settings, executor: RequestExecutor) -> Probes:
    health = settings.health
    rules = ProbeRules(
        free_s=FREE_PROBE_S if health.free_probes else None,
        paid_s=health.paid_probe_every if health.paid_probes else None,
    )
    return Probes(
        router=core.router,
        executor=executor,
        clock=core.clock,
        publish=core.ingestion.on_shift,
        rules=rules,
    )


def _executor(
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
        on_shift=core.ingestion.on_shift,
        count=tallies.count,
    )
    return RequestExecutor(
        router=core.router,
        upstreams=upstreams,
        caller=caller,
        clock=core.clock,
        finished=completion.finish,
    )


def _calls(
    service: Service, settings: Settings, caller: Caller, staleness: StalenessMonitor
) -> OpenAICalls:
    return OpenAICalls(
        driver=service.executor,
        router=service.router,
        clock=service.clock,
        access=service.access,
        feedbacks=service.feedbacks,
        keep_decision=service.ledger.append,
        on_unpriced=lambda: _refresh(staleness, service.poller),
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


def _endpoints(calls: OpenAICalls, limits: Limits) -> dict[str, PathEndpoint]:
    """The data plane's calls; those that call providers pass the door."""
    chat = limits.guarded(calls.chat)
    return {
        "/v1/chat/completions": chat,
        "/chat/completions": chat,
        "/v1/messages": spoken(chat, Messages),
        "/v1/messages/count_tokens": spoken(calls.count, TokenCount),
        "/v1/responses": spoken(chat, Responses),
        "/v1/embeddings": limits.guarded(calls.embed),
        "/v1/route": calls.route,
        "/v1/feedback": calls.feedback,
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


def _insight(service: Service) -> Insight:
    async def table_at(namespace: str, route: str, task: str, at: float) -> WeightTable | None:
        return await asyncio.to_thread(queries.table_at, service.engine, namespace, route, task, at)

    return Insight(
        router=service.router,
        clock=service.clock,
        access=service.access,
        events=service.events,
        approve=service.ingestion.approve,
        reject=service.ingestion.reject,
        publish=service.ingestion.publish,
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
    shelf: CacheBackend = MemoryCache(max_bytes=int(cache.max_mb * 1024 * 1024))
    if cache.url is not None:
        shelf = RedisCache(cache.url, on_trouble=_cache_trouble)
    return ResponseCache(shelf, ttl_s=cache.ttl)


def _cache_trouble(error: str) -> None:
    log.event_log().warning("cache.failed", error=error)


def _refresh(staleness: StalenessMonitor, poller: Poller) -> None:
    """Somebody asked for what has no price: look at the price feeds again, once a minute."""
    if staleness.wants_refresh():
        for definition in poller.definitions():
            if definition.kind == "price":
                poller.poll_soon(definition.id)
