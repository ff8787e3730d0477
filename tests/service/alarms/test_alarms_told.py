"""Every alarm through the running service: it is told when it is so, once, and its end; and what
lies just below is not told at all. Told is: to /v1/events, a webhook, the log and /metrics."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from tests.running import Running, running
from tests.service.test_prices_shown import say
from tests.store.samples import decision, outcome
from tests.upstream import Answer, Upstream, completion, upstream
from windsock.app.background.watches.spend_watch import EVERY_S
from windsock.clock import SystemClock
from windsock.core.model.requests import Cell
from windsock.observability import log

DAY = 86_400.0
CELL = Cell("default", "auto", "sql")
FEEDS = ("mine", "other")
CAPPED = "[caps.all]\nusd = 0.00036\n"
"""What 20 calls cost."""


@dataclass
class Shifted:
    """The machine's clocks, which can be set forward."""

    ahead_s: float = 0.0
    clock: SystemClock = field(default_factory=SystemClock)

    def now(self) -> float:
        return self.clock.now() + self.ahead_s

    def elapsed(self) -> float:
        return self.clock.elapsed() + self.ahead_s


@dataclass
class Alarmed:
    """A service with two feeds and a webhook, and what it told."""

    it: Running
    model: Upstream
    clock: Shifted
    folder: Path
    hooked: list[dict[str, Any]]

    async def ask(self, status: int = 200) -> str:
        body = completion() if status == 200 else {"error": {"message": "no"}}
        self.model.reply = lambda _: Answer(body, status=status)
        asked = {"model": "auto", "messages": [{"role": "user", "content": "x"}]}
        answer = await self.it.http.post("/v1/chat/completions", json=asked)
        return answer.headers.get("x-windsock-decision-id", "")

    async def judge(self, decision: str, value: float) -> None:
        said = {"decision_id": decision, "value": value}
        (await self.it.http.post("/v1/feedback", json=said)).raise_for_status()

    def price(self, feed: str, usd: float = 1.0, *others: str, is_listed: bool = True) -> None:
        names = ["m"] * is_listed + ["else", *others]
        rows = [{"model": name, "input": usd, "output": 2 * usd} for name in names]
        (self.folder / f"{feed}.json").write_text(json.dumps(rows))

    async def poll(self, *feeds: str) -> None:
        for feed in feeds or FEEDS:
            await self.it.service.poller.poll_now(feed)

    async def turned(self, seconds: float = 0.0) -> None:
        """Time passes, and everything that looks now and then has looked."""
        service = self.it.service
        self.clock.ahead_s += seconds
        for name in ("staleness", "routes", "ends"):
            service.housekeeping.on_second[name]()
        service.housekeeping._hand_out()


async def disputed(a: Alarmed, far: bool) -> None:
    await a.turned()
    for _ in range(3):
        say(a.it, "odd", 0.7 if far else 1.0, 1.4 if far else 2.0)
        await a.turned()


async def agreed(a: Alarmed) -> None:
    say(a.it, "odd", 1.0, 2.0)
    await a.turned()


async def errors_rose(a: Alarmed, far: bool) -> None:
    for n in range(20):
        await a.ask(200 if n < (10 if far else 11) else 400)


async def errors_fell(a: Alarmed) -> None:
    for _ in range(30):
        await a.ask()


async def cap_spent(a: Alarmed, far: bool) -> None:
    for _ in range(20 if far else 15):
        await a.ask()
    await a.turned()


async def cap_renewed(a: Alarmed) -> None:
    await a.turned(DAY)


async def price_stale(a: Alarmed, far: bool) -> None:
    a.price("mine")
    await a.poll("mine")
    await a.turned(DAY + 60 if far else DAY - 60)


async def price_fresh(a: Alarmed) -> None:
    await a.poll("mine")
    await a.turned()


async def feed_stale(a: Alarmed, far: bool) -> None:
    (a.folder / "mine.json").unlink()
    for seconds in (3600, 3600, 3600 + (60 if far else -60), 10):
        a.clock.ahead_s += seconds
        await a.poll()
        await a.turned()


async def feed_fresh(a: Alarmed) -> None:
    a.price("mine")
    await a.poll("mine")
    await a.turned()


async def feed_failed(a: Alarmed, far: bool) -> None:
    if far:
        (a.folder / "mine.json").write_text("no json")
    else:
        a.price("mine", 1.02)
    for _ in range(3):
        await a.poll("mine")


async def vanished(a: Alarmed, far: bool) -> None:
    for listed in (True, not far, not far):
        a.price("mine", is_listed=listed)
        await a.poll("mine")


async def relisted(a: Alarmed) -> None:
    a.price("mine")
    await a.poll("mine")


async def listed(a: Alarmed, far: bool) -> None:
    a.price("mine")
    await a.poll("mine")
    for _ in range(2):
        a.price("mine", 1.0 if far else 1.05, *["new"] * far)
        await a.poll("mine")


async def route_down(a: Alarmed, far: bool) -> None:
    for _ in range(6):
        await a.ask(401)
    await a.turned()
    await a.turned(5.0)
    if far:
        await a.turned(6.0)
        await a.turned(2.0)
    else:
        await a.turned(600.0)
        await a.turned()


async def route_back(a: Alarmed) -> None:
    await a.turned(600.0)
    await a.turned(16.0)


async def evidence_apart(a: Alarmed, far: bool) -> None:
    for n in range(24):
        await a.judge(await a.ask(), float(n % 2 if far else n % 12 > 0))
    await a.turned()


async def evidence_together(a: Alarmed) -> None:
    for _ in range(100):
        await a.judge(await a.ask(), 1.0)
    await a.turned()


async def quality(a: Alarmed, far: bool) -> None:
    chance, beliefs = np.random.default_rng(6), a.it.service.router.beliefs
    beliefs.posterior(CELL, "acme/m")
    for mean in [0.92] * 300 + [0.7 if far else 0.92] * 20:
        value = float(chance.beta(12 * mean, 12 * (1 - mean)))
        beliefs.observe(CELL, "acme/m", value, now=a.clock.now())
    await a.turned()


async def quality_undone(a: Alarmed) -> None:
    name = {"route": "auto", "deployment": "acme/m"}
    (await a.it.http.post("/v1/alarms/undo", json=name)).raise_for_status()


async def loop_late(a: Alarmed, far: bool) -> None:
    for _ in range(40):
        a.it.service.housekeeping.loop.note(0.2 if far else 0.05, 0.25)


async def loop_on_time(a: Alarmed) -> None:
    for _ in range(40):
        a.it.service.housekeeping.loop.note(0.001, 0.25)


async def spend_rose(a: Alarmed, far: bool) -> None:
    """The same hour of four days, and one that cost three times as much, or a little less."""
    now = a.clock.now()
    for days, usd in enumerate((3.1 if far else 2.9, 1.0, 1.0, 1.0, 0.001)):
        cost = Decimal(repr(usd)) / 100
        for n in range(100):
            number = days * 100 + n + 1
            begun = decision(number, at=now - days * DAY - 1800 + n)
            a.it.service.ledger.append(outcome(number, decision=begun, cost_usd=cost))
    await spend_seen(a)


async def spend_seen(a: Alarmed) -> None:
    await a.it.service.ledger.flushed()
    a.clock.ahead_s += EVERY_S
    await a.it.service.housekeeping.on_second["spend"]()


async def spend_fell(a: Alarmed) -> None:
    a.clock.ahead_s += 3600
    await spend_seen(a)


Make = Callable[[Alarmed, bool], Awaitable[None]]
End = Callable[[Alarmed], Awaitable[None]]
CASES: dict[str, tuple[Make, str, End | None]] = {
    "errors.rose": (errors_rose, "errors.fell", errors_fell),
    "cap.spent": (cap_spent, "cap.renewed", cap_renewed),
    "spend.rose": (spend_rose, "spend.fell", spend_fell),
    "price.disputed": (disputed, "price.agreed", agreed),
    "price.went_stale": (price_stale, "price.is_fresh", price_fresh),
    "feed.went_stale": (feed_stale, "feed.is_fresh", feed_fresh),
    "feed.failed": (feed_failed, "feed.recovered", feed_fresh),
    "price.vanished": (vanished, "price.relisted", relisted),
    "model.listed": (listed, "", None),
    "route.is_down": (route_down, "route.is_back", route_back),
    "quality.drifted": (quality, "quality.undone", quality_undone),
    "evidence.disagrees": (evidence_apart, "evidence.agrees", evidence_together),
    "loop.is_late": (loop_late, "loop.is_on_time", loop_on_time),
}


@asynccontextmanager
async def receiver() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """(address, what it was sent)."""
    hooked: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.Response:
        hooked.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", hooked
    finally:
        await runner.cleanup()


def config_of(url: str, hook: str, folder: Path, more: str = "") -> str:
    for name in FEEDS:
        feed = folder / "feeds" / name
        feed.mkdir(parents=True)
        (feed / "feed.toml").write_text(
            f'id = "{name}"\nkind = "price"\nurl = "file:{folder}/{name}.json"\nevery = "1h"\n'
            'unit = "usd/mtok"\ntrust = 0.9\nprovider = "acme"\nquotes = ".[]"\n'
        )
        rows = [{"model": name, "input": 1, "output": 2} for name in ("m", "else")]
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return f"""
[providers.acme]
base_url = "{url}"
api_key = "sk-upstream"
[routes.auto]
candidates = ["acme/m"]
[routes.auto.check]
non_empty = true
[[webhooks]]
url = "{hook}"
secret = "0123456789"
[feeds]
enabled = ["mine", "other"]
dirs = ["{folder}/feeds"]
{more}
"""


@asynccontextmanager
async def alarmed(tmp_path: Path, kind: str) -> AsyncIterator[Alarmed]:
    clock, more = Shifted(), CAPPED if kind.startswith("cap.") else ""
    async with upstream(lambda _: Answer(completion())) as model, receiver() as (hook, hooked):
        config = config_of(model.url, hook, tmp_path, more)
        async with running(config, tmp_path, clock=clock) as it:
            made = Alarmed(it, model, clock, tmp_path, hooked)
            await made.poll()
            yield made


async def counted(a: Alarmed, kind: str) -> tuple[int, int, int | None]:
    """How often it is told to /v1/events, and to /metrics, and at how many it stands there."""
    await a.it.service.ledger.flushed()
    told = (await a.it.http.get("/v1/events", params={"kind": kind})).json()["data"]
    page = (await a.it.http.get("/metrics")).text
    (count,) = re.findall(rf'^windsock_events_total{{event="{kind}"}} (\S+)', page, re.M)
    standing = re.findall(rf'^windsock_alarms{{event="{kind}"}} (\S+)', page, re.M)
    return len(told), int(float(count)), int(float(standing[0])) if standing else None


@pytest.mark.parametrize("kind", CASES)
async def test_it_is_told_once_and_so_is_its_end(tmp_path: Path, kind: str, capsys: Any) -> None:
    make, end_kind, end = CASES[kind]
    log.configure(is_json=True)
    async with alarmed(tmp_path, kind) as a:
        await make(a, True)
        told, count, standing = await counted(a, kind)
        assert (told, count) == (1, 1)
        assert standing in (1, None)
        if end is not None:
            await end(a)
            assert (await counted(a, end_kind))[:2] == (1, 1)
            assert await counted(a, kind) == (1, 1, standing and 0)
        for _ in range(100):
            if any(each["event"] == kind for each in a.hooked):
                break
            await asyncio.sleep(0.02)
        assert [each["event"] for each in a.hooked].count(kind) == 1
    assert f'"event":"{kind}"' in capsys.readouterr().err


async def test_errors_that_nobody_has_met_for_an_hour_have_fallen(tmp_path: Path) -> None:
    async with alarmed(tmp_path, "errors.rose") as a:
        await errors_rose(a, True)
        await a.turned(3500.0)
        assert await counted(a, "errors.rose") == (1, 1, 1)
        await a.turned(200.0)
        assert await counted(a, "errors.rose") == (1, 1, 0)
        assert (await counted(a, "errors.fell"))[:2] == (1, 1)


@pytest.mark.parametrize("kind", CASES)
async def test_what_lies_just_below_is_not_told(tmp_path: Path, kind: str) -> None:
    make, end_kind, _ = CASES[kind]
    async with alarmed(tmp_path, kind) as a:
        await make(a, False)
        assert (await counted(a, kind))[:2] == (0, 0)
        assert not [each for each in a.hooked if each["event"] in (kind, end_kind)]
