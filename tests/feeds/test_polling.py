"""Polling real servers on loopback: bounded, conditional, and undisturbed by a bad neighbour."""

import asyncio
import gzip
import json

import pytest
from aiohttp import web

from windsock.clock import SystemClock
from windsock.core.model.units import Meter
from windsock.core.pricing.rules import GuardRules
from windsock.errors import FeedError
from windsock.feeds.address_policy import is_public
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher, RetryLater, Validators
from windsock.feeds.poller import Poller

BODY = json.dumps([{"model": "m", "input": 1, "output": 2}]).encode()


def definition(url: str, **facts) -> FeedDefinition:
    stated = {
        "id": "test",
        "kind": "price",
        "url": url,
        "every": 1,
        "unit": "usd/mtok",
        "trust": 0.5,
        "provider": "acme",
        "quotes": ".[]",
        "allow_private": True,
    }
    return FeedDefinition.model_validate({**stated, **facts})


@pytest.fixture
async def serve():
    """`await serve(handler)` gives the URL of a server that answers with it."""
    runners = []

    async def start(handler) -> str:
        app = web.Application()
        app.router.add_get("/feed", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}/feed"

    yield start
    for runner in runners:
        await runner.cleanup()


async def fetch(url: str, last: Validators | None = None, **facts):
    fetcher = Fetcher()
    try:
        return await fetcher.fetch(definition(url, **facts), last or Validators())
    finally:
        await fetcher.close()


async def test_a_body_is_asked_for_only_once(serve) -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers.get("if-none-match"))
        if seen[-1] == '"v1"':
            return web.Response(status=304)
        return web.Response(body=BODY, headers={"etag": '"v1"'})

    url = await serve(handler)
    first = await fetch(url)
    assert first.body == BODY
    again = await fetch(url, first.validators)
    assert again.body is None
    assert seen == [None, '"v1"']


async def test_an_equal_body_counts_as_unchanged_without_an_etag(serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=BODY)

    url = await serve(handler)
    first = await fetch(url)
    assert (await fetch(url, first.validators)).body is None


async def test_a_body_beyond_the_bound_is_refused(serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 3_000_000)

    with pytest.raises(FeedError, match="exceeds 1 MB"):
        await fetch(await serve(handler), max_mb=1)


async def test_a_gzip_bomb_is_refused_before_it_unfolds(serve) -> None:
    bomb = gzip.compress(b"0" * 200_000_000)

    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"content-encoding": "gzip"})

    with pytest.raises(FeedError, match="exceeds 1 MB"):
        await fetch(await serve(handler), max_mb=1)


@pytest.mark.parametrize("spelt", ["gzip", "GZIP", " x-gzip"])
async def test_gzip_is_read_however_it_is_spelt(serve, spelt: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(BODY), headers={"content-encoding": spelt})

    assert (await fetch(await serve(handler))).body == BODY


async def test_a_slow_drip_ends_at_the_deadline(serve) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    with pytest.raises(FeedError, match="no whole body in 1 s"):
        await fetch(await serve(handler), timeout=1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 500}, "answers 500"),
        ({"text": "<html>", "content_type": "text/html"}, "HTML"),
    ],
)
async def test_what_is_no_feed_is_an_error(serve, answer, words) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(**answer)

    with pytest.raises(FeedError, match=words):
        await fetch(await serve(handler))


async def test_retry_after_is_honoured(serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"retry-after": "7"})

    with pytest.raises(RetryLater) as caught:
        await fetch(await serve(handler))
    assert caught.value.wait_s == 7


async def test_a_private_address_is_refused_unless_it_was_meant(serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=BODY)

    url = (await serve(handler)).replace("http:", "https:")
    with pytest.raises(FeedError, match="private address"):
        await fetch(url, allow_private=False)


async def test_a_redirect_into_a_private_net_is_refused(serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        raise web.HTTPFound("file:///etc/passwd")

    with pytest.raises(FeedError, match="redirects to 'file'"):
        await fetch(await serve(handler))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "fd00::1", "224.0.0.1",
     "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:127.0.0.1", "0.0.0.0"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_addresses_that_are_public() -> None:
    assert is_public("1.1.1.1")
    assert is_public("2606:4700::1111")


async def test_one_failing_feed_never_disturbs_another(serve) -> None:
    async def good(_: web.Request) -> web.Response:
        return web.Response(body=BODY)

    async def bad(_: web.Request) -> web.Response:
        return web.Response(status=500)

    readings, failures = [], []
    poller = Poller(
        [definition(await serve(good), id="good"), definition(await serve(bad), id="bad")],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=lambda d, r: readings.append((d.id, len(r.rows))),
        on_failure=lambda d, e: failures.append(str(e)),
    )
    poller.start()
    for _ in range(300):
        await asyncio.sleep(0.1)
        poller.watch()
        if len(readings) >= 2 and failures:
            break
    await poller.stop()
    assert set(readings) == {("good", 1)}
    assert len(readings) >= 2
    assert "bad" in failures[0]


async def test_a_body_shrunk_below_half_is_refused_and_the_last_good_one_stays(serve) -> None:
    rows = [{"model": f"m{i}", "input": 1, "output": 2} for i in range(10)]

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(rows)

    readings, failures = [], []
    poller = Poller(
        [definition(await serve(handler))],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=lambda d, r: readings.append(len(r.rows)),
        on_failure=lambda d, e: failures.append(str(e)),
    )
    await poller.poll_now("test")
    del rows[4:]
    await poller.poll_now("test")
    await poller.stop()
    assert readings == [10]
    assert "refused whole" in failures[0]


@pytest.mark.parametrize("trust", [0.9, 1.0])
async def test_a_list_in_another_unit_is_refused_unless_it_is_the_owners(serve, trust) -> None:
    rows = [{"model": f"m{i}", "input": 500, "output": 900} for i in range(20)]

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(rows)

    readings, failures = [], []
    poller = Poller(
        [definition(await serve(handler), trust=trust)],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=lambda d, r: readings.append(len(r.rows)),
        on_failure=lambda d, e: failures.append(str(e)),
    )
    await poller.poll_now("test")
    await poller.stop()
    assert readings == ([20] if trust == 1 else [])
    assert all("is its unit right?" in failure for failure in failures)


async def test_a_list_of_models_that_lost_half_is_refused_until_it_has_stayed_so(serve) -> None:
    rows = [{"subject": f"acme/m{i}", "state": "up"} for i in range(10)]

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(rows)

    facts = {"kind": "health", "quotes": None, "health": ".[]"}
    readings, failures = [], []
    poller = Poller(
        [definition(await serve(handler), **facts)],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=lambda d, r: readings.append(len(r.health)),
        on_failure=lambda d, e: failures.append(str(e)),
        rules=GuardRules(contradicted_polls=3),
    )
    await poller.poll_now("test")
    del rows[4:]
    for _ in range(3):
        await poller.poll_now("test")
    await poller.stop()
    assert readings == [10, 4]
    assert len(failures) == 2


class Slow:
    """A server whose first answer is written when it is asked, and sent when it is let go."""

    def __init__(self) -> None:
        self.price = 1
        self.asked = 0
        self.is_asked = asyncio.Event()
        self.go = asyncio.Event()

    async def answer(self, _: web.Request) -> web.Response:
        self.asked += 1
        body = [{"model": "m", "input": self.price, "output": 2}]
        if self.asked == 1:
            self.is_asked.set()
            await self.go.wait()
        return web.json_response(body)


def listening(stated: FeedDefinition, readings: list[tuple[str, int]]) -> Poller:
    """A poller that absorbs in two steps, as the service does."""

    async def absorb(told: FeedDefinition, reading) -> None:
        await asyncio.sleep(0)
        (row,) = reading.rows
        readings.append((told.unit, int(row.usd_per_mtok[Meter.INPUT])))

    return Poller(
        [stated],
        fetcher=Fetcher(),
        clock=SystemClock(),
        on_reading=absorb,
        on_failure=lambda d, e: None,
    )


async def test_what_was_asked_last_is_absorbed_last(serve) -> None:
    """Polls that come while one is under way are one poll, which begins after it."""
    server = Slow()
    readings: list[tuple[str, int]] = []
    poller = listening(definition(await serve(server.answer)), readings)
    first = poller.poll_soon("test")
    await server.is_asked.wait()
    server.price = 3
    later = [poller.poll_soon("test") for _ in range(5)]
    await asyncio.wait(later, timeout=0.3)
    server.go.set()
    await asyncio.gather(first, *later)
    await poller.poll_now("test")
    await poller.stop()
    assert [price for _, price in readings] == [1, 3, 3]
    assert server.asked == 3


async def test_a_server_slower_than_its_interval_is_asked_again_at_once(serve, caplog) -> None:
    server = Slow()
    poller = listening(definition(await serve(server.answer)), [])
    poller.start()
    poller.adopt([definition(await serve(server.answer), unit="cent/token")])
    await server.is_asked.wait()
    while poller.status()[0].waiting is None:
        await asyncio.sleep(0.01)
    server.go.set()
    while server.asked < 2:
        await asyncio.sleep(0.01)
    await poller.stop()
    assert not caplog.records


async def test_what_a_feed_said_under_its_old_declaration_is_dropped(serve) -> None:
    server = Slow()
    url = await serve(server.answer)
    readings: list[tuple[str, int]] = []
    poller = listening(definition(url), readings)
    first = poller.poll_soon("test")
    await server.is_asked.wait()
    poller.adopt([definition(url, unit="cent/token")])
    await poller.poll_now("test")
    server.go.set()
    await first
    await poller.stop()
    assert {unit for unit, _ in readings} == {"cent/token"}
