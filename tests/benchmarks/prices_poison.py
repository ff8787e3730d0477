"""A feed that is poisoned: what the poisoned deployment gains in traffic, and what was said of it.

python -m tests.benchmarks.prices_poison

A whole service polls a feed on loopback. The dearest deployment's row, or the whole body, is spoilt
for five polls; then the feed is as before. Its share may not rise by a percentage point.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from aiohttp import web

from tests.test_price_to_traffic import POISON, START, ruled_out, weights, world
from windsock.observability import log

BAR = 0.01
POLLS = 5
NAME = "core/m"
COST = '{"input": 5.0, "output": 9.0}'
MORE = {
    "infinite": '{"input": Infinity, "output": Infinity}',
    "other-currency": '{"input": 0.72, "output": 1.3}',
    "tenth": '{"input": 0.5, "output": 0.9}',
    "input-only": '{"input": 5.0}',
    "swapped-cache": '{"input": 0.5, "output": 9.0, "cache_read": 0.5}',
}


def body_of(name: str) -> str:
    body = json.dumps(START)
    if name == "html":
        return "<html>" + body
    if name == "200-mb":
        return body[:-1] + " " * 200_000_000 + "}"
    return body.replace(COST, {**POISON, **MORE}[name] or "")


async def main() -> int:
    worst = 0.0
    print(f"{'poison':<16} {'share before':>12} {'highest':>8} {'gain':>9}  reason")
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as (it, feed):
            before = (await weights(it)).get(NAME, 0.0)
            for name in (*POISON, *MORE):
                feed.answer = web.Response(text=body_of(name), content_type="application/json")
                highest = 0.0
                for _ in range(POLLS):
                    await it.service.poller.poll_now("models-dev")
                    highest = max(highest, (await weights(it)).get(NAME, 0.0))
                reason = await told(it)
                worst = max(worst, highest - before)
                gain = f"{(highest - before) * 100:+.2f} pp"
                print(f"{name:<16} {before:>12.3%} {highest:>8.3%} {gain:>9}  {reason}")
                feed.answer = None
                await it.service.poller.poll_now("models-dev")
    print(f"\nlargest gain {worst * 100:+.2f} percentage points (bar: below {BAR * 100:.0f})")
    return int(worst >= BAR)


async def told(it) -> str:
    """Why the poisoned statement does not count: held, left out, or the whole body refused."""
    held = (await it.http.get("/v1/prices/quarantine")).json()["data"]
    (status,) = it.service.poller.status()
    skipped = [reason for name, reason in status.skipped if name == NAME]
    out = (await ruled_out(it)).get(NAME)
    reasons = [each["reason"] for each in held if each["deployment"] == NAME]
    return status.error or next(iter([*reasons, *skipped]), None) or out or "believed"


if __name__ == "__main__":
    log.configure(level="error", is_json=False)
    sys.exit(asyncio.run(main()))
