"""The row about a price feed that goes wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial

FEED = """
id = "sheet"
kind = "price"
url = "{url}"
every = "1s"
unit = "usd/mtok"
trust = 0.9
allow_private = true
quotes = '.[] | {{model, input, output}}'
"""
RIGHT = {"acme/m": 1.0, "bolt/m": 2.0, "core/m": 3.0}


def sheet(**changed: object) -> bytes:
    rows = {**RIGHT, **changed}
    return json.dumps(
        [
            {"model": name, "input": usd, "output": 4 * usd if isinstance(usd, float) else usd}
            for name, usd in rows.items()
        ]
    ).encode()


WRONG: dict[str, tuple[int, bytes]] = {
    "down": (503, b"no"),
    "empty": (200, b""),
    "no rows": (200, b"[]"),
    "html": (200, b"<html>sorry</html>"),
    "cut": (200, sheet()[:40]),
    "zero": (200, sheet(**{"core/m": 0.0})),
    "negative": (200, sheet(**{"core/m": -1.0})),
    "text": (200, sheet(**{"core/m": "free"})),
    "NaN": (200, sheet().replace(b"3.0", b"NaN")),
    "1/1000": (200, sheet(**{"core/m": 0.003})),
    "x1000": (200, sheet(**{"acme/m": 1000.0})),
    "1e-12": (200, sheet(**{"core/m": 3e-12})),
    "200 MB": (200, b"[" + b" " * 200_000_000),
}


class Feed:
    """A price feed on loopback that says what it is told."""

    def __init__(self) -> None:
        self.status, self.body = 200, sheet()
        self.polls = 0

    async def answer(self, _: web.Request) -> web.Response:
        self.polls += 1
        return web.Response(status=self.status, body=self.body, content_type="application/json")


@asynccontextmanager
async def served(feed: Feed) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/prices", feed.answer)
    runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/prices"
    finally:
        await runner.cleanup()


@row("price feed")
async def price_feed(polls: int = 2, kinds: tuple[str, ...] = tuple(WRONG)) -> Finding:
    feed = Feed()
    moved, silent, drawn = 0.0, [], 0
    async with served(feed) as url, _priced_by(url) as it:
        await _polled(feed, 2)
        before = await _weights(it)
        for kind in kinds:
            marks = len(it.log())
            feed.status, feed.body = WRONG[kind]
            await _polled(feed, polls)
            after = await _weights(it)
            moved = max(moved, *(abs(after[name] - before[name]) for name in before))
            seen = await it.burst(20)
            drawn += sum(each.deployment == "core/m" for each in seen.seen)
            said = it.log()[marks:]
            if "price.held" not in said and "feed.failed" not in said:
                silent.append(kind)
            feed.status, feed.body = 200, sheet()
            await _polled(feed, 2)
    finding = Finding().at_most("weights moved by", moved, 0.01, "%")
    finding.at_most("kinds without an alert", len(silent), 0)
    finding.at_most("requests drawn to the poisoned one", drawn / (20 * len(kinds)), 0.05, "%")
    return finding.fact(f"{len(kinds)} kinds" + (f", silent: {silent}" if silent else ""))


@asynccontextmanager
async def _priced_by(url: str) -> AsyncIterator[Trial]:
    with TemporaryDirectory(prefix="windsock-chaos-") as folder:
        room = Path(folder) / "sheet"
        room.mkdir()
        (room / "feed.toml").write_text(FEED.format(url=url))
        more = f'enabled = ["sheet"]\ndirs = ["{folder}"]\n'
        async with trial(feeds=more) as it:
            yield it


async def _polled(feed: Feed, times: int) -> None:
    until = feed.polls + times
    for _ in range(300):
        if feed.polls >= until:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)


async def _weights(it: Trial) -> dict[str, float]:
    (cell,) = (await it.get("/v1/weights?route=auto&task=default"))["data"]
    return dict(cell["weights"])
