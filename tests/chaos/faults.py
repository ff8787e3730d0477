"""What a provider can do wrong: one function a fault, for `Provider.fault`."""

from __future__ import annotations

import asyncio
import gzip
import json
from functools import cache

from tests.chaos.provider import Call, Fault, head, right_events
from tests.upstream import chunk, event

MIB = 1024 * 1024
FOREVER_S = 3600.0


def status(code: int, **headers: str) -> Fault:
    """An error answer."""
    lines = "\r\n".join(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())
    body = json.dumps({"error": {"message": "no", "type": "server_error", "code": None}}).encode()

    async def fault(call: Call) -> None:
        await call.answer(body, status=code, extra=lines)

    return fault


def body(text: bytes, kind: str = "application/json", extra: str = "") -> Fault:
    """200 with this body, whatever was asked."""

    async def fault(call: Call) -> None:
        await call.answer(text, kind=kind, extra=extra)

    return fault


async def hang(_: Call) -> None:
    """Not a byte."""
    await asyncio.sleep(FOREVER_S)


async def drip_comments(call: Call) -> None:
    """A line kept open with what is no content: comments of a stream, blanks before a body."""
    if call.is_stream:
        await call.begin_stream()
    else:
        await call.send(head(200, "content-type: application/json\r\ntransfer-encoding: chunked"))
    while True:
        await call.part(b": keep-alive\n\n" if call.is_stream else b" ")
        await asyncio.sleep(0.1)


async def drip_crumbs(call: Call) -> None:
    """A stream with a word of content now and then, and no end."""
    await call.begin_stream()
    while True:
        await call.part(event(chunk({"content": "crumb "})))
        await asyncio.sleep(0.1)


async def stall(call: Call) -> None:
    """Half a stream, then only comments."""
    await call.begin_stream()
    for each in right_events(call)[:5]:
        await call.part(each)
    while True:
        await call.part(b": keep-alive\n\n")
        await asyncio.sleep(0.1)


async def truncate(call: Call) -> None:
    """Half an answer and a clean end, well framed."""
    if not call.is_stream:
        await call.answer(CUT)
        return
    await call.begin_stream()
    for each in right_events(call)[:5]:
        await call.part(each)
    await call.end_stream()


async def truncate_unframed(call: Call) -> None:
    """Half an answer, and its end is the end of the connection."""
    kind = "text/event-stream" if call.is_stream else "application/json"
    parts = right_events(call)[:5] if call.is_stream else [b'{"choices": [{"index": 0, "mess']
    await call.send(head(200, f"content-type: {kind}\r\nconnection: close"), *parts)
    raise ConnectionResetError


async def cut_chunk(call: Call) -> None:
    """The connection ends in the middle of a chunk."""
    await call.begin_stream()
    for each in right_events(call)[:4]:
        await call.part(each)
    await call.send(b"400\r\ndata: {")
    raise ConnectionResetError


async def reset(call: Call) -> None:
    """RST in the middle of an answer."""
    if call.is_stream:
        await call.begin_stream()
        for each in right_events(call)[:5]:
            await call.part(each)
    else:
        await call.send(head(200, "content-type: application/json\r\ncontent-length: 5000"), b"{")
    await asyncio.sleep(0.005)
    call.reset()


async def no_bytes(_: Call) -> None:
    """The connection is closed without an answer."""
    raise ConnectionResetError


async def stale(call: Call) -> None:
    """What a client sees of a kept connection that was closed as its request was on the way."""
    if call.place == 0:
        await call.provider.right(call)
    elif call.place % 2:
        raise ConnectionResetError
    else:
        call.reset()


async def garbage(call: Call) -> None:
    await call.send(b"\x16\x03\x01 this is no HTTP at all\r\n\r\n")
    raise ConnectionResetError


async def no_end_mark(call: Call) -> None:
    """A whole stream whose last event, [DONE], is missing."""
    await call.begin_stream()
    for each in right_events(call)[:-1]:
        await call.part(each)
    await call.end_stream()


async def open_end(call: Call) -> None:
    """A whole stream over a connection that is then kept open."""
    await call.begin_stream()
    for each in right_events(call):
        await call.part(each)
    await asyncio.sleep(FOREVER_S)


async def endless_body(call: Call) -> None:
    """200 MB of answer that never becomes one."""
    await call.send(head(200, "content-type: application/json\r\ntransfer-encoding: chunked"))
    for _ in range(200):
        await call.part(b" " * MIB)
    await call.end_stream()


async def stated_huge(call: Call) -> None:
    """An answer that says beforehand that it is huge."""
    await call.send(head(200, f"content-type: application/json\r\ncontent-length: {200 * MIB}"))
    for _ in range(200):
        await call.send(b" " * MIB)


async def endless_event(call: Call) -> None:
    """One event of a stream that never ends, 200 MB."""
    await call.begin_stream()
    await call.part(b'data: {"choices": [{"delta": {"x": "')
    for _ in range(200):
        await call.part(b"x" * MIB)


async def endless_prelude(call: Call) -> None:
    """200 MB of small events without content."""
    await call.begin_stream()
    crumbs = event(chunk({"role": "assistant"})) * 5000
    for _ in range(200):
        await call.part(crumbs)


async def big_header(call: Call) -> None:
    await call.answer(b"{}", extra="x-big: " + "x" * 200_000)


async def many_headers(call: Call) -> None:
    await call.answer(b"{}", extra="\r\n".join(f"x-{n}: {'x' * 100}" for n in range(20_000)))


async def gzip_bomb(call: Call) -> None:
    """200 MB of blanks in 200 KB, though nobody asked for gzip."""
    extra = "content-encoding: gzip"
    if call.is_stream:
        await call.send(
            head(200, "content-type: text/event-stream\r\ntransfer-encoding: chunked", extra)
        )
        await call.part(bomb())
        await call.end_stream()
    else:
        await call.answer(bomb(), extra=extra)


@cache
def bomb() -> bytes:
    return gzip.compress(b" " * (200 * MIB), 9)


def unframed(text: bytes) -> Fault:
    """200 with a body whose end is the end of the connection."""

    async def fault(call: Call) -> None:
        await call.send(head(200, "content-type: application/json\r\nconnection: close"), text)
        raise ConnectionResetError

    return fault


CUT = b'{"id": "x", "choices": [{"index": 0, "message": {"role": "assi'
HTML = body(b"<!doctype html><html><body>502 Bad Gateway\n\n</body></html>", "text/html")
NO_ANSWER: dict[str, Fault] = {
    "html": HTML,
    "html error as json": body(b"<html>sorry</html>"),
    "cut json": body(CUT),
    "cut json, unframed": unframed(CUT),
    "empty": body(b""),
    "null": body(b"null"),
    "no choices": body(b'{"id": "x", "object": "chat.completion", "choices": []}'),
    "error with 200": body(b'{"error": {"message": "overloaded", "code": 503}}'),
    "text": body(b"hello", "text/plain"),
    "latin-1": body(b'{"choices": [{"message": {"content": "\xe9"}}]}'),
    "gzip nobody asked for": body(
        gzip.compress(b'{"choices": []}'), extra="content-encoding: gzip"
    ),
    "no bytes": no_bytes,
    "garbage": garbage,
}
"""Answers with 200, or none at all, that are no answers."""

OVERSIZE: dict[str, Fault] = {
    "endless body": endless_body,
    "huge by its own word": stated_huge,
    "big header": big_header,
    "many headers": many_headers,
    "gzip bomb": gzip_bomb,
}
OVERSIZE_STREAMS: dict[str, Fault] = {
    "endless event": endless_event,
    "endless prelude": endless_prelude,
    "big header": big_header,
    "gzip bomb": gzip_bomb,
}
