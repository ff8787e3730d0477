"""Rows about time: a clock that jumps, and a long one."""

from __future__ import annotations

import asyncio
import time
from statistics import linear_regression

from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.feeds.clock_steps import EVERY_S
from tests.feeds.test_clock_steps import DAY, HOUR, stepped
from windsock.service.feedback_inbox import MAX_OPEN

PORTION = 2_000


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
async def leaks(count: int = 120_000, warm: int = MAX_OPEN + 10_000) -> Finding:
    """As many requests as 200 a second are in 10 minutes, as fast as they are answered.

    Before them so many that the memory of decisions that wait for feedback is full.
    """
    async with trial() as it:
        await _asked(it, warm)
        descriptors, threads = it.process.descriptors(), it.process.threads()
        begun = time.monotonic()
        success, memory = await _asked(it, count)
        took_s = time.monotonic() - begun
        finding = Finding().at_most(
            "memory over 120,000 requests", _slope(memory) * 120_000, 1, "MB"
        )
        await asyncio.sleep(1.0)
        finding.at_most("descriptors more", it.process.descriptors() - descriptors, 8)
        finding.at_most("threads more", it.process.threads() - threads, 2)
        is_idle = "windsock_requests_running 0.0" in str(await it.get("/metrics"))
        finding.at_least("nothing under way at the end", float(is_idle), 1)
        finding.at_least("success", success, 1.0, "%")
        rate = f"{count:,} requests at {count / took_s:.0f} a second"
        return finding.fact(f"{rate}, {it.process.rss_mb():.0f} MB at the end")


async def _asked(it: Trial, count: int) -> tuple[float, list[tuple[float, float]]]:
    """The least success of a portion, and memory after each: (requests so far, MB)."""
    success, memory = 1.0, []
    for asked in range(0, count, PORTION):
        seen = await it.burst(min(PORTION, count - asked), at_once=32)
        success = min(success, seen.success)
        memory.append((float(asked), it.process.rss_mb()))
    return success, memory


def _slope(memory: list[tuple[float, float]]) -> float:
    return linear_regression(*zip(*memory, strict=True)).slope if len(memory) > 1 else 0.0
