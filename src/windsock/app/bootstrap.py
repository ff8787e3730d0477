"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine

from windsock.app import gc_tuning
from windsock.app.background.config_reload import Reloader
from windsock.app.background.health_probes import FREE_PROBE_S, ProbeRules, Probes
from windsock.app.background.ingestion import Intake, log_shift
from windsock.app.background.staleness_monitor import Vigil
from windsock.app.catalog_parts import (
    DEFAULT_FLOOR,
    aliases_of,
    catalog_of,
    endpoints_of,
    feeds_of,
    load_rules_of,
    own_quotes,
    routes_of,
    with_defaults,
)
from windsock.app.service import Service, follow_redirects, hand_out_tables, server_of
from windsock.app.state_recovery import opened_store, restore, stored_decision, stored_state
from windsock.clock import Clock, SystemClock
from windsock.config.benchmark_rates import published
from windsock.config.settings import Settings, guard_rules
from windsock.core.beliefs.beliefs import Beliefs, BeliefSettings
from windsock.core.beliefs.benchmark_priors import NOTHING
from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import Outcome, Shift, WeightTable
from windsock.core.model.model_names import Identity
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.concurrency import Loads
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.errors import FeedError
from windsock.feeds.fetcher import Fetcher, packaged
from windsock.feeds.poller import Poller
from windsock.feeds.reader import read
from windsock.observability import log
from windsock.observability.event_bus import EventBus
from windsock.observability.webhooks import Hook, Webhooks
from windsock.providers.http1_transport import DirectCaller
from windsock.providers.presets import presets
from windsock.providers.prompt_embedding import Embedder
from windsock.providers.transport import Caller, Endpoint
from windsock.service.auth import Access
from windsock.service.control.app import Lifespan, Readiness, create_app
from windsock.service.control.dashboard import Dashboard, dashboard_routes
from windsock.service.control.history_routes import history_routes
from windsock.service.control.metrics import Metrics, Tallies
from windsock.service.control.weights_routes import Insight, insight_routes
from windsock.service.execution.executor import Driver
from windsock.service.feedback_inbox import Feedbacks, FindStored, Open
from windsock.service.gateway.admission import LimitRules, Limits
from windsock.service.gateway.asgi import DataPlane
from windsock.service.gateway.asgi import Endpoint as PathEndpoint
from windsock.service.gateway.endpoints import Meaning, OpenAICalls
from windsock.service.gateway.redis_cache import RedisShelf
from windsock.service.gateway.response_cache import MemoryShelf, ResponseCache, Shelf
from windsock.service.gateway.translation import spoken
from windsock.store import queries
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine
from windsock.store.writer_lock import Claim
from windsock.wire.formats.anthropic_messages import Messages, TokenCount
from windsock.wire.formats.openai_responses import Responses

EMBEDDED = "genai-prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What is there before anything listens."""

    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    intake: Intake
    poller: Poller
    events: EventBus
    readiness: Readiness
    is_restored: bool


def build(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    is_alone: bool = False,
) -> Service:
    """The whole service from settings; raises ConfigError with one sentence.

    is_alone    keep other processes from writing to the same store

    The ledger's writer runs from here on: end it with `Service.stop`, or `ledger.close`.
    """
    settings = with_defaults(settings, presets(), environ)
    catalog = catalog_of(settings, presets())
    endpoints = endpoints_of(settings, presets(), environ, catalog)
    claim = Claim(settings.store.url) if is_alone else None
    core = _core(settings, environ, catalog, clock or SystemClock(), claim)
    return _with_edges(core, settings, endpoints)


def _core(
    settings: Settings,
    environ: Mapping[str, str],
    catalog: Catalog,
    clock: Clock,
    claim: Claim | None,
) -> Core:
    """Router, prices and store, restored, with first prices."""
    definitions = feeds_of(settings)
    readiness = Readiness()
    if claim is not None:
        claim.take()
    engine, away = opened_store(settings, clock)
    ledger = Ledger(
        engine,
        flush_s=settings.store.flush,
        prepare=(lambda: upgrade_engine(engine)) if away else None,
        claim=claim,
        on_trouble=_on_trouble(readiness),
    )
    ledger.open()
    position, state = (0, {}) if away else stored_state(engine)
    router = _router(settings, catalog, state, clock)
    events = EventBus()
    intake = Intake(
        router=router,
        identity=Identity(catalog, dated=aliases_of(settings)),
        clock=clock,
        keep=ledger.append,
        publish=_publisher(events, ledger),
    )
    if away:
        readiness.degraded["store"] = away
    else:
        restore(router, engine, state, position, clock)
    follow_redirects(intake)
    _first_prices(settings, intake, definitions, clock)
    poller = Poller(
        definitions,
        fetcher=Fetcher(environ),
        clock=clock,
        on_reading=intake.take_in,
        on_failure=intake.on_failure,
        rules=guard_rules(settings),
    )
    return Core(
        clock=clock,
        engine=engine,
        ledger=ledger,
        router=router,
        intake=intake,
        poller=poller,
        events=events,
        readiness=readiness,
        is_restored=away is None,
    )


def _router(settings: Settings, catalog: Catalog, state: Mapping[str, Any], clock: Clock) -> Router:
    learning = settings.learning
    models = {each.id: each.model for each in catalog.deployments.values()}
    beliefs = Beliefs(
        BeliefSettings(half_life_s=learning.half_life, evidence_cap=learning.evidence_cap),
        published=published(models) if learning.priors else NOTHING,
    )
    default = Objective(kind="cost_per_success", quality_floor=DEFAULT_FLOOR)
    seed = state.get("seed", learning.seed)
    return Router(
        catalog=catalog,
        routes=routes_of(settings, beliefs),
        book=PriceBook(rules=guard_rules(settings)),
        beliefs=beliefs,
        default_policy=lambda _: PriceAware(beliefs, default),
        seed=secrets.randbits(63) if seed is None else seed,
        first_number=int(clock.now() * 1_000_000),
        loads=Loads(load_rules_of(settings)),
    )


def _with_edges(core: Core, settings: Settings, endpoints: Mapping[str, Endpoint]) -> Service:
    """The service around the core."""
    router, clock, engine = core.router, core.clock, core.engine
    readiness, tallies, caller = core.readiness, Tallies(), DirectCaller()
    limits, cache = _limits(settings, router), _cache_of(settings)
    dashboard = Dashboard(router, clock)
    access = Access(mode=settings.server.keys, admin_token=settings.server.admin_token)
    feedbacks = Feedbacks(router=router, clock=clock, keep=core.ledger.append, find=_finder(engine))
    service = Service(
        settings=settings,
        clock=clock,
        engine=engine,
        ledger=core.ledger,
        router=router,
        intake=core.intake,
        poller=core.poller,
        driver=_driver(core, endpoints, feedbacks, tallies, caller),
        feedbacks=feedbacks,
        access=access,
        events=core.events,
        readiness=readiness,
        is_restored=core.is_restored,
        limits=limits,
        cache=cache,
        dashboard=dashboard,
        vigil=Vigil(
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
    endpoints: Mapping[str, Endpoint],
    feedbacks: Feedbacks,
    tallies: Tallies,
    caller: Caller,
) -> Driver:
    def finished(exchange: Exchange, outcome: Outcome, response_id: str | None) -> None:
        hand_out_tables(core.router, core.ledger, core.events)
        feedbacks.remember_outcome(outcome, response_id)
        claim = exchange.answer.confidence if exchange.answer else None
        if exchange.route.checks is not None and claim is not None:
            feedbacks.check(outcome, holds=claim > 0)
        tallies.count(outcome)
        _log_request(exchange, outcome)

    return Driver(
        router=core.router,
        endpoints=endpoints,
        caller=caller,
        clock=core.clock,
        keep=core.ledger.append,
        publish=core.intake.on_shift,
        finished=finished,
    )


def _calls(service: Service, settings: Settings, caller: Caller) -> OpenAICalls:
    return OpenAICalls(
        driver=service.driver,
        router=service.router,
        clock=service.clock,
        access=service.access,
        feedbacks=service.feedbacks,
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
    return Limits(rules, capacity=router.fleet.capacity)


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
    async def find(name: str) -> Open | None:
        return await asyncio.to_thread(stored_decision, engine, name)

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


def _first_prices(settings: Settings, intake: Intake, definitions: list[Any], clock: Clock) -> None:
    """The owner's own prices, then the embedded ones, so that routing starts with no network."""
    now = clock.now()
    own = own_quotes(settings, intake.router.catalog, now)
    for quote in own:
        intake.on_quote(quote, now)
    intake.owned = frozenset(quote.deployment for quote in own)
    for definition in definitions:
        if definition.id == EMBEDDED and definition.url.startswith("package:"):
            try:
                intake.on_reading(definition, read(definition, packaged(), seen_at=now))
            except FeedError as error:
                intake.on_failure(definition, error)


def _cache_of(settings: Settings) -> ResponseCache | None:
    cache = settings.cache
    if not cache.enabled:
        return None
    shelf: Shelf = MemoryShelf(max_bytes=int(cache.max_mb * 1024 * 1024))
    if cache.url is not None:
        shelf = RedisShelf(cache.url, on_trouble=_cache_trouble)
    return ResponseCache(shelf, ttl_s=cache.ttl)


def _cache_trouble(error: str) -> None:
    log.event_log().warning("cache.failed", error=error)


def _refresh(vigil: Vigil, poller: Poller) -> None:
    """Somebody asked for what has no price: look at the price feeds again, once a minute."""
    if vigil.wants_refresh():
        for definition in poller.definitions():
            if definition.kind == "price":
                poller.poll_soon(definition.id)


def _publisher(events: EventBus, ledger: Ledger) -> Callable[[Shift], None]:
    def publish(shift: Shift) -> None:
        log_shift(shift)
        ledger.append(shift)
        events.publish(shift)

    return publish


def _on_trouble(readiness: Readiness) -> Callable[[str | None], None]:
    """Says what stands in the store's way, in the log and to who asks for readiness."""

    def tell(error: str | None) -> None:
        if error is None:
            readiness.degraded.pop("store", None)
            log.event_log().info("store.recovered")
        else:
            readiness.degraded["store"] = error
            log.event_log().error("store.failed", error=error)

    return tell


def _log_request(exchange: Exchange, outcome: Outcome) -> None:
    decision = outcome.decision
    log.request_finished(
        outcome.finished_at,
        decision=decision.id,
        route=decision.cell.route,
        task=decision.cell.task,
        deployment=outcome.served or decision.deployment,
        propensity=round(decision.propensity, 6),
        ok=outcome.ok,
        attempts=len(outcome.results),
        cost_usd=float(outcome.cost_usd),
        latency_ms=round((outcome.finished_at - decision.at) * 1000, 1),
    )


def serve_forever(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    config: Path | None = None,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    configure_log(settings)
    service = build(settings, environ, is_alone=True)
    if config is not None:
        reloader = Reloader(service=service, path=config, environ=environ)
        service.on_second.append(reloader.look)
    server = server_of(
        service,
        host=host or settings.server.host,
        port=settings.server.port if port is None else port,
    )
    gc_tuning.shorten()
    server.run()


def configure_log(settings: Settings) -> None:
    kind = settings.server.log_format
    log.configure(level=settings.server.log_level, is_json=kind != "console")
