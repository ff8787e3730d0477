"""Three services as processes over one real PostgreSQL, a provider and a price feed."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from aiohttp import web

from tests.process import Process, free_port
from tests.replicas.wire import Wire
from tests.store.conftest import Postgres
from tests.upstream import Answer, completion, upstream

NAMES = ("acme/m", "bolt/m", "core/m")
PRICES = {
    "acme": {"models": {"m": {"id": "m", "cost": {"input": 0.5, "output": 1.0}}}},
    "bolt": {"models": {"m": {"id": "m", "cost": {"input": 0.8, "output": 1.6}}}},
    "core": {"models": {"m": {"id": "m", "cost": {"input": 5.0, "output": 9.0}}}},
}
LEASE_S = 2.0
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


class Feed:
    """A price list on loopback, in the shape of models.dev."""

    def __init__(self) -> None:
        self.prices = copy.deepcopy(PRICES)
        self.polls = 0
        self.url = ""

    async def handle(self, _: web.Request) -> web.Response:
        self.polls += 1
        return web.json_response(self.prices)


@dataclass
class Group:
    """Running replicas and what stands around them."""

    postgres: Postgres
    database: str
    feed: Feed
    folder: Path
    text: str
    processes: list[Process] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    wires: list[Wire] = field(default_factory=list)
    marks: dict[str, tuple[int, float, int]] = field(default_factory=dict)
    is_loaded: bool = True
    unasked: set[int] = field(default_factory=set)

    async def start(self, under: dict[str, str] | None = None) -> Process:
        """One more replica, on a wire of its own; `under` environment on top of this one's."""
        number = len(self.processes)
        self.wires.append(wire := Wire(self.postgres.port))
        folder = self.folder / f"r{number}"
        folder.mkdir()
        config = folder / "windsock.toml"
        text = self.text.replace("NAME", f"r{number}").replace("PORT", str(wire.port))
        config.write_text(text)
        process = Process(config, free_port(), under)
        self.processes.append(process)
        return process

    async def ready(self, *processes: Process) -> None:
        await asyncio.gather(*(each.ready() for each in processes or self.processes))

    async def weights(self, process: Process) -> dict[str, float]:
        async with httpx.AsyncClient(base_url=process.url, trust_env=False, timeout=10) as http:
            (cell,) = (await http.get("/v1/weights", params={"route": "auto"})).json()["data"]
        return {each["deployment"]: each["weight"] for each in cell["candidates"]}

    async def spread(self, *processes: Process) -> float:
        """By how much the weights of any deployment differ between replicas, at most."""
        tables = await asyncio.gather(*(self.weights(each) for each in processes))
        return max(
            max(t.get(name, 0.0) for t in tables) - min(t.get(name, 0.0) for t in tables)
            for name in NAMES
        )

    async def load(self, number: int, *, every_s: float, judged: Any, **more: Any) -> None:
        """Ask one replica and judge its answers until told to stop, or until it is gone."""
        url = self.processes[number].url
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=20) as http:
            while self.is_loaded and number not in self.unasked:
                try:
                    answer = await http.post("/v1/chat/completions", json={**ASK, **more})
                except httpx.TransportError as error:
                    self.failed.append((number, type(error).__name__))
                    if self.processes[number].process.poll() is not None:
                        return
                    continue
                if answer.status_code != 200:
                    self.failed.append((number, answer.text[:300]))
                else:
                    self.answered[number] += 1
                    self.decisions.add(answer.headers["x-windsock-decision-id"])
                    await self.judge(http, answer, judged)
                await asyncio.sleep(every_s)

    async def judge(self, http: httpx.AsyncClient, answer: httpx.Response, judged: Any) -> None:
        decision = answer.headers["x-windsock-decision-id"]
        value = judged(answer.headers["x-windsock-deployment"])
        with contextlib.suppress(httpx.TransportError):
            await http.post("/v1/feedback", json={"decision_id": decision, "value": value})

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url(self.database), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def leader(self) -> tuple[str, int, float]:
        """(name of the replica, token, seconds left)"""
        found = self.rows(
            "SELECT r.name, l.token, l.until - extract(epoch FROM clock_timestamp()) "
            "FROM lease l JOIN replica r ON r.id = l.holder"
        )
        return found[0]

    def number_of(self, name: str) -> int:
        return int(name.removeprefix("r"))

    def unwritten(self) -> int:
        """Answers that the ledger has not, just now."""
        ((written,),) = self.rows("SELECT count(*) FROM request")
        return sum(self.answered.values()) - written

    def told(self, kind: str) -> float:
        """The sum of the first values of all contributions of a kind, by whichever replica."""
        bodies = (json.loads(body) for (body,) in self.rows("SELECT body FROM replica_delta"))
        return sum(each[2][0] for body in bodies for each in body["learnt"] if each[0] == kind)

    async def stop_all(self) -> None:
        for each in self.processes:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGCONT)
                each.kill()
        for wire in self.wires:
            wire.stop()


@contextlib.asynccontextmanager
async def group_of(
    postgres: Postgres,
    folder: Path,
    *,
    count: int = 3,
    more: str = "",
    under: dict[str, str] | None = None,
) -> AsyncIterator[Group]:
    """`count` replicas, ready; `under` environment on top of this one's."""
    feed = Feed()
    app = web.Application()
    app.router.add_get("/api.json", feed.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    feed.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api.json"
    database = postgres.new_database().rpartition("/")[2]
    try:
        async with upstream(lambda _: Answer(completion(model="m"))) as model:
            text = "".join(
                f'[providers.{name}]\nbase_url = "{model.url}"\napi_key = "k"\n' for name in PRICES
            ) + (
                f'[routes.auto]\ncandidates = ["acme/m", "bolt/m", "core/m"]\n'
                f'[store]\nurl = "postgresql://windsock@127.0.0.1:PORT/{database}"\n'
                'snapshot_every = "1s"\n'
                f'[replicas]\nenabled = true\nname = "NAME"\nlease = "{LEASE_S:g}s"\n'
                '[feeds]\nenabled = ["models-dev"]\n[feeds.override.models-dev]\n'
                f'url = "{feed.url}"\nevery = "1s"\nallow_private = true\n{more}'
            )
            group = Group(postgres, database, feed, folder, text)
            try:
                await group.start(under)
                await group.ready()
                for _ in range(count - 1):
                    await group.start(under)
                await group.ready()
                yield group
            finally:
                group.is_loaded = False
                await group.stop_all()
    finally:
        await runner.cleanup()
