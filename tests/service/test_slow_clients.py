"""A client that reads slowly, or not at all: what it does not read waits with the provider."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.chaos.provider import Call, provider
from tests.running import config_of, running
from tests.upstream import chunk, event, stream_of
from windsock.clock import ManualClock
from windsock.service.gateway.uvicorn_protocol import DirectCycle

PARTS = 240
LETTERS = 64 * 1024
ASK = {"model": "auto", "messages": [{"role": "user", "content": "hi"}], "stream": True}
BODY = json.dumps(ASK).encode()


async def reader_of(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Asks for a stream over a connection that holds little."""
    parts = urlsplit(url)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    line.setblocking(False)
    await asyncio.get_running_loop().sock_connect(line, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=line)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
    head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    writer.write(head + BODY)
    return reader, writer


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """All chunks, up to the last."""
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    return b"".join(parts)


async def still(sent: list[int]) -> int:
    """How much was sent, once no more is, since the client is waited for."""
    before = -1
    while before != len(sent) or not is_waited_for():
        before = len(sent)
        await asyncio.sleep(0.3)
    return before


def is_waited_for() -> bool:
    kept = gc.get_objects()
    return any(each.flow.write_paused for each in kept if isinstance(each, DirectCycle))


@pytest.mark.parametrize("end", ["read", "left", "cut"])
async def test_what_a_client_does_not_read_is_not_read_from_the_provider(end, tmp_path) -> None:
    """A provider that cuts off the stream meanwhile is not at fault, and its client is told."""
    sent: list[int] = []
    lines: list[asyncio.StreamWriter] = []
    clock = ManualClock(1e9)

    async def fast(call: Call) -> None:
        line = call.writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        lines.append(call.writer)
        await call.begin_stream()
        clock.advance_to(clock.now() + 2)
        for place in range(PARTS):
            await call.part(event(chunk({"content": f"{place} ".ljust(LETTERS, "x")})))
            sent.append(place)
        await call.part(b"".join(stream_of(["."])))
        await call.end_stream()

    async with (
        provider(fast) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        it.service.executor.calls.clock = clock
        reader, writer = await reader_of(it.url)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert await still(sent) < PARTS
        clock.advance_to(clock.now() + 100)
        if end == "cut":
            lines[0].transport.abort()
            last = (await body_of(reader)).split(b"\n\n")[-2]
            assert "not read for a while" in json.loads(last[6:])["error"]["message"]
        if end == "read":
            events = (await body_of(reader)).split(b"\n\n")
            texts = [json.loads(each[6:])["choices"][0]["delta"] for each in events[:PARTS]]
            assert [int(each["content"].split()[0]) for each in texts] == list(range(PARTS))
            assert events[-2:] == [b"data: [DONE]", b""]
        writer.close()
        await writer.wait_closed()
        while not (found := (await it.http.get("/v1/decisions")).text):
            await asyncio.sleep(0.05)
            await it.service.ledger.flushed()
        (line,) = found.splitlines()
        (call,) = json.loads(line)["attempts"]
        assert call["kind"] == ("answered" if end == "read" else "cancelled")
        assert it.service.router.health.failures_in_a_row("acme/m") == 0
        assert (call["latency_s"], call["held_s"]) == (2, 100)
        pace = it.service.router.health.of("acme/m").measures.whole
        assert [seconds for _, seconds in pace.latencies] == [2]
        assert not pace.speeds
