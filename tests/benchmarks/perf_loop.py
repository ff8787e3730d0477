"""How long the event loop stands still while the service works: solves, flushes, snapshots.

    python -m tests.benchmarks.perf_loop [--quick]

A probe wakes every half millisecond in the loop of a real service, in this process, and notes how
late it was. Polls have a benchmark of their own, feeds_poll. Writes its table into
docs/performance.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import uvloop

from tests.benchmarks.perf_machine import said
from tests.benchmarks.perf_rounds import BARS, verdict
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import quote
from tests.store.samples import outcome
from windsock.app import interpreter
from windsock.app.bootstrap import build
from windsock.app.service import Service
from windsock.config.file import parse
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.units import Usage
from windsock.observability.log import configure

TICK_S = 0.0005
BAR_MS = 2.0
SHAPES = ((8, 3), (100, 50))
FLUSHED = 2000
_numbers = itertools.count()
Work = Callable[[Service], Awaitable[None]]


async def main(*, is_quick: bool) -> None:
    interpreter.shorten()
    rounds = 3 if is_quick else 15
    rows = [await row("nothing to do, for comparison", SHAPES[0], nothing, rounds, bar=False)]
    for shape in SHAPES[:1] if is_quick else SHAPES:
        label = "re-solve of {} deployments x {} tasks after a price move".format(*shape)
        rows.append(await row(label, shape, solve, rounds))
        rows.append(await row("the same, and a reward", shape, learn_and_solve, rounds))
        rows.append(await row("snapshot, {} x {}".format(*shape), shape, snapshot, rounds))
    rows.append(await row("ledger flush of 2,000 outcomes", SHAPES[0], flush, rounds))
    text = f"{said()}.\n\n" + markdown(BARS, rows)
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "loop", text)


async def row(
    label: str, shape: tuple[int, int], work: Work, rounds: int, *, bar: bool = True
) -> list[str]:
    """The longest standstill of each round: their median, and the greatest."""
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder), *shape) as service:
            seen = [await standstill_ms(service, work) for _ in range(rounds)]
    lates, busy = [late for late, _ in seen], [worked for _, worked in seen]
    figure = (
        f"{median(lates):.1f} ms, worst of {rounds}: {max(lates):.1f} ms; "
        f"of which computing {median(busy):.1f} ms, worst {max(busy):.1f} ms"
    )
    return [label, f"{BAR_MS:.0f} ms" * bar, figure, verdict(max(lates) <= BAR_MS) * bar]


@contextlib.asynccontextmanager
async def serving(folder: Path, deployments: int, tasks: int):  # type: ignore[no-untyped-def]
    """A started service whose route has been asked for every task, with some evidence."""
    configure(stream=(folder / "log").open("w"))
    names = [f"p/m{i}" for i in range(deployments)]
    listed = ", ".join(f'"{name}"' for name in names)
    text = (
        '[providers.p]\nbase_url = "http://127.0.0.1:9/v1"\nprice = { input = 1, output = 4 }\n'
        f"[routes.auto]\ncandidates = [{listed}]\n[feeds]\nenabled = []\n"
        f'[store]\nurl = "sqlite:///{folder}/windsock.db"\nsnapshot_every = "1h"\n'
    )
    service = build(parse(text, {}, source=""), {})
    now = service.clock.now()
    for task in range(tasks):
        request = RouteRequest(model="auto", task=f"task {task}", prompt_tokens=500)
        cell = service.router.open(request, now).decision.cell
        for i, name in enumerate(names):
            right = 60 * (0.6 + 0.3 * i / deployments)
            service.router.beliefs.observe_sums(cell, name, 60, right, right, now=now)
            usage = Usage(input_tokens=300, output_tokens=100)
            service.router.beliefs.observe_usage(cell, name, usage, now)
    service.router.tables.forget()
    for task in range(tasks):
        request = RouteRequest(model="auto", task=f"task {task}", prompt_tokens=500)
        service.router.open(request, now)
    await service.start()
    await asyncio.sleep(1.0)
    try:
        yield service
    finally:
        await service.stop()


async def standstill_ms(service: Service, work: Work) -> tuple[float, float]:
    """The longest time in which the loop did not turn while `work` went on, and its own CPU then.

    What is not its own is other threads of the service, and whatever else runs on the machine.
    """
    worst, busiest, over = 0.0, 0.0, asyncio.Event()

    async def probe() -> None:
        nonlocal worst, busiest
        while not over.is_set():
            begun, computed = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_S)
            worst = max(worst, time.perf_counter() - begun - TICK_S)
            busiest = max(busiest, time.thread_time() - computed)

    watching = asyncio.create_task(probe())
    await asyncio.sleep(0.05)
    await work(service)
    await asyncio.sleep(0.05)
    over.set()
    await watching
    return worst * 1000, busiest * 1000


async def nothing(service: Service) -> None:
    await asyncio.sleep(0.6)


async def solve(service: Service) -> None:
    """A price moves; requests of one task go on, and the tables are solved anew."""
    router, clock = service.router, service.clock
    usd = 1.0 + 0.1 * (int(clock.now() * 1000) % 7 + 1)
    router.absorb(quote("p/m0", usd=usd, seen_at=clock.now()), clock.now())
    for _ in range(60):
        router.open(RouteRequest(model="auto", task="task 0", prompt_tokens=500), clock.now())
        await asyncio.sleep(0.02)


async def learn_and_solve(service: Service) -> None:
    """The same after a reward, which moves every prior of the route."""
    cell = Cell("default", "auto", "task 0")
    service.router.beliefs.observe(cell, "p/m0", 1.0, now=service.clock.now())
    await solve(service)


async def snapshot(service: Service) -> None:
    service.housekeeping.keep_snapshot()
    await service.ledger.flushed()


async def flush(service: Service) -> None:
    entries = []
    for number in itertools.islice(_numbers, FLUSHED):
        entries.append(outcome(number))
        await asyncio.sleep(0)
    for entry in entries:
        service.ledger.append(entry)
    await service.ledger.flushed()


if __name__ == "__main__":
    uvloop.run(main(is_quick="--quick" in sys.argv))
