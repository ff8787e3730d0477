"""The running service: its tasks, its server, and a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from sqlalchemy import Engine

from windsock import log
from windsock.clock import Clock
from windsock.core.router import Router
from windsock.errors import StoreError
from windsock.feeds.polling import Poller
from windsock.intake import Intake
from windsock.service.access import Access
from windsock.service.app import Readiness
from windsock.service.caching import ResponseCache
from windsock.service.dashboard import Dashboard
from windsock.service.driver import Driver
from windsock.service.events import EventBus
from windsock.service.feedback import Feedbacks
from windsock.service.limits import Limits
from windsock.settings import Settings
from windsock.store import queries
from windsock.store.ledger import Ledger, StateSnapshot
from windsock.store.retention import prune
from windsock.vigil import Vigil
from windsock.webhooks import Webhooks

HOUSEKEEPING_S = 0.25
KEYS_EVERY_S = 2.0
SAMPLE_S = 1.0
PRUNE_EVERY_S = 3600.0


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
    limits: Limits
    cache: ResponseCache | None
    dashboard: Dashboard
    vigil: Vigil
    webhooks: Webhooks
    app: Any = None
    _tasks: list[asyncio.Task[None]] | None = None

    async def start(self) -> None:
        """Ready when this returns: state restored, prices known, polls scheduled."""
        self.access.replace_keys(await asyncio.to_thread(queries.keys, self.engine))
        self._tasks = [
            asyncio.create_task(self._housekeeping()),
            asyncio.create_task(self._snapshots()),
            asyncio.create_task(self._pruning()),
        ]
        # What is there now stays: a full collection of it would hold up requests by 100 ms.
        gc.freeze()
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
        if self.cache is not None:
            await self.cache.close()
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
            slept_at = self.clock.elapsed()
            await asyncio.sleep(HOUSEKEEPING_S)
            self.limits.look(self.clock.elapsed() - slept_at - HOUSEKEEPING_S)
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

    async def _pruning(self) -> None:
        """Keep the store bounded; what cannot be deleted now is deleted an hour later."""
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            with contextlib.suppress(StoreError):
                await asyncio.to_thread(prune, self.engine, self.clock.now())

    def _snapshot(self) -> StateSnapshot:
        body = {"seed": self.router.seed, "router": self.router.to_state()}
        return StateSnapshot(self.clock.now(), orjson.dumps(body))

    def _drain_tables(self) -> None:
        hand_out_tables(self.router, self.ledger, self.events)


def hand_out_tables(router: Router, ledger: Ledger, events: EventBus) -> None:
    for table in router.tables.drain():
        ledger.append(table)
        events.publish(table)


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
