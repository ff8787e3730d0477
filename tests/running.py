"""The whole service on loopback, as `windsock serve` builds it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from windsock.app.bootstrap import build
from windsock.app.http_server import server_of
from windsock.app.service import Service
from windsock.clock import Clock
from windsock.config.file import parse
from windsock.store.engine import open_engine
from windsock.store.migrations import upgrade_engine


@dataclass
class Running:
    url: str
    http: httpx.AsyncClient
    service: Service


@asynccontextmanager
async def running(
    config: str, tmp_path: Path, *, clock: Clock | None = None, **environ: str
) -> AsyncIterator[Running]:
    """Serve `config` on a free port until the block ends; the store is a file in `tmp_path`."""
    text = config
    if "[store]" not in text:
        store = tmp_path / "windsock.db"
        text += f'\n[store]\nurl = "sqlite:///{store}"\n'
        if not store.exists():
            store.write_bytes(empty_store())
    if "[feeds]" not in text:
        text += "\n[feeds]\nenabled = []\n"
    service = build(parse(text, environ, source="windsock.toml"), environ, clock=clock)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    server = server_of(service, host="127.0.0.1", port=port)
    task = asyncio.create_task(server._serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    # As in a process of its own. Services that came and went are not freed then, 3 MB each; to free
    # them takes a sixth of their time.
    gc.freeze()
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http:
        try:
            yield Running(url, http, service)
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task


@cache
def empty_store() -> bytes:
    """A store as all revisions leave it: they take a third of a start, a thousand times a run."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "windsock.db"
        engine = open_engine(f"sqlite:///{store}")
        upgrade_engine(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return store.read_bytes()


def config_of(*providers: tuple[str, str, float]) -> str:
    """A route `auto` over one model `m` at each (provider, base_url, usd_per_mtok)."""
    parts = []
    for name, url, usd in providers:
        parts.append(
            f'[providers.{name}]\nbase_url = "{url}"\napi_key = "sk-upstream-{name}-secret"\n'
            f"price = {{ input = {usd}, output = {usd * 4} }}\n"
        )
    names = ", ".join(f'"{name}/m"' for name, _, _ in providers)
    return "".join(parts) + f"[routes.auto]\ncandidates = [{names}]\n"
