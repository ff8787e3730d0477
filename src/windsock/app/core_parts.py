"""The store, the router and the clock, before anything is connected."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from windsock.app.background.ingestion import FeedIngestion, log_shift
from windsock.app.feed_parts import aliases_of, feeds_of, own_quotes
from windsock.app.route_parts import DEFAULT_FLOOR, load_rules_of, routes_of
from windsock.app.service import follow_redirects
from windsock.app.state_recovery import opened_store, restore, stored_state
from windsock.clock import Clock
from windsock.config.benchmark_rates import published
from windsock.config.settings import Settings, guard_rules
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.benchmark_priors import NOTHING
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.catalog import Catalog
from windsock.core.model.events import Event
from windsock.core.model.model_names import Identity
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.concurrency import ConcurrencyLimits
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.errors import FeedError
from windsock.feeds.fetcher import Fetcher, packaged
from windsock.feeds.poller import Poller
from windsock.feeds.reader import read
from windsock.observability import log
from windsock.observability.event_bus import EventBus
from windsock.providers.presets import provider_names
from windsock.service.control.app import Readiness
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine
from windsock.store.writer_lock import WriterLock

EMBEDDED = "genai-prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What is there before anything listens."""

    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    intake: FeedIngestion
    poller: Poller
    events: EventBus
    readiness: Readiness
    is_restored: bool


def core_of(
    settings: Settings,
    environ: Mapping[str, str],
    catalog: Catalog,
    clock: Clock,
    claim: WriterLock | None,
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
    intake = FeedIngestion(
        router=router,
        identity=Identity(catalog, provider_names(), dated=aliases_of(settings)),
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
        parts_of(
            catalog=catalog,
            routes=routes_of(settings, beliefs),
            book=PriceBook(rules=guard_rules(settings)),
            beliefs=beliefs,
            default_policy=lambda _: PriceAware(beliefs, default),
            seed=secrets.randbits(63) if seed is None else seed,
            first_number=int(clock.now() * 1_000_000),
            limits=ConcurrencyLimits(load_rules_of(settings)),
        )
    )


def _first_prices(
    settings: Settings, intake: FeedIngestion, definitions: list[Any], clock: Clock
) -> None:
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


def _publisher(events: EventBus, ledger: Ledger) -> Callable[[Event], None]:
    def publish(shift: Event) -> None:
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
