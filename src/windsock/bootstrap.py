"""The composition root: the only file that knows every adapter."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from windsock import log
from windsock.assembly import (
    DEFAULT_FLOOR,
    catalog_of,
    endpoints_of,
    feeds_of,
    own_quotes,
    routes_of,
    with_defaults,
)
from windsock.clock import Clock, SystemClock
from windsock.core.exchange import Exchange
from windsock.core.identity import Identity
from windsock.core.objective import Objective
from windsock.core.policy import PriceAware
from windsock.core.posterior import Beliefs, BeliefSettings
from windsock.core.prices import PriceBook
from windsock.core.quotes import HealthReport
from windsock.core.records import Decision, Feedback, Outcome, Shift, WeightTable
from windsock.core.router import Router
from windsock.errors import FeedError
from windsock.feeds.fetching import Fetcher, packaged
from windsock.feeds.polling import Poller
from windsock.feeds.reading import read
from windsock.intake import Intake, log_shift
from windsock.providers.calling import AiohttpCaller
from windsock.providers.presets import presets
from windsock.service.access import Access, new_key
from windsock.service.app import Readiness, create_app
from windsock.service.caching import ResponseCache
from windsock.service.dashboard import Dashboard, dashboard_routes
from windsock.service.dataplane import DataPlane
from windsock.service.driver import Driver
from windsock.service.events import EventBus
from windsock.service.feedback import Feedbacks, Open
from windsock.service.history import history_routes
from windsock.service.insight import Insight, insight_routes
from windsock.service.metrics import Metrics, Tallies
from windsock.service.openai import OpenAICalls
from windsock.settings import Settings, guard_rules
from windsock.store import queries
from windsock.store.engine import open_engine, set_aside_if_corrupt
from windsock.store.ledger import Ledger, StateSnapshot
from windsock.store.migrations import upgrade_engine
from windsock.vigil import Vigil
from windsock.webhooks import Hook, Webhooks

HOUSEKEEPING_S = 0.25
KEYS_EVERY_S = 2.0
SAMPLE_S = 1.0
EMBEDDED = "genai-prices"


@dataclass(slots=True, kw_only=True)
class Service:
    """Everything that runs, and the ASGI application in front of it."""

    settings: Settings
    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    intake: Intake
    poller: Poller
    driver: Driver
    feedbacks: Feedbacks
    access: Access
    events: EventBus
    readiness: Readiness
    dashboard: Dashboard
    vigil: Vigil
    webhooks: Webhooks
    app: Any = None
    _tasks: list[asyncio.Task[None]] | None = None

    async def start(self) -> None:
        """Ready when this returns: state restored, prices known, polls scheduled."""
        self.ledger.open()
        self.access.replace_keys(await asyncio.to_thread(queries.keys, self.engine))
        self._tasks = [
            asyncio.create_task(self._housekeeping()),
            asyncio.create_task(self._snapshots()),
        ]
        self.webhooks.start()
        self.poller.start()
        self.readiness.is_loaded = True
        log.event_log().info("service.started", deployments=len(self.router.catalog.deployments))

    def end_streams(self) -> None:
        """Traffic should go elsewhere; event streams end, requests under way do not."""
        self.readiness.is_draining = True
        self.dashboard.close()
        self.events.close()

    async def stop(self) -> None:
        self.readiness.is_draining = True
        for task in self._tasks or ():
            task.cancel()
        await self.poller.stop()
        await self.driver.close()
        await self.webhooks.stop()
        self.events.close()
        self._drain_tables()
        self.ledger.append(self._snapshot())
        await asyncio.to_thread(self.ledger.close)
        self.engine.dispose()
        log.event_log().info("service.stopped")

    async def _housekeeping(self) -> None:
        """Re-solve stale tables ahead of requests, hand out new ones, look for new keys."""
        keys_at = sampled_at = self.clock.elapsed()
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            self.router.tables.refresh(self.clock.now())
            self._drain_tables()
            for shift in self.router.drain_shifts():
                self.intake.publish(shift)
            if self.clock.elapsed() - sampled_at >= SAMPLE_S:
                sampled_at = self.clock.elapsed()
                self.dashboard.sample()
                self.vigil.look()
            if self.clock.elapsed() - keys_at > KEYS_EVERY_S:
                keys_at = self.clock.elapsed()
                with contextlib.suppress(Exception):
                    self.access.replace_keys(await asyncio.to_thread(queries.keys, self.engine))

    async def _snapshots(self) -> None:
        while True:
            await asyncio.sleep(self.settings.store.snapshot_every)
            self.ledger.append(self._snapshot())

    def _snapshot(self) -> StateSnapshot:
        body = {"seed": self.router.seed, "router": self.router.to_state()}
        return StateSnapshot(self.clock.now(), orjson.dumps(body))

    def _drain_tables(self) -> None:
        _hand_out_tables(self.router, self.ledger, self.events)


def build(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    extra_feeds: tuple[Path, ...] = (),
) -> Service:
    """The whole service from settings; raises ConfigError with one sentence."""
    clock = clock or SystemClock()
    settings = with_defaults(settings, presets(), environ)
    catalog = catalog_of(settings, presets())
    endpoints = endpoints_of(settings, presets(), environ, catalog)
    definitions = feeds_of(settings, extra_feeds)
    engine = _prepared_engine(settings, clock)
    ledger = Ledger(engine, flush_s=settings.store.flush, on_trouble=_store_trouble)
    beliefs = Beliefs(
        BeliefSettings(
            half_life_s=settings.learning.half_life, evidence_cap=settings.learning.evidence_cap
        )
    )
    stored = queries.latest_snapshot(engine)
    state = orjson.loads(stored[1].body) if stored else {}
    seed = state.get("seed", settings.learning.seed)
    router = Router(
        catalog=catalog,
        routes=routes_of(settings, beliefs),
        book=PriceBook(rules=guard_rules(settings)),
        beliefs=beliefs,
        default_policy=lambda _: PriceAware(
            beliefs, Objective(kind="cost_per_success", quality_floor=DEFAULT_FLOOR)
        ),
        seed=secrets.randbits(63) if seed is None else seed,
        first_number=int(clock.now() * 1_000_000),
    )
    events = EventBus()
    intake = Intake(
        router=router,
        identity=Identity(catalog),
        clock=clock,
        keep=ledger.append,
        publish=_publisher(events, ledger),
    )
    restore(router, engine, state, stored[0] if stored else 0, clock)
    _first_prices(settings, intake, definitions, clock)
    poller = Poller(
        definitions,
        fetcher=Fetcher(environ),
        clock=clock,
        on_reading=intake.on_reading,
        on_failure=intake.on_failure,
    )
    return _with_edges(settings, clock, engine, ledger, router, intake, poller, endpoints, events)


def _with_edges(
    settings: Settings,
    clock: Clock,
    engine: Engine,
    ledger: Ledger,
    router: Router,
    intake: Intake,
    poller: Poller,
    endpoints: Mapping[str, Any],
    events: EventBus,
) -> Service:
    """The HTTP side around the core."""
    access = Access(mode=settings.server.keys, admin_token=settings.server.admin_token)
    readiness = Readiness()
    tallies = Tallies()
    dashboard = Dashboard(router, clock)
    vigil = Vigil(
        router=router,
        poller=poller,
        clock=clock,
        publish=intake.publish,
        nearest=intake.nearest,
    )
    webhooks = Webhooks(
        (Hook(url=h.url, secret=h.secret, events=h.events) for h in settings.webhooks), clock
    )
    events.listeners += [dashboard.on_event, webhooks.on_event]

    async def find(name: str) -> Open | None:
        return await asyncio.to_thread(_stored_decision, engine, name)

    feedbacks = Feedbacks(router=router, clock=clock, keep=ledger.append, find=find)

    def finished(exchange: Exchange, outcome: Outcome, response_id: str | None) -> None:
        _hand_out_tables(router, ledger, events)
        feedbacks.remember_outcome(outcome, response_id)
        tallies.count(outcome)
        _log_request(exchange, outcome)

    driver = Driver(
        router=router,
        endpoints=endpoints,
        caller=AiohttpCaller(),
        clock=clock,
        keep=ledger.append,
        publish=intake.publish,
        finished=finished,
    )
    calls = OpenAICalls(
        driver=driver,
        router=router,
        clock=clock,
        access=access,
        feedbacks=feedbacks,
        on_unpriced=lambda: _refresh(vigil, poller),
        cache=_cache_of(settings),
        with_features=any(route.segments for route in settings.routes.values()),
    )
    service = Service(
        settings=settings,
        clock=clock,
        engine=engine,
        ledger=ledger,
        router=router,
        intake=intake,
        poller=poller,
        driver=driver,
        feedbacks=feedbacks,
        access=access,
        events=events,
        readiness=readiness,
        dashboard=dashboard,
        vigil=vigil,
        webhooks=webhooks,
    )

    async def table_at(namespace: str, route: str, task: str, at: float) -> WeightTable | None:
        return await asyncio.to_thread(queries.table_at, engine, namespace, route, task, at)

    insight = Insight(
        router=router,
        clock=clock,
        access=access,
        events=events,
        approve=intake.approve,
        reject=intake.reject,
        table_at=table_at,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = create_app(
        router=router,
        clock=clock,
        readiness=readiness,
        metrics=Metrics(router, clock, tallies),
        parts=[
            insight_routes(insight),
            history_routes(insight, engine),
            dashboard_routes(dashboard, access, clock),
        ],
        lifespan=lifespan,
    )
    service.app = DataPlane(
        app, calls.endpoints(), max_body_bytes=int(settings.server.max_body_mb * 1024 * 1024)
    )
    return service


def restore(
    router: Router, engine: Engine, state: Mapping[str, Any], position: int, clock: Clock
) -> None:
    """Restart is a replay: the last snapshot, then what was appended after it."""
    router.book.restore(queries.all_quotes(engine))
    if state:
        router.from_state(state["router"])
    replayed = 0
    said: dict[tuple[str, str, str, str | None], Feedback] = {}
    for entry in queries.tail(engine, position):
        replayed += 1
        if isinstance(entry, Outcome):
            router.settle(entry, entry.finished_at)
        elif isinstance(entry, HealthReport):
            router.absorb(entry, entry.seen_at)
        elif isinstance(entry, Feedback):
            _relearn(router, engine, entry, said)
    if state or replayed:
        log.event_log().info("state.restored", replayed=replayed)


def _relearn(
    router: Router,
    engine: Engine,
    feedback: Feedback,
    said: dict[tuple[str, str, str, str | None], Feedback],
) -> None:
    known = _stored_decision(engine, feedback.decision_id)
    if known is None:
        return
    reward = feedback.reward
    matter = (feedback.decision_id, reward.metric, reward.source, reward.key_id)
    earlier = [
        each
        for each in queries.feedback_of(engine, feedback.decision_id)
        if each.at < feedback.at
        and (each.reward.metric, each.reward.source, each.reward.key_id) == matter[1:]
    ]
    before = said.get(matter) or (earlier[-1] if earlier else None)
    router.learn(known.decision, known.deployment, reward, feedback.at, replaced=before)
    said[matter] = feedback


def _stored_decision(engine: Engine, name: str) -> Open | None:
    found = queries.decision(engine, name)
    if isinstance(found, Outcome):
        known = Open(found.decision, found.served or found.decision.deployment)
    elif isinstance(found, Decision):
        known = Open(found, found.deployment)
    else:
        return None
    for each in queries.feedback_of(engine, name):
        reward = each.reward
        known.said[reward.metric, reward.source, reward.key_id] = each
        if each.idempotency_key is not None:
            known.keys.add(each.idempotency_key)
    return known


def _prepared_engine(settings: Settings, clock: Clock) -> Engine:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(clock.now()))
    aside = set_aside_if_corrupt(settings.store.url, stamp)
    if aside is not None:
        log.event_log().error("state.set_aside", file=aside.name)
    engine = open_engine(settings.store.url)
    upgrade_engine(engine)
    return engine


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
    if not settings.cache.enabled:
        return None
    return ResponseCache(
        ttl_s=settings.cache.ttl, max_bytes=int(settings.cache.max_mb * 1024 * 1024)
    )


def _refresh(vigil: Vigil, poller: Poller) -> None:
    """Somebody asked for what has no price: look at the price feeds again, once a minute."""
    if vigil.wants_refresh():
        for definition in poller.definitions():
            if definition.kind == "price":
                poller.poll_soon(definition.id)


def _hand_out_tables(router: Router, ledger: Ledger, events: EventBus) -> None:
    for table in router.tables.drain():
        ledger.append(table)
        events.publish(table)


def _publisher(events: EventBus, ledger: Ledger) -> Callable[[Shift], None]:
    def publish(shift: Shift) -> None:
        log_shift(shift)
        ledger.append(shift)
        events.publish(shift)

    return publish


def _store_trouble(error: str | None) -> None:
    if error is None:
        log.event_log().info("store.recovered")
    else:
        log.event_log().error("store.failed", error=error)


def _log_request(exchange: Exchange, outcome: Outcome) -> None:
    decision = outcome.decision
    log.event_log().info(
        "request.finished",
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


class Server(uvicorn.Server):
    """uvicorn, leaving with exit code 0 after a clean shutdown.

    on_shutdown     called when the listener closes: open event streams must end, or the drain
                    would wait for them
    """

    def __init__(
        self, config: uvicorn.Config, *, on_shutdown: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._on_shutdown = on_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_shutdown()
        await super().shutdown(sockets=sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def server_of(service: Service, *, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            service.app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(service.settings.server.drain),
        ),
        on_shutdown=service.end_streams,
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
    service = build(settings, environ)
    server = server_of(
        service,
        host=host or settings.server.host,
        port=settings.server.port if port is None else port,
    )
    server.run()


def configure_log(settings: Settings) -> None:
    kind = settings.server.log_format
    log.configure(level=settings.server.log_level, is_json=kind != "console")


def create_key(settings: Settings, name: str, namespace: str, scopes: tuple[str, ...]) -> str:
    """The new key, to be shown once."""
    key, public, digest = new_key()
    engine = _prepared_engine(settings, SystemClock())
    queries.add_key(
        engine,
        queries.VirtualKey(
            id=public,
            name=name,
            sha256=digest,
            namespace=namespace,
            scopes=scopes,
            created_at=SystemClock().now(),
        ),
    )
    return key


def list_keys(settings: Settings) -> list[queries.VirtualKey]:
    return queries.keys(_prepared_engine(settings, SystemClock()))


def revoke_key(settings: Settings, key_id: str) -> bool:
    engine = _prepared_engine(settings, SystemClock())
    return queries.revoke_key(engine, key_id, SystemClock().now())
