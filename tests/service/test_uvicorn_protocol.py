"""The short way of the data plane through the server."""

from __future__ import annotations

import asyncio
import gc
import json
from urllib.parse import urlsplit

from tests.running import config_of, running
from tests.upstream import Answer, stream_of, upstream
from windsock.service.gateway.uvicorn_protocol import DirectCycle

BODY = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hi"}]}).encode()
ANSWER = Answer(
    {"id": "1", "model": "m", "choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
)
ASK = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
)


async def answers(url: str, pieces: list[bytes], count: int) -> list[bytes]:
    """Write pieces on one connection, a moment apart; the bodies of what comes back."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.01)
    bodies = []
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        bodies.append(await reader.readexactly(length))
    writer.close()
    await writer.wait_closed()
    return bodies


async def test_a_connection_serves_requests_split_anywhere_and_pipelined(tmp_path) -> None:
    async with (
        upstream(lambda _: ANSWER) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        split = [ASK[:30], ASK[30:120], ASK[120:-5], ASK[-5:]]
        for body in await answers(it.url, [*split, ASK + ASK, ASK], 4):
            assert json.loads(body)["choices"]


async def test_who_knows_no_chunks_reads_a_stream_to_its_end(tmp_path) -> None:
    """HTTP/1.0, as proxies speak it by default: its events as they are, then the end."""
    async with (
        upstream(lambda _: Answer(events=stream_of(["yes"]))) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        for path in (b"/v1/chat/completions", b"/v1/chat/completions?a=b"):
            body = BODY[:-1] + b', "stream": true}'
            head = b"POST %b HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: %d\r\n\r\n"
            parts = urlsplit(it.url)
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.write(head % (path, len(body)) + body[:9])
            await asyncio.sleep(0.01)
            writer.write(body[9:])
            told, _, stream = (await reader.read()).partition(b"\r\n\r\n")
            assert b"transfer-encoding" not in told
            assert b"connection: close" in told
            assert stream.startswith(b"data: {")
            assert stream.endswith(b"data: [DONE]\n\n")
            writer.close()


async def test_an_answered_request_leaves_nothing_for_the_collector(tmp_path) -> None:
    async with (
        upstream(lambda _: ANSWER) as acme,
        running(config_of(("acme", acme.url, 1.0)), tmp_path) as it,
    ):
        await answers(it.url, [ASK], 1)
        gc.collect()
        gc.disable()
        try:
            await answers(it.url, [ASK] * 5, 5)
            await asyncio.sleep(0.1)
            assert not [each for each in gc.get_objects() if type(each) is DirectCycle]
        finally:
            gc.enable()
