"""What only the direct caller decides: addresses, headers, and bytes that come in any pieces."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
import uvloop

from windsock.errors import ProviderError
from windsock.providers.http1_pool import Origin
from windsock.providers.http1_transport import DirectCaller
from windsock.providers.transport import Endpoint, Interrupted, Pass, TooLarge, Unreachable

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n"
    b"3\r\n\xe2\x82\xac\r\n5;a=b\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://127.0.0.1:8000/v1/", "127.0.0.1:8000", "/v1"),
        ("https://api.example.com", "api.example.com", ""),
        ("http://[::1]:80/a b", "[::1]:80", "/a%20b"),
    ],
)
def test_an_address_becomes_host_and_path(url: str, authority: str, path: str) -> None:
    origin = Origin.of(url)
    assert (origin.authority, origin.path) == (authority, path)


async def test_a_header_with_a_line_break_is_not_sent() -> None:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", headers={"a": "b\r\nc: d"})
    with pytest.raises(Unreachable, match="line break"):
        await DirectCaller().post(endpoint, "/x", b"{}")


@contextlib.asynccontextmanager
async def served(
    pieces: list[bytes], *, is_once: bool = False
) -> AsyncIterator[tuple[DirectCaller, Endpoint, list[asyncio.Event]]]:
    """A caller, whose server answers each request by these pieces, and an event a connection.

    is_once     the server closes after its first answer
    """
    connections: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = asyncio.Event()
        connections.append(ended)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"{}"):
                for piece in pieces:
                    writer.write(piece)
                    await asyncio.sleep(0.002)
                if is_once:
                    break
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    caller, port = DirectCaller(), server.sockets[0].getsockname()[1]
    try:
        yield caller, Endpoint(base_url=f"http://127.0.0.1:{port}"), connections
    finally:
        await caller.close()
        for ended in connections:
            await ended.wait()
        server.close()
        await server.wait_closed()


async def answered(pieces: list[bytes], asks: int = 1) -> tuple[list[bytes], int]:
    """Bodies of `asks` calls, and how many connections they took."""
    bodies = []
    async with served(pieces) as (caller, endpoint, connections):
        for _ in range(asks):
            reply = await caller.post(endpoint, "/", b"{}")
            assert "x-sum" not in reply.headers
            bodies.append(await reply.body())
            await reply.close()
    return bodies, len(connections)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bodies_arrive_whole_however_they_are_cut(size: int) -> None:
    pieces = [CHUNKED[i : i + size] for i in range(0, len(CHUNKED), size)]
    bodies, connections = uvloop.run(answered(pieces, asks=3))
    assert bodies == ["€hello".encode()] * 3
    assert connections == 1


async def test_an_early_hint_is_no_answer() -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    assert (await answered([hint, SIZED]))[0] == [b"hi"]


def coded(body: bytes, coding: str = "gzip") -> list[bytes]:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return [head.encode(), body[:20], body[20:]]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (coded(gzip.compress(b"{}" * 99)), b"{}" * 99),
        (coded(zlib.compress(b"{}" * 99), "deflate"), b"{}" * 99),
        (coded(b"{}" * 99), b"{}" * 99),
        (coded(b"{}" * 99, "br"), b"{}" * 99),
        (coded(b"x-rays " * 9, "identity"), b"x-rays " * 9),
    ],
    ids=["gzip", "deflate", "said to be gzip", "said to be brotli", "said to be as it is"],
)
async def test_what_nobody_asked_to_be_packed_is_unpacked_if_it_is(sent, read) -> None:
    assert (await answered(sent, asks=2))[0] == [read] * 2


async def test_what_unpacks_without_end_is_left() -> None:
    with pytest.raises(TooLarge):
        await answered(coded(gzip.compress(b" " * 5_000_000)))


@pytest.mark.parametrize("packed", [b"", b"{}" * 99], ids=["empty", "not empty"])
async def test_nothing_is_kept_of_what_follows_the_end_of_what_is_packed(packed) -> None:
    with pytest.raises(Interrupted, match="after the end"):
        await answered(coded(gzip.compress(packed) + b" " * 50_000))


async def test_a_second_answer_costs_the_connection_and_reaches_nobody() -> None:
    bodies, connections = await answered([SIZED + SIZED.replace(b"hi", b"no")], asks=2)
    assert bodies == [b"hi", b"hi"]
    assert connections == 2


async def test_a_length_and_chunks_at_once_are_refused() -> None:
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi"
    with pytest.raises(Interrupted):
        await answered([smuggled])


def framed(*parts: bytes) -> list[bytes]:
    """An answer in chunks, each a piece of its own; without an end."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head, *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)]


async def passed_on(pieces: list[bytes], pass_: Pass) -> bytes:
    """What is left to take once passing on has ended."""
    left = b""
    async with served(pieces, is_once=True) as (caller, endpoint, _):
        reply = await caller.post(endpoint, "/", b"{}")
        try:
            await reply.pass_on(pass_)
            while part := await reply.take():
                left += part
        finally:
            await reply.close()
    return left


async def test_what_comes_is_passed_on_until_it_is_enough_and_the_rest_is_taken() -> None:
    passed: list[bytes] = []

    def pass_(part: bytes) -> bool:
        passed.append(part)
        return b"b" not in part

    assert await passed_on([*framed(b"a", b"b", b"c"), b"0\r\n\r\n"], pass_) == b"c"
    assert b"".join(passed) == b"ab"


async def test_what_came_before_a_break_is_passed_on_and_then_it_is_told() -> None:
    passed: list[bytes] = []
    with pytest.raises(Interrupted):
        await passed_on(framed(b"a", b"b"), lambda part: passed.append(part) or True)
    assert b"".join(passed) == b"ab"


async def test_what_fails_as_it_is_passed_on_is_raised_where_it_is_waited_for() -> None:
    def pass_(_: bytes) -> bool:
        raise ProviderError("no event")

    with pytest.raises(ProviderError, match="no event"):
        await passed_on(framed(b"a", b"b"), pass_)
