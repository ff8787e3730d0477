"""The service in a process of its own, before three providers; the first is the best buy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.chaos.load import Load, burst, load
from tests.chaos.provider import Provider, provider
from tests.process import Process, free_port
from windsock.core.model.calls import Outcome
from windsock.core.model.events import Event
from windsock.store import queries
from windsock.store.engine import open_engine

NAMES = ("acme", "bolt", "core")
FAR = 1e12
KEY = "sk-upstream-canary-{name}-5d41402abc4b2a76"


@dataclass
class Trial:
    """Everything that runs; `best` is where nearly all requests go while nothing is wrong."""

    process: Process
    providers: Sequence[Provider]
    folder: Path
    config: Path

    @property
    def best(self) -> Provider:
        return self.providers[0]

    @property
    def url(self) -> str:
        return self.process.url

    async def load(self, rps: float, seconds: float, **facts: Any) -> Load:
        """See `tests.chaos.load.load`."""
        return await load(self.url, rps=rps, seconds=seconds, **facts)

    async def burst(self, count: int, **facts: Any) -> Load:
        """See `tests.chaos.load.burst`."""
        return await burst(self.url, count, **facts)

    async def get(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False) as http:
            answer = await http.get(path)
            is_json = answer.headers["content-type"] == "application/json"
            return answer.json() if is_json else answer.text

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def record(self) -> tuple[list[Outcome], list[Event]]:
        """What its SQLite file holds: finished requests, and what changed."""
        engine = open_engine(f"sqlite:///{self.folder}/windsock.db")
        try:
            found = queries.decisions(engine, since=0.0, until=FAR)
            outcomes = [each for each in found if isinstance(each, Outcome)]
            return outcomes, queries.events(engine, since=0.0)
        finally:
            engine.dispose()


def config_text(
    urls: Sequence[str],
    *,
    store: str,
    route: str = "",
    server: str = "",
    provider: str = "",
    feeds: str = "",
) -> str:
    """windsock.toml with a route `auto` over model `m` of each provider, each dearer than the last.

    route, server, provider     lines for [routes.auto], [server] and each [providers.*]
    feeds                       lines for [feeds], which then state the prices
    """
    parts = [f"[server]\n{server}\n", f'[store]\nurl = "{store}"\nsnapshot_every = "500ms"\n']
    for place, (name, url) in enumerate(zip(NAMES, urls, strict=False), 1):
        price = "" if feeds else f"price = {{ input = {place}, output = {place * 4} }}\n"
        key = KEY.format(name=name)
        parts.append(
            f'[providers.{name}]\nbase_url = "{url}"\napi_key = "{key}"\n{price}{provider}\n'
        )
    names = ", ".join(f'"{name}/m"' for name in NAMES[: len(urls)])
    parts.append(f"[routes.auto]\ncandidates = [{names}]\nquality_floor = 0.1\n{route}\n")
    parts.append(f"[feeds]\n{feeds or 'enabled = []'}\n")
    return "".join(parts)


@asynccontextmanager
async def trial(
    *,
    count: int = 3,
    urls: Sequence[str | None] = (),
    route: str = "",
    server: str = "",
    feeds: str = "",
    provider_lines: str = "",
    store: str = "",
    under: dict[str, str] | None = None,
    **facts: Any,
) -> AsyncIterator[Trial]:
    """A service before `count` providers, ended with SIGTERM unless it has ended already.

    urls    addresses to use instead of those of the first providers, where not None
    facts   of every provider, such as wait_s
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="windsock-chaos-")))
        providers = [await stack.enter_async_context(provider(**facts)) for _ in range(count)]
        found = [each.url for each in providers]
        found = [
            own or usual for own, usual in zip([*urls, *found[len(urls) :]], found, strict=True)
        ]
        config = folder / "windsock.toml"
        store = store or f"sqlite:///{folder}/windsock.db"
        text = config_text(
            found, store=store, route=route, server=server, provider=provider_lines, feeds=feeds
        )
        config.write_text(text)
        process = Process(config, free_port(), under)
        try:
            await process.ready()
            yield Trial(process, providers, folder, config)
        finally:
            if process.process.poll() is None:
                await asyncio.to_thread(process.terminate)
            process.log.close()
