"""Rows about time and load: more requests than can be served, and one provider with a slow tail."""

from __future__ import annotations

import asyncio
import json
import time

import httpx

from tests.chaos.load import Load
from tests.chaos.provider import Call
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.upstream import completion

PLACES, PLACE_S = 8, 0.2
CAPACITY_RPS = PLACES / PLACE_S
TAIL_EVERY, TAIL_S = 40, 1.0


@row("overload")
async def overload(seconds: float = 30) -> Finding:
    """A provider that serves 8 at a time and queues the rest, as servers of one's own do."""
    async with trial(count=1, provider_lines="adaptive = true") as it:
        places = asyncio.Semaphore(PLACES)

        async def queueing(call: Call) -> None:
            async with places:
                await asyncio.sleep(PLACE_S)
            await call.answer(json.dumps(completion(call.said)).encode())

        it.best.fault = queueing
        unloaded = await it.load(CAPACITY_RPS / 4, seconds / 3, kinds=[False])
        peak = await it.load(CAPACITY_RPS, seconds / 3, kinds=[False])
        health = asyncio.create_task(_health(it, seconds))
        started = time.monotonic()
        flood = await it.load(5 * CAPACITY_RPS, seconds, kinds=[False])
        took = time.monotonic() - started
        slow = flood.seconds(0.99) / unloaded.seconds(0.99)
        goodput = _whole(flood) / took / (_whole(peak) / (seconds / 3))
        refused = [each for each in flood.seen if each.status in (429, 503)]
        told = sum("retry-after" in each.headers for each in refused)
        finding = Finding().at_most("p99 of accepted over unloaded", slow, 3.0)
        finding.at_least("goodput over peak", goodput, 0.9, "%")
        finding.at_most("/healthz p99", await health, 50, "ms")
        finding.at_least("refusals with Retry-After", told / max(1, len(refused)), 1, "%")
        quick = sorted(each.seconds for each in refused)
        finding.fact(f"refused after {quick[len(quick) // 2] * 1000:.0f} ms in the median")
        return finding.fact(f"unloaded p99 {unloaded.seconds(0.99) * 1000:.0f} ms")


def _whole(load: Load) -> int:
    return sum(each.is_whole for each in load.seen)


async def _health(it: Trial, seconds: float) -> float:
    """99th percentile of GET /healthz, ms."""
    times = []
    async with httpx.AsyncClient(base_url=it.url, timeout=10, trust_env=False) as http:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            assert (await http.get("/healthz")).status_code == 200
            times.append((time.monotonic() - begun) * 1000)
            await asyncio.sleep(0.05)
    return sorted(times)[int(len(times) * 0.99)]


@row("hedging")
async def hedging(rps: float = 80, seconds: float = 30) -> Finding:
    """One answer in 40 of the best comes 1 s later; the others cost twice and thrice as much."""
    slow, plain_usd, _ = await _tail("", rps, seconds)
    quick, hedged_usd, calls = await _tail("hedge = 0.05", rps, seconds)
    cut = 1 - quick.seconds(0.99) / slow.seconds(0.99)
    finding = Finding().at_most("extra cost", hedged_usd / plain_usd - 1, 0.05, "%")
    finding.at_most("extra calls", calls - 1, 0.05, "%")
    finding.at_least("p99 cut", cut, 0.3, "%")
    finding.at_least("success", min(slow.success, quick.success), 0.999, "%")
    before_ms, after_ms = (each.seconds(0.99) * 1000 for each in (slow, quick))
    return finding.fact(f"p99 {before_ms:.0f} -> {after_ms:.0f} ms; off by default")


async def _tail(route: str, rps: float, seconds: float) -> tuple[Load, float, float]:
    """What clients saw, dollars a request, and calls a request."""
    async with trial(route=route, wait_s=0.05) as it:

        async def tailed(call: Call) -> None:
            if len(it.best.calls) % TAIL_EVERY == 0:
                await asyncio.sleep(TAIL_S)
            await it.best.right(call)

        it.best.fault = tailed
        seen = await it.load(rps, seconds)
        await asyncio.sleep(1)
        calls = sum(len(each.calls) for each in it.providers)
        outcomes, _ = it.record()
        usd = [float(each.cost_usd) for each in outcomes]
        return seen, sum(usd) / len(usd), calls / len(seen.seen)
