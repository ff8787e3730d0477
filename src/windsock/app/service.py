"""The running service: its tasks, its server, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Engine

from windsock.app import gc_tuning
from windsock.app.background.ingestion import FeedIngestion
from windsock.app.background.staleness_monitor import StalenessMonitor
from windsock.app.state_recovery import restore, stored_state
from windsock.clock import Clock
from windsock.config.settings import Settings
from windsock.core.model.events import Event, EventKind
from windsock.core.routing.router import Router
from windsock.errors import StoreError
from windsock.feeds.poller import Poller
from windsock.observability import log
from windsock.observability.event_bus import EventBus
from windsock.observability.webhooks import Webhooks
from windsock.service.auth import Access
from windsock.service.control.app import Readiness
from windsock.service.control.dashboard import Dashboard
from windsock.service.execution.completion import hand_out_tables
from windsock.service.execution.executor import RequestExecutor
from windsock.service.feedback_inbox import FeedbackInbox
from windsock.service.gateway.admission import Limits
from windsock.service.gateway.response_cache import ResponseCache
from windsock.store import queries
from windsock.store.ledger import Ledger
from windsock.store.retention import prune
from windsock.store.rows import StateSnapshot

HOUSEKEEPING_S = 0.25
KEYS_EVERY_S = 2.0
BETWEEN_SOLVES_S = 0.004
"""Long enough for a request that came during a solve, and may need one itself, to have its turn."""

MOST_SOLVES = 8
"""Tables solved at one turn of the housekeeping; what is left waits for the next, or a request."""


SAMPLE_S = 1.0
PRUNE_EVERY_S = 3600.0


@dataclass(slots=True, kw_only=True)
class Service:
    """Everything that runs, and the ASGI application in front of it.

    is_restored     False while the store, away since the start, has not given back what it holds
    """

    settings: Settings
    clock: Clock
    engine: Engine
    ledger: Ledger
    router: Router
    intake: FeedIngestion
    poller: Poller
    driver: RequestExecutor
    feedbacks: FeedbackInbox
    access: Access
    events: EventBus
    readiness: Readiness
    limits: Limits
    cache: ResponseCache | None
    dashboard: Dashboard
    vigil: StalenessMonitor
    webhooks: Webhooks
    is_restored: bool = True
    on_second: list[Callable[[], None]] = field(default_factory=list)
    on_stop: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    app: Any = None
    _tasks: list[asyncio.Task[None]] | None = None

    async def start(self) -> None:
        """Ready when this returns: state restored, prices known, polls scheduled."""
        await self._look_for_keys()
        self._tasks = [
            asyncio.create_task(self._housekeeping()),
            asyncio.create_task(self._snapshots()),
            asyncio.create_task(self._pruning()),
            asyncio.create_task(self._recovery()),
        ]
        # What is there now stays: a full collection of it would hold up requests by 100 ms.
        gc.freeze()
        self.webhooks.start()
        self.poller.start()
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
        self.readiness.is_draining = True
        for task in self._tasks or ():
            task.cancel()
        for end in self.on_stop:
            await end()
        await self.poller.stop()
        await self.driver.close()
        await self.webhooks.stop()
        if self.cache is not None:
            await self.cache.close()
        self.events.close()
        self._drain_tables()
        self.keep_snapshot()
        await asyncio.to_thread(self.ledger.close)
        self.engine.dispose()
        log.event_log().info("service.stopped")

    async def _housekeeping(self) -> None:
        """Re-solve stale tables ahead of requests, hand out new ones, look for new keys."""
        keys_at = sampled_at = looked_at = self.clock.elapsed()
        while True:
            slept_at = self.clock.elapsed()
            await asyncio.sleep(HOUSEKEEPING_S)
            woke_at = self.clock.elapsed()
            self.limits.adapt(woke_at - slept_at - HOUSEKEEPING_S, woke_at - looked_at)
            looked_at = woke_at
            for _ in range(MOST_SOLVES):
                if not self.router.tables.refresh(self.clock.now()):
                    break
                await asyncio.sleep(BETWEEN_SOLVES_S)
            self._drain_tables()
            for shift in self.router.drain_shifts():
                self.intake.publish(shift)
            if self.clock.elapsed() - sampled_at >= SAMPLE_S:
                sampled_at = self.clock.elapsed()
                self.dashboard.sample()
                self.vigil.look()
                for look in self.on_second:
                    look()
            if self.clock.elapsed() - keys_at > KEYS_EVERY_S:
                keys_at = self.clock.elapsed()
                await self._look_for_keys()

    async def _snapshots(self) -> None:
        while True:
            await asyncio.sleep(self.settings.store.snapshot_every)
            self.keep_snapshot()

    async def _recovery(self) -> None:
        """A store that was away at the start is read once it takes entries.

        All that happened since is in it by then, so that restoring it is as good as having
        restored it at the start. Reading holds up the event loop: no entry may come between.
        """
        if self.is_restored:
            return
        self.ledger.append(
            Event(kind=EventKind.STORE_RECOVERED, deployment="", at=self.clock.now())
        )
        while self.ledger.stats().pending:
            await self.ledger.flushed()
        position, state = stored_state(self.engine)
        self.router.book.from_state({"pages": {}, "redirects": {}})
        self.router.beliefs.from_state({"groups": []})
        restore(self.router, self.engine, state, position, self.clock)
        follow_redirects(self.intake)
        self.router.tables.forget()
        self.is_restored = True

    async def _look_for_keys(self) -> None:
        """Keys as the store has them; while it is away, those known before."""
        with contextlib.suppress(StoreError):
            self.access.replace_keys(await asyncio.to_thread(queries.keys, self.engine))

    async def _pruning(self) -> None:
        """Keep the store bounded; what cannot be deleted now is deleted an hour later."""
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(prune, self.engine, self.clock.now())

    def keep_snapshot(self) -> None:
        if self.is_restored:
            self.ledger.append(self._snapshot())

    def _snapshot(self) -> StateSnapshot:
        with gc_tuning.uncollected():
            body = {"seed": self.router.seed, "router": self.router.to_state()}
            return StateSnapshot(self.clock.now(), orjson.dumps(body))

    def _drain_tables(self) -> None:
        hand_out_tables(self.router, self.ledger, self.events)


def follow_redirects(intake: FeedIngestion) -> None:
    """Prices of models that deployments were found to be redirected to."""
    for served in intake.router.redirects.values():
        if served not in intake.router.catalog.deployments:
            intake.identity.follow(served)
