"""What a request costs with one process and with two at one port, in CPU.

A busy machine changes it less than rates.

    python -m tests.benchmarks.workers
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

import httpx

from tests.benchmarks.tables import markdown
from tests.process import Process, free_port
from tests.running import config_of
from tests.upstream import Answer, completion, upstream

REQUESTS, CLIENTS = 4_000, 16
BODY = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}


def cpu_s(pid: int) -> float:
    """Of a process and those that it started, so far."""
    below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(cpu_s(int(each)) for each in below)


async def measure(workers: int) -> float:
    """CPU seconds of 1,000 requests."""
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
                before = cpu_s(process.process.pid)
                each = REQUESTS // CLIENTS
                await asyncio.gather(*(ask(process.url, each) for _ in range(CLIENTS)))
                await asyncio.sleep(1)
                return (cpu_s(process.process.pid) - before) / REQUESTS * 1000
            finally:
                process.terminate()


async def ask(url: str, count: int) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        for _ in range(count):
            (await http.post("/v1/chat/completions", json=BODY)).raise_for_status()


async def main() -> None:
    one, two = await measure(1), await measure(2)
    rows = [["1", f"{one:.3f}", ""], ["2", f"{two:.3f}", f"{2 * one / two:.2f}"]]
    print(markdown(["processes", "CPU s of 1,000 requests", "times one, a core each"], rows))


if __name__ == "__main__":
    asyncio.run(main())
