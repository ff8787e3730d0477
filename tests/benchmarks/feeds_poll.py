"""CPU of one full poll of three large feeds (parse, guard, store), and decisions meanwhile.

python -m tests.benchmarks.feeds_poll
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from windsock.app.background.intake.ingestion import FeedIngestion
from windsock.clock import SystemClock
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.catalog import Catalog, Deployment
from windsock.core.model.model_names import Identity
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.pricing.book import PriceBook
from windsock.core.routing.parts import parts_of
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.fetcher import Fetcher
from windsock.feeds.poller import Poller
from windsock.feeds.reader import read
from windsock.providers.presets import provider_names
from windsock.resources import folders
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

MODELS = 2200
BAR_S = 2.0
EVERY_S = 0.002
"""A decision falls due this often while latency is measured."""

QUIET_S = 3.0
ROUNDS = 5


def names() -> list[str]:
    return [f"vendor{i % 40}/model-{i}" for i in range(MODELS)]


def price(i: int, turn: int) -> float:
    """Between $0.05 and $20 per million; every tenth moves by 5 % a turn."""
    base = 0.05 * 1.0027**i
    return round(base * (1.05 if turn and i % 10 == 0 else 1.0), 6)


def openrouter(turn: int) -> bytes:
    models = [
        {
            "id": name,
            "context_length": 128000,
            "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
            "pricing": {
                "prompt": f"{price(i, turn) / 1e6:.12f}",
                "completion": f"{price(i, turn) * 4 / 1e6:.12f}",
            },
            "top_provider": {"max_completion_tokens": 8192},
            "supported_parameters": ["tools"],
        }
        for i, name in enumerate(names())
    ]
    return json.dumps({"data": models}).encode()


def litellm(turn: int) -> bytes:
    return json.dumps(
        {
            name: {
                "input_cost_per_token": price(i, turn) / 1e6,
                "output_cost_per_token": price(i, turn) * 4 / 1e6,
                "litellm_provider": name.partition("/")[0],
                "mode": "chat",
                "max_input_tokens": 128000,
            }
            for i, name in enumerate(names())
        }
    ).encode()


def models_dev(turn: int) -> bytes:
    body: dict[str, dict[str, dict[str, object]]] = {}
    for i, name in enumerate(names()):
        vendor, _, model = name.partition("/")
        entry = {
            "id": model,
            "cost": {"input": price(i, turn), "output": round(price(i, turn) * 4, 6)},
            "limit": {"context": 128000, "output": 8192},
            "modalities": {"input": ["text"], "output": ["text"]},
        }
        body.setdefault(vendor, {"models": {}})["models"][model] = entry
    return json.dumps(body).encode()


BODIES = {"openrouter": openrouter, "litellm": litellm, "models-dev": models_dev}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        intake, ledger = built(Path(folder))
        feeds = {name: load_feed(folders("pricefeeds", "feed.toml")[name]) for name in BODIES}
        cpu_of_polls(intake, feeds)
        gc.freeze()
        asyncio.run(decisions_during_polls(intake, feeds, Path(folder)))
        ledger.close()
        print(f"{ledger.stats().written} rows written to the store")


def built(folder: Path) -> tuple[FeedIngestion, Ledger]:
    """Every model a deployment, eight of them candidates of a route; a real store."""
    catalog = Catalog(
        Deployment(id=name, provider=name.partition("/")[0], model=name.partition("/")[2])
        for name in names()
    )
    beliefs = Beliefs()
    policy = PriceAware(beliefs, Objective(kind="quality_floor", quality_floor=0.8))
    router = Router(
        parts_of(
            catalog=catalog,
            routes={"auto": Route(name="auto", candidates=tuple(names()[:8]), policy=policy)},
            book=PriceBook(),
            beliefs=beliefs,
            default_policy=lambda _: policy,
        )
    )
    engine = open_engine(f"sqlite:///{folder / 'w.db'}")
    upgrade_engine(engine)
    ledger = Ledger(engine)
    ledger.open()
    intake = FeedIngestion(
        router=router,
        identity=Identity(catalog, provider_names()),
        clock=SystemClock(),
        append=ledger.append,
        publish=lambda _: None,
    )
    return intake, ledger


def cpu_of_polls(intake: FeedIngestion, feeds: dict[str, FeedDefinition]) -> None:
    """All threads together, so the store's writer counts."""
    for turn, title in enumerate(("first poll", "a tenth moved", "nothing moved")):
        spent = 0.0
        for name, definition in feeds.items():
            body = BODIES[name](min(turn, 1))
            started = time.process_time()
            intake.on_reading(definition, read(definition, body, seen_at=time.time()))
            spent += time.process_time() - started
        print(f"{title:<14} {spent:.2f} s of CPU for 3 x {MODELS} models (bar {BAR_S} s)")


async def decisions_during_polls(
    intake: FeedIngestion, feeds: dict[str, FeedDefinition], folder: Path
) -> None:
    """Decisions on the event loop while the three feeds are fetched, parsed, guarded and stored."""
    async with served(folder, feeds) as local:
        poller = Poller(
            local,
            fetcher=Fetcher(),
            clock=SystemClock(),
            on_reading=intake.take_in,
            on_failure=lambda definition, error: print(f"{definition.id} failed: {error}"),
        )
        quiet = await timed(intake.router, lambda: asyncio.sleep(QUIET_S))
        polled: list[tuple[float, float]] = []
        for turn in range(ROUNDS):
            for name, body in BODIES.items():
                (folder / name).write_bytes(body(turn % 2))
            polled += await timed(intake.router, lambda: poll(poller))
        await poller.stop()
    show("no poll", quiet)
    show("three polls at once", polled)
    p99 = [sorted(each)[int(len(each) * 0.99)][0] for each in (quiet, polled)]
    print(f"p99 of a decision during polls over without: {p99[1] / p99[0]:.2f}")


async def poll(poller: Poller) -> None:
    await asyncio.gather(*(poller.poll_now(name) for name in BODIES))


async def timed(router: Router, work: Callable[[], Awaitable[object]]) -> list[tuple[float, float]]:
    """(wait, busy) of decisions, one each EVERY_S, in seconds.

    wait    from when it was due until it was made
    busy    CPU of the event loop's thread meanwhile, which load from outside leaves alone
    """
    task = asyncio.ensure_future(work())
    request = RouteRequest(model="auto", prompt_tokens=500)
    waits = []
    while not task.done():
        due, spent = time.perf_counter() + EVERY_S, time.thread_time()
        await asyncio.sleep(EVERY_S)
        router.open(request, time.time())
        waits.append((time.perf_counter() - due, time.thread_time() - spent))
    await task
    return waits


def show(title: str, waits: list[tuple[float, float]]) -> None:
    print(f"{title}: {len(waits)} decisions")
    for name, column in (("due to made", 0), ("busy meanwhile", 1)):
        ordered = sorted(each[column] for each in waits)
        told = "  ".join(
            f"{mark} {ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3:.2f} ms"
            for mark, share in (("p50", 0.5), ("p99", 0.99), ("longest", 1.0))
        )
        print(f"    {name:<15} {told}")


@asynccontextmanager
async def served(
    folder: Path, feeds: dict[str, FeedDefinition]
) -> AsyncIterator[list[FeedDefinition]]:
    """The feeds at a server of its own process on loopback."""
    for name, body in BODIES.items():
        (folder / name).write_bytes(body(0))
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    server = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        port = int(line.partition(" port ")[2].split()[0])
        yield [
            definition.model_copy(
                update={"url": f"http://127.0.0.1:{port}/{name}", "allow_private": True}
            )
            for name, definition in feeds.items()
        ]
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
