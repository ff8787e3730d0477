"""Rows about time: a clock that jumps, and a long one."""

from __future__ import annotations

import asyncio
import time
from statistics import linear_regression

from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.feeds.clock_steps import EVERY_S
from tests.feeds.test_clock_steps import DAY, HOUR, stepped

USUAL_REQUESTS = 120_000


@row("clock")
async def clock() -> Finding:
    """The real poller under libfaketime, and the poll after each step."""
    steps = [f"-{HOUR}", f"+{2 * HOUR}", f"+{30 * DAY}"]
    seen = await asyncio.to_thread(stepped, steps)
    finding = Finding()
    for each in seen:
        days = int(each["step"]) / HOUR
        waited = 99.0 if each["wait_s"] is None else each["wait_s"]
        finding.at_most(f"{days:+.0f} h: next poll after", waited / EVERY_S, 2, "intervals")
        finding.at_most(f"{days:+.0f} h: loop blocked", each["lag_s"] * 1000, 200, "ms")
    return finding


@row("leaks")
async def leaks(rps: float = 400, seconds: float = 300, warm_s: float = 60) -> Finding:
    """Memory by a straight line through a sample a second, once warm.

    As many requests as 200 a second are in 10 minutes, in half the time.
    """
    async with trial() as it:
        await it.load(rps, warm_s)
        before = it.process.descriptors()
        threads = it.process.threads()
        watch = asyncio.create_task(_memory(it))
        seen = await it.load(rps, seconds)
        watch.cancel()
        slope = linear_regression(*zip(*it.memory, strict=True)).slope
        grown = slope * USUAL_REQUESTS / rps
        finding = Finding().at_most("memory over 120,000 requests", grown, 1.0, "MB")
        await asyncio.sleep(1.0)
        finding.at_most("descriptors more", it.process.descriptors() - before, 8)
        finding.at_most("threads more", it.process.threads() - threads, 2)
        is_idle = "windsock_requests_running 0.0" in str(await it.get("/metrics"))
        finding.at_least("nothing under way at the end", float(is_idle), 1)
        finding.at_least("success", seen.success, 1.0, "%")
        return finding.fact(
            f"{rps:g} requests a second for {seconds:g} s, {it.process.rss_mb():.0f} MB at the end"
        )


async def _memory(it: Trial) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(1.0)
        it.memory.append((time.monotonic() - begun, it.process.rss_mb()))
