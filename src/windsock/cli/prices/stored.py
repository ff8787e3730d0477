"""What a service would say that started now from a store, without one that runs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from windsock.app.bootstrap import build
from windsock.app.core_parts import emptied
from windsock.app.feed_parts import own_quotes
from windsock.app.service import Service
from windsock.app.state_recovery import restored
from windsock.cli.service_client import checked
from windsock.cli.stores import existing_store
from windsock.config.settings import Settings
from windsock.config.store.settings import StoreSettings


@contextmanager
def stored_service(settings: Settings, environ: Mapping[str, str]) -> Iterator[Service]:
    """A service that nothing has started, over all that the store holds, which is only read.

    raises  ConfigError or StoreError if there is no such store, or one of another version
    """
    with scratch_service(settings, environ) as service:
        take_over(service, settings)
        yield service


@contextmanager
def scratch_service(settings: Settings, environ: Mapping[str, str]) -> Iterator[Service]:
    """A service that nothing has started, over an empty store of its own; raises ConfigError."""
    with tempfile.TemporaryDirectory(prefix="windsock-") as folder:
        store = StoreSettings(url=f"sqlite:///{folder}/scratch.db")
        open_to_all = settings.server.model_copy(update={"keys": "open"})
        scratch = settings.model_copy(update={"store": store, "server": open_to_all})
        service = build(scratch, environ)
        try:
            yield service
        finally:
            service.ledger.close()
            service.engine.dispose()


def take_over(service: Service, settings: Settings) -> None:
    """Give a service what the store of `settings` holds; raises ConfigError or StoreError."""
    with existing_store(settings) as engine:
        restored(lambda _: emptied(service.router), engine)
    now = service.clock.now()
    own = own_quotes(service.settings, service.router.catalog, now)
    service.ingestion.adopt(service.ingestion.identity, own, service.ingestion.feeds)


@dataclass(frozen=True, slots=True)
class StoredClient:
    """Answers as a `ServiceClient` does, from a store alone."""

    service: Service

    def ask(self, path: str, *, method: str = "GET", **asked: Any) -> Any:
        """The JSON of an answer; raises WindsockError."""
        return asyncio.run(self._ask(path, method, asked))

    async def _ask(self, path: str, method: str, asked: Mapping[str, Any]) -> Any:
        inside = httpx.ASGITransport(app=self.service.app)
        async with httpx.AsyncClient(transport=inside, base_url="http://store") as http:
            return checked(await http.request(method, path, **asked), "the store")
