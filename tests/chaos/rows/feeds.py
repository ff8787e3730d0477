"""The row about a price feed that goes wrong, in every way that feeds have gone wrong."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aiohttp import web

from tests.chaos.load import Load
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
quotes = '.[] | {{provider, model, input, output}}'
"""
RIGHT = {"acme": 1.0, "bolt": 1.5, "core": 2.0}
RPS = 20
STALE_S = 33
"""A feed polled every second is stale after 30 s without a good reading."""

Said = tuple[int, bytes]


def sheet(**changed: object) -> bytes:
    """Input prices by provider; output costs four times as much."""
    rows = {**RIGHT, **changed}
    return json.dumps(
        [
            {
                "provider": name,
                "model": "m",
                "input": usd,
                "output": 4 * usd if isinstance(usd, float) else usd,
            }
            for name, usd in rows.items()
        ]
    ).encode()


def scaled(factor: float) -> bytes:
    return sheet(**{name: usd * factor for name, usd in RIGHT.items()})


WRONG: dict[str, tuple[str, Said]] = {
    "down": ("", (503, b"no")),
    "empty": ("", (200, b"")),
    "no rows": ("", (200, b"[]")),
    "HTML": ("", (200, b"<html>sorry</html>")),
    "cut short": ("", (200, sheet()[:40])),
    "200 MB": ("", (200, b"[" + b" " * 200_000_000 + b"]")),
    "price 0": ("core", (200, sheet(core=0.0))),
    "price below 0": ("core", (200, sheet(core=-1.0))),
    "price in words": ("core", (200, sheet(core="free"))),
    "NaN": ("core", (200, sheet().replace(b"2.0,", b"NaN,"))),
    "1e-12": ("core", (200, sheet(core=2e-12))),
    "/1000": ("core", (200, sheet(core=0.002))),
    "x1000": ("acme", (200, sheet(acme=1000.0))),
    "all /1000": ("", (200, scaled(1e-3))),
    "all x1000": ("", (200, scaled(1e3))),
}
"""Whose price is wrong, if one's is, and what the feed says."""


class Feed:
    """A price feed on loopback that says what it is told."""

    def __init__(self) -> None:
        self.said: Said = (200, sheet())
        self.polls = 0

    async def answer(self, _: web.Request) -> web.Response:
        status, body = self.said
        self.polls += 1
        return web.Response(status=status, body=body, content_type="application/json")

    async def polled(self, times: int) -> None:
        """Wait until it was asked so often from now on, and what it said was taken in."""
        until = self.polls + times
        while self.polls < until:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)


@row("price feed")
async def price_feed(polls: int = 5, kinds: Sequence[str] = tuple(WRONG)) -> Finding:
    """Every kind for so many polls, under load; between them the feed is right again."""
    feed = Feed()
    moved, drawn, asked, silent = 0.0, 0.0, 0, []
    success = 1.0
    async with served(feed) as url, priced_by(url) as it:
        await feed.polled(2)
        before = await weights(it)
        for kind in kinds:
            poisoned, feed.said = WRONG[kind]
            alerts = await alerted(it)
            await feed.polled(1)
            if await alerted(it) == alerts:
                silent.append(kind)
            seen = await it.load(RPS, polls - 1)
            after = await weights(it)
            moved = max(moved, *(abs(after[name] - before[name]) for name in before))
            success = min(success, seen.success)
            if poisoned == "core":
                drawn += share(seen, "core/m") - before["core/m"]
                asked += 1
            feed.said = (200, sheet())
            await feed.polled(2)
        is_stale = await _goes_stale(it, feed)
    finding = Finding().at_most("weights moved by", moved, 0.01, "%")
    finding.at_most("kinds without an alert at the first poll", len(silent), 0)
    finding.at_most("more drawn to the poisoned one", drawn / max(1, asked), 0.01, "%")
    finding.at_least("success", success, 1.0, "%")
    finding.at_least(f"said to be stale after {STALE_S} s", float(is_stale), 1)
    names = ", ".join(kinds)
    return finding.fact(f"{names}; {polls} polls each" + f", silent: {silent}" * bool(silent))


async def _goes_stale(it: Trial, feed: Feed) -> bool:
    feed.said = (503, b"no")
    await asyncio.sleep(STALE_S)
    return 'event="feed.went_stale"' in str(await it.get("/metrics"))


async def alerted(it: Trial) -> float:
    """Prices held or unread and polls that failed, as the metrics count them."""
    found = re.findall(
        r'windsock_events_total\{event="(?:feed\.failed|price\.held|price\.unread)"\} (\S+)',
        str(await it.get("/metrics")),
    )
    return sum(map(float, found))


async def weights(it: Trial) -> dict[str, float]:
    (cell,) = (await it.get("/v1/weights?route=auto&task=default"))["data"]
    return dict(cell["weights"])


def share(load: Load, deployment: str) -> float:
    return sum(each.deployment == deployment for each in load.seen) / len(load.seen)


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


@asynccontextmanager
async def priced_by(url: str) -> AsyncIterator[Trial]:
    """A trial whose prices come from this feed alone."""
    with TemporaryDirectory(prefix="windsock-chaos-") as folder:
        room = Path(folder) / "sheet"
        room.mkdir()
        (room / "feed.toml").write_text(FEED.format(url=url))
        async with trial(feeds=f'enabled = ["sheet"]\ndirs = ["{folder}"]\n') as it:
            yield it
