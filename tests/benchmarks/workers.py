"""What a request costs with one process and with two at one port, in CPU; of two, apart, what it
costs the one that leads and the one that is led.

A busy machine changes it less than rates. The bar is of two processes on two cores of their own.

    python -m tests.benchmarks.workers
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from pathlib import Path

import httpx

from tests.benchmarks.tables import markdown
from tests.process import Process, free_port
from tests.running import config_of
from tests.upstream import Answer, completion, upstream
from windsock.app.replicas.place import BITS_OF_NUMBERS
from windsock.core.model.calls import Outcome
from windsock.store import queries
from windsock.store.engine import open_engine

REQUESTS, CLIENTS, BAR = 4_000, 16, 1.8
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def cpu_s(pid: int) -> float:
    """Of a process and those that it started, so far."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_s(int(each)) for each in below)


def by_process(pid: int) -> list[float]:
    """CPU seconds so far of one that is alone; of several, of the one that leads and then each that
    is led, in the order in which they were started."""
    below = sorted(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return [cpu_s(each) for each in below] or [cpu_s(pid)]


def answered_by(database: Path) -> Counter[int]:
    """Requests by the process that answered them: 0 leads."""
    engine = open_engine(f"sqlite:///{database}")
    try:
        told = (each for each in queries.tail(engine, 0) if isinstance(each, Outcome))
        return Counter(each.decision.number >> BITS_OF_NUMBERS for each in told)
    finally:
        engine.dispose()


async def measure(workers: int) -> tuple[float, list[float]]:
    """CPU seconds of 1,000 requests, in all and of each process by those that it answered."""
    with tempfile.TemporaryDirectory() as folder:
        async with upstream(lambda _: Answer(completion())) as model:
            file = Path(folder) / "windsock.toml"
            text = config_of(("acme", model.url, 1.0), ("bolt", model.url, 2.0))
            file.write_text(
                f'{text}[store]\nurl = "sqlite:///{folder}/w.db"\n[feeds]\nenabled = []\n'
            )
            process = Process(file, free_port(), arguments=["--workers", str(workers)])
            try:
                await process.ready()
                await asyncio.sleep(3)
                await asyncio.gather(*(ask(process.url, 20) for _ in range(CLIENTS)))
                await asyncio.sleep(1)
                pid, database = process.process.pid, Path(folder) / "w.db"
                served, before, apart = answered_by(database), cpu_s(pid), by_process(pid)
                each = REQUESTS // CLIENTS
                await asyncio.gather(*(ask(process.url, each) for _ in range(CLIENTS)))
                await asyncio.sleep(1)
                used = [now - then for now, then in zip(by_process(pid), apart, strict=True)]
                whole = cpu_s(pid) - before
                served = answered_by(database) - served
                of_each = [1000 * s / max(1, served[n]) for n, s in enumerate(used)]
                return whole / REQUESTS * 1000, of_each
            finally:
                process.terminate()


async def ask(url: str, count: int) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        for _ in range(count):
            (await http.post("/v1/chat/completions", json=BODY)).raise_for_status()


async def main() -> None:
    (one, _), (two, (leads, led)) = await measure(1), await measure(2)
    times = 2 * one / two
    rows = [
        ["1", f"{one:.3f}", ""],
        ["2", f"{two:.3f}", f"{times:.2f}"],
        ["the one that leads, by its own", f"{leads:.3f}", ""],
        ["the one that is led, by its own", f"{led:.3f}", ""],
    ]
    print(markdown(["processes", "CPU s of 1,000 requests", "times one, a core each"], rows))
    print(f"bar >= {BAR:g}: {'met' if times >= BAR else 'missed'}")


if __name__ == "__main__":
    asyncio.run(main())
