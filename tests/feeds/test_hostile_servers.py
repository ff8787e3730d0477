"""Servers that mean harm: keys stay at home, addresses are checked as they are connected to."""

import asyncio
import gzip
import socket

import pytest
from aiohttp import web

from tests.feeds.test_polling import BODY, definition, serve
from windsock.errors import FeedError
from windsock.feeds.address_policy import is_public, pinned
from windsock.feeds.fetcher import Fetcher, RetryLater, Validators

__all__ = ["serve"]


async def fetch(url: str, environ: dict[str, str] | None = None, **facts):
    fetcher = Fetcher(environ)
    try:
        return await fetcher.fetch(definition(url, **facts), Validators())
    finally:
        await fetcher.close()


async def test_a_key_is_never_sent_to_where_a_feed_redirects(serve) -> None:
    seen = []

    async def stranger(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(body=BODY)

    elsewhere = await serve(stranger)

    async def home(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        raise web.HTTPFound(elsewhere)

    headers = {"x-team": "canary-header"}
    environ = {"FEED_KEY": "canary-key"}
    fetched = await fetch(await serve(home), environ, env_key="FEED_KEY", headers=headers)
    assert fetched.body == BODY
    assert "canary-key" in str(seen[0])
    assert "canary-header" in str(seen[0])
    assert "canary" not in str(seen[1])


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f000001", "2130706433", "017700000001", "localhost", "[::1]", "0"]
)
async def test_other_spellings_of_a_private_address_are_seen_through(host) -> None:
    with pytest.raises(FeedError, match="private address"):
        await pinned(host.strip("[]"), 443, feed="test", allow_private=False)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378::1",
        "fe80::1%eth0",
        "fec0::1",
        "192.88.99.1",
        "100.64.0.1",
        "224.0.0.1",
        "169.254.169.254",
    ],
)
def test_no_tunnel_or_translation_leads_into_a_private_net(address) -> None:
    assert not is_public(address)


async def test_a_name_that_resolves_to_one_private_address_among_public_ones_is_refused(
    monkeypatch,
) -> None:
    async def both(*_args, **_facts):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("9.9.9.9", "10.0.0.1")
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with pytest.raises(FeedError, match=r"private address 10\.0\.0\.1"):
        await fetch("https://feed.example/feed", allow_private=False)


async def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    serve, monkeypatch
) -> None:
    hosts = []

    async def handler(request: web.Request) -> web.Response:
        hosts.append(request.headers["host"])
        return web.Response(body=BODY)

    port = int((await serve(handler)).split(":")[2].partition("/")[0])
    asked = []
    loop = asyncio.get_running_loop()
    resolve = loop.getaddrinfo

    async def rebinding(host, port, **facts):
        if host != "feed.example":
            return await resolve(host, port, **facts)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.66"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    fetched = await fetch(f"http://feed.example:{port}/feed")
    assert fetched.body == BODY
    assert asked == ["feed.example"]
    assert hosts == [f"feed.example:{port}"]


@pytest.mark.parametrize(
    ("stated", "wait_s"),
    [
        ("7", 7),
        ("Wed, 25 Nov 2026 10:02:00 GMT", 120),
        ("Wed, 25 Nov 2026 09:00:00 GMT", 0),
        ("1e9", 3600),
        ("-5", 0),
        ("soon", 60),
    ],
)
async def test_retry_after_is_read_as_seconds_or_as_a_date(serve, stated, wait_s) -> None:
    async def handler(_: web.Request) -> web.Response:
        headers = {"retry-after": stated, "date": "Wed, 25 Nov 2026 10:00:00 GMT"}
        return web.Response(status=503, headers=headers)

    with pytest.raises(RetryLater) as caught:
        await fetch(await serve(handler))
    assert caught.value.wait_s == wait_s


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"\x1f\x8b but no gzip", "no gzip"), (gzip.compress(BODY * 50)[:-9], "ends too early")],
    ids=["garbage", "cut"],
)
async def test_a_compressed_body_that_is_garbage_or_cut_is_refused(serve, body, words) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, headers={"content-encoding": "gzip"})

    with pytest.raises(FeedError, match=words):
        await fetch(await serve(handler))
