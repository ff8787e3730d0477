"""Run under libfaketime by test_clock_steps: polls a loopback feed while the wall clock is moved.

Prints, per step, the seconds to the next poll and the longest time the event loop was blocked.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from aiohttp import web

from windsock.clock import SystemClock
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher
from windsock.feeds.poller import WATCH_EVERY_S, Poller
from windsock.observability.background import Supervisor

EVERY_S = 2.0


async def main(steps_file: Path, steps: list[str]) -> None:
    polls: list[float] = []

    async def handler(_: web.Request) -> web.Response:
        polls.append(time.monotonic())
        return web.json_response([{"model": "m", "input": 1, "output": 2}])

    app = web.Application()
    app.router.add_get("/feed", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    definition = FeedDefinition.model_validate(
        {
            "id": "test",
            "kind": "price",
            "url": f"http://127.0.0.1:{runner.addresses[0][1]}/feed",
            "every": EVERY_S,
            "unit": "usd/mtok",
            "trust": 0.5,
            "provider": "acme",
            "quotes": ".[]",
            "allow_private": True,
        }
    )
    poller = Poller(
        [definition],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=lambda *_: None,
        on_failure=lambda *_: None,
    )
    poller.start()
    tasks = Supervisor(clock=SystemClock())
    tasks.keep_every("polls", WATCH_EVERY_S, poller.watch)
    lag = Lag()
    watch = asyncio.create_task(lag.run())
    while len(polls) < 2:
        await asyncio.sleep(0.05)
    for step in steps:
        before, wall = len(polls), time.time()
        lag.worst = 0.0
        moved_at = time.monotonic()
        steps_file.write_text(step)
        while len(polls) == before and time.monotonic() - moved_at < 30:
            await asyncio.sleep(0.02)
        wait_s = polls[-1] - moved_at if len(polls) > before else None
        await asyncio.sleep(0.5)
        jumped = time.time() - wall
        print(json.dumps({"step": step, "wait_s": wait_s, "lag_s": lag.worst, "wall_s": jumped}))
    watch.cancel()
    await tasks.stop()
    await poller.stop()
    await runner.cleanup()


class Lag:
    """The most CPU the loop's thread spent between two turns: what blocks it, load or no load."""

    worst = 0.0

    async def run(self) -> None:
        while True:
            started = time.thread_time()
            await asyncio.sleep(0.01)
            self.worst = max(self.worst, time.thread_time() - started)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
