"""Rows about time: a clock that jumps, and a long one."""

from __future__ import annotations

import asyncio
import time
from statistics import linear_regression

from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.feeds.clock_steps import EVERY_S
from tests.feeds.test_clock_steps import DAY, HOUR, stepped


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
async def leaks(rps: float = 200, seconds: float = 600, warm_s: float = 60) -> Finding:
    """Memory by a straight line through a sample a second, once warm."""
    async with trial() as it:
        await it.load(rps, warm_s)
        before = it.process.descriptors()
        watch = asyncio.create_task(_memory(it))
        seen = await it.load(rps, seconds)
        watch.cancel()
        slope = linear_regression(*zip(*it.memory, strict=True)).slope
        finding = Finding().at_most("memory slope in 10 min", slope * 600, 1.0, "MB")
        await asyncio.sleep(1.0)
        finding.at_most("descriptors more", it.process.descriptors() - before, 8)
        finding.at_least("success", seen.success, 1.0, "%")
        return finding.fact(
            f"{rps:g} requests a second for {seconds:g} s, {it.process.rss_mb():.0f} MB at the end"
        )


async def _memory(it: Trial) -> None:
    begun = time.monotonic()
    while True:
        await asyncio.sleep(1.0)
        it.memory.append((time.monotonic() - begun, it.process.rss_mb()))
