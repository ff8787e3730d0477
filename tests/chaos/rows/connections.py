"""Rows about connections: none to be had, stale ones, clients who drop theirs."""

from __future__ import annotations

import asyncio
import json
import time

from tests.chaos import faults
from tests.chaos.load import words
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial
from tests.process import free_port


@row("unreachable")
async def unreachable(rps: float = 50, seconds: float = 60) -> Finding:
    finding = Finding()
    for name, host in (("refused", f"127.0.0.1:{free_port()}"), ("unknown", "nowhere.invalid")):
        async with trial(urls=[f"http://{host}/v1"]) as it:
            usual = await it.load(rps, seconds / 6, model="bolt/m")
            first = await it.load(rps, seconds / 6)
            after = await it.load(rps, seconds / 3)
            success = (first.success + after.success) / 2
            finding.at_least(f"{name}: success", success, 0.999, "%")
            added = after.seconds(0.99) - usual.seconds(0.99)
            finding.at_most(f"{name}: added p99 once ejected", added * 1000, 50, "ms")
    return finding


@row("stale keep-alive")
async def stale(count: int = 10_000) -> Finding:
    """Every kept connection is closed, by FIN or RST in turn, just as its next request comes."""
    async with trial(count=1) as it:
        it.best.fault = faults.stale
        seen = await it.burst(count, at_once=1)
        errors = sum(not each.is_whole for each in seen.seen)
        finding = Finding().at_most("client errors", errors, 0)
        finding.at_least("requests", len(seen.seen), count)
        return finding.fact(f"{len(it.best.calls) - count} stale connections replaced")


@row("client leaves")
async def client_leaves(count: int = 100) -> Finding:
    finding = Finding()
    for is_stream in (False, True):
        async with trial(count=1, wait_s=0.0 if is_stream else 5.0, between_s=0.5) as it:
            delays = await asyncio.gather(*(_leave(it, is_stream) for _ in range(count)))
            kind = "streamed" if is_stream else "plain"
            seen = sum(delay is not None for delay in delays) / count
            slowest = max((delay for delay in delays if delay is not None), default=99.0)
            finding.at_least(f"{kind}: seen by the provider", seen, 1.0, "%")
            finding.at_most(f"{kind}: slowest", slowest * 1000, 100, "ms")
            paid = await _paid(it)
            finding.at_least(f"{kind}: recorded with what was spent", paid / count, 1.0, "%")
    return finding


async def _leave(it: Trial, is_stream: bool) -> float | None:
    """Seconds from leaving until the provider saw it; None if it never did."""
    text = words()
    ask = {"model": "auto", "stream": is_stream, "messages": [{"role": "user", "content": text}]}
    body = json.dumps(ask).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    host, _, port = it.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.encode() + body)
    if is_stream:
        while b"content" not in await reader.readline():
            pass
    else:
        while not any(text == each["messages"][-1]["content"] for each in it.best.asked):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    left_at = time.monotonic()
    writer.close()
    for _ in range(300):
        if text in it.best.left:
            return it.best.left[text] - left_at
        await asyncio.sleep(0.01)
    return None


async def _paid(it: Trial) -> int:
    """Cancelled requests in the ledger that cost something."""
    await asyncio.sleep(1.0)
    lines = [json.loads(line) for line in str(await it.get("/v1/decisions")).splitlines()]
    return sum(not line["ok"] and float(line["cost_usd"]) > 0 for line in lines)
