"""The store, the router and the clock, before anything is connected."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Engine

from windsock.app.background.cap_keeping import CapKeeper
from windsock.app.background.intake.ingestion import FeedIngestion, log_event
from windsock.app.background.intake.listings import REMEMBERED
from windsock.app.feed_parts import aliases_of, contracts_of, feeds_of, own_quotes, rates_of
from windsock.app.replicas.place import ALONE, Place
from windsock.app.replicas.role import Role
from windsock.app.replicas.shared_fetcher import SharedFetcher
from windsock.app.route_parts import load_rules_of, router_of
from windsock.app.state_recovery import Known, opened_store, restored
from windsock.clock import Clock
from windsock.config.settings import Settings, guard_rules
from windsock.core.model.catalog import Catalog
from windsock.core.model.events import Event
from windsock.core.model.model_names import Identity
from windsock.core.model.ticks import HealthReport, Quote
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.routing.router import Router
from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher, packaged
from windsock.feeds.poller import Poller
from windsock.feeds.reader import read
from windsock.observability import log
from windsock.observability.background import Supervisor
from windsock.observability.event_bus import EventBus
from windsock.providers.presets import provider_names
from windsock.service.control.app import Readiness
from windsock.store import queries
from windsock.store.ledger import Ledger, WritesBatches
from windsock.store.migrations import upgrade_engine
from windsock.store.writing.writer_lock import WriterLock

EMBEDDED = "package:"
"""The scheme of feeds that are read at the start: prices from a package, without a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What is there before anything listens.

    on_publish      called with every event that this process tells
    is_restored     False while the store, away since the start, has not given back what it holds
    """

    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    ingestion: FeedIngestion
    poller: Poller
    events: EventBus
    readiness: Readiness
    caps: CapKeeper
    role: Role
    known: Known
    on_publish: list[Callable[[Event], None]]
    is_restored: bool
    place: Place = ALONE


def core_of(
    settings: Settings,
    environ: Mapping[str, str],
    catalog: Catalog,
    clock: Clock,
    lock: WriterLock | None,
    place: Place = ALONE,
) -> Core:
    """Router, prices and store, restored, with first prices; raises ConfigError or StoreError."""
    definitions = feeds_of(settings)
    readiness, events = Readiness(tasks=Supervisor(clock=clock)), EventBus()
    engine, away, ledger = _store(settings, clock, lock, readiness, place.writer)
    new_router = partial(_router, settings, catalog, place.number_at(clock.now()))
    known, role = Known(), Role(clock)
    on_publish: list[Callable[[Event], None]] = []
    if settings.replicas.enabled:
        role.share()
    elif not place.is_leading:
        role.follow()
    router = new_router({}) if away else restored(new_router, engine, known=known)
    router.lessons.mark = place.mark_among
    router.caps.is_shared = role.is_shared or place.count > 1
    router.caps.among = lambda: role.replicas * place.count
    ingestion = FeedIngestion(
        router=router,
        identity=Identity(catalog, provider_names(), dated=aliases_of(settings)),
        clock=clock,
        append=partial(_keep_led, role, ledger),
        publish=_publisher(events, ledger, role, on_publish),
        rates=rates_of(settings),
        feeds=frozenset(each.id for each in definitions),
        asked=role.asked,
    )
    router.book.adjust(contracts_of(settings, catalog))
    ingestion.follow_redirects()
    if not away:
        ingestion.listings.remember(queries.newest_events(engine, since=0.0, kinds=REMEMBERED))
    _first_prices(settings, ingestion, definitions, clock)
    caps = CapKeeper(router=router, engine=engine, clock=clock, publish=ingestion.publish)
    caps.adopt(settings)
    if not away:
        caps.restore()
    return Core(
        clock=clock,
        engine=engine,
        ledger=ledger,
        router=router,
        ingestion=ingestion,
        poller=_poller(settings, environ, definitions, ingestion, _sharing(engine, role, clock)),
        events=events,
        readiness=readiness,
        caps=caps,
        role=role,
        known=known,
        on_publish=on_publish,
        is_restored=away is None,
        place=place,
    )


def restore_again(core: Core) -> None:
    """All that a store holds that was away at the start; raises StoreError if it is away again.

    Lessons that came meanwhile are taught again.
    """
    lessons = core.router.lessons
    taught = lessons.held()
    try:
        restored(lambda _: emptied(core.router), core.engine, known=core.known)
    finally:
        lessons.restore(taught)
    core.ingestion.follow_redirects()
    core.ingestion.drop_unheard()
    core.router.tables.forget()


def emptied(router: Router) -> Router:
    """The same one, knowing no price and believing nothing."""
    router.book.from_state({"pages": {}, "redirects": {}})
    router.beliefs.from_state({"groups": []})
    router.lessons.from_state({})
    return router


def _store(
    settings: Settings,
    clock: Clock,
    lock: WriterLock | None,
    readiness: Readiness,
    writer: WritesBatches | None,
) -> tuple[Engine, str | None, Ledger]:
    """The store, what keeps it from being read just now, and its open ledger."""
    if lock is not None:
        lock.acquire()
    engine, away = opened_store(settings, clock, is_ours=lock is not None)
    if lock is not None:
        lock.acquire_file()
    if away:
        readiness.degraded["store"] = away
    ledger = Ledger(
        engine,
        flush_s=settings.store.flush,
        prepare=lambda: upgrade_engine(engine),
        is_prepared=away is None,
        lock=lock,
        on_trouble=_on_trouble(readiness),
        writer=writer,
    )
    if writer is None:
        ledger.open()
    return engine, away, ledger


def _poller(
    settings: Settings,
    environ: Mapping[str, str],
    definitions: list[FeedDefinition],
    ingestion: FeedIngestion,
    sharing: Callable[[Fetcher], Fetcher],
) -> Poller:
    return Poller(
        definitions,
        fetcher=sharing(Fetcher(environ)),
        clock=ingestion.clock,
        on_reading=ingestion.take_in,
        on_failure=ingestion.on_failure,
        rules=guard_rules(settings),
    )


def _router(
    settings: Settings, catalog: Catalog, first_number: int, kept: Mapping[str, Any]
) -> Router:
    """As the snapshot's seed, the configured one or a new one has it draw."""
    seed = kept.get("seed", settings.learning.seed)
    return router_of(
        settings,
        catalog,
        has_priors=settings.learning.priors,
        seed=secrets.randbits(63) if seed is None else seed,
        first_number=first_number,
        limits=ConcurrencyLimits(load_rules_of(settings)),
    )


def _first_prices(
    settings: Settings, ingestion: FeedIngestion, definitions: list[FeedDefinition], clock: Clock
) -> None:
    """The owner's own prices, then the embedded ones, so that routing starts with no network."""
    now = clock.now()
    ingestion.own(own_quotes(settings, ingestion.router.catalog, now))
    for definition in definitions:
        if definition.url.startswith(EMBEDDED):
            try:
                ingestion.on_reading(definition, read(definition, packaged(), seen_at=now))
            except FeedError as error:
                ingestion.on_failure(definition, error)
    ingestion.drop_unheard()


def _sharing(engine: Engine, role: Role, clock: Clock) -> Callable[[Fetcher], Fetcher]:
    """How feeds are fetched: for oneself, or among several replicas by the one that leads."""
    if not role.is_shared:
        return lambda fetcher: fetcher
    return lambda fetcher: SharedFetcher(fetcher, engine, role, clock)


def _keep_led(role: Role, ledger: Ledger, entry: Quote | HealthReport) -> None:
    """What every replica sees is kept by one.

    A price that waits when another begins to lead is left to that one, which looks for what is
    missing; of health nobody does.
    """
    if role.keeps():
        ledger.append(role.led(entry) if isinstance(entry, Quote) else entry)


def _publisher(
    events: EventBus, ledger: Ledger, role: Role, on_publish: list[Callable[[Event], None]]
) -> Callable[[Event], None]:
    def publish(event: Event) -> None:
        if not role.tells(event.kind):
            return
        log_event(event)
        for tell in on_publish:
            tell(event)
        ledger.append(event)
        events.publish(event)

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
