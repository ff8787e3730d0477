"""The running service: its tasks, and a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from windsock.app import interpreter
from windsock.app.background.config_reload import ReloadTarget
from windsock.app.background.housekeeping import Housekeeping
from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.app.background.judging.judges import Judges
from windsock.app.background.shadowing.shadows import Shadows
from windsock.app.replicas.place import ALONE, Place
from windsock.clock import Clock
from windsock.config.settings import Settings
from windsock.core.routing.router import Router
from windsock.feeds.poller import WATCH_EVERY_S, Poller
from windsock.observability import log
from windsock.observability.background import Supervisor
from windsock.observability.event_bus import EventBus
from windsock.observability.webhooks import Webhooks
from windsock.service.auth import Access
from windsock.service.background_requests import BackgroundRequests
from windsock.service.control.app import Readiness
from windsock.service.control.page.dashboard import Dashboard
from windsock.service.execution.executor import RequestExecutor
from windsock.service.execution.uncalled import UncalledRequests
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import Limits
from windsock.service.gateway.caching.response_cache import ResponseCache
from windsock.service.key_limits import KeyLimits
from windsock.service.tallies import Tallies
from windsock.service.texts.held import HeldTexts
from windsock.service.use.reader import UseReader
from windsock.store.ledger import Ledger


@dataclass(slots=True, kw_only=True)
class Service:
    """Everything that runs, and the ASGI application in front of it.

    reloaded    what an edit of the configuration may change, with the settings as they are now
    paths       of the data plane
    on_start    awaited before it is ready
    on_stop     awaited first of all when the service ends
    place       among the processes at a port, of which one leads
    """

    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    ingestion: FeedIngestion
    poller: Poller
    executor: RequestExecutor
    feedbacks: FeedbackInbox
    uncalled: UncalledRequests
    access: Access
    background: BackgroundRequests
    judges: Judges
    use: UseReader
    events: EventBus
    readiness: Readiness
    cache: ResponseCache | None
    texts: HeldTexts
    shadows: Shadows
    dashboard: Dashboard
    webhooks: Webhooks
    housekeeping: Housekeeping
    reloaded: ReloadTarget
    tasks: Supervisor
    tallies: Tallies
    limits: Limits
    key_limits: KeyLimits
    on_start: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    on_stop: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    place: Place = ALONE
    app: Any = None
    paths: frozenset[str] = frozenset()

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return self.reloaded.settings

    @asynccontextmanager
    async def lifespan(self, _: object) -> AsyncIterator[None]:
        """Runs as long as the application does."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def start(self) -> None:
        """Ready when this returns: state restored, prices known, polls scheduled."""
        await self.housekeeping.read_keys()
        for begin in self.on_start:
            await begin()
        self.housekeeping.start(self.tasks, is_leading=self.place.is_leading)
        interpreter.settle()
        self.webhooks.start(self.tasks)
        if self.housekeeping.membership is not None:
            await self.housekeeping.membership.begin(self.tasks)
        if self.place.is_leading:
            self.poller.start()
            self.tasks.keep_every("polls", WATCH_EVERY_S, self.poller.watch)
        self.readiness.is_loaded = True
        log.event_log().info("service.started", deployments=len(self.router.catalog.deployments))

    def turn_away(self) -> None:
        """Traffic should go elsewhere; what comes all the same is served."""
        self.readiness.is_draining = True
        log.event_log().info("service.draining")

    def end_streams(self) -> None:
        """Event streams end, requests under way do not."""
        self.dashboard.close()
        self.events.close()

    async def stop(self) -> None:
        """End every task, write what is pending, and let go of the store."""
        self.readiness.is_draining = True
        await self.tasks.stop()
        for end in self.on_stop:
            await end()
        await self.poller.stop()
        await self.executor.close()
        if self.cache is not None:
            await self.cache.close()
        self.events.close()
        self.uncalled.flush()
        self.housekeeping.hand_out_tables()
        if self.place.is_leading:
            self.housekeeping.keep_snapshot()
        if self.housekeeping.membership is not None:
            await self.housekeeping.membership.end()
        await asyncio.to_thread(self.ledger.close)
        self.engine.dispose()
        log.event_log().info("service.stopped")
