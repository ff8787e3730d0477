"""Seconds from `windsock serve` to ready after kill -9, with beliefs, prices and a ledger in place.

python -m tests.benchmarks.restart [REQUESTS]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median

import httpx

from tests.process import Process, free_port
from tests.test_restart import ASK, write_config
from tests.upstream import Answer, completion, upstream

BAR_S = 3.0
ROUNDS = 5


async def main(requests: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with upstream(lambda _: Answer(completion())) as model:
            config = write_config(Path(folder), model.url)
            process = Process(config, free_port())
            await process.ready()
            await fill(process.url, requests)
            process.kill()
            seconds = []
            for _ in range(ROUNDS):
                process = Process(config, free_port())
                seconds.append(await process.ready())
                process.kill()
            size = (Path(folder) / "windsock.db").stat().st_size / 1e6
            print(
                f"ready after kill -9 with {requests} requests in a ledger of {size:.1f} MB: "
                f"median {median(seconds):.2f} s, worst {max(seconds):.2f} s (bar {BAR_S} s)"
            )


async def fill(url: str, requests: int) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:

        async def some(count: int) -> None:
            for _ in range(count):
                answer = await http.post("/v1/chat/completions", json=ASK)
                said = {"decision_id": answer.headers["x-windsock-decision-id"], "value": True}
                await http.post("/v1/feedback", json=said)

        await asyncio.gather(*(some(requests // 8) for _ in range(8)))
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
