"""A provider that answers right, or goes wrong as it is told, down to the single byte.

Right answers carry the caller's words back, so that a client can tell a whole answer from a part.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.upstream import completion, stream_of

WORDS = 8
"""Content events of a right stream."""


class Reader(asyncio.StreamReader):
    """Tells at once when the other side is gone, without anybody reading."""

    def __init__(self) -> None:
        super().__init__(limit=2**24)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:  # type: ignore[override]
        super().set_exception(exc)
        self.gone.set()


@dataclass
class Call:
    """A request as it came, and the connection it came over.

    place   counts the requests of this connection, from 0
    """

    ask: dict[str, Any]
    reader: Reader
    writer: asyncio.StreamWriter
    provider: Provider
    place: int = 0

    @property
    def is_stream(self) -> bool:
        return bool(self.ask.get("stream"))

    @property
    def said(self) -> str:
        return str(self.ask["messages"][-1]["content"])

    async def send(self, *parts: bytes) -> None:
        self.writer.writelines(parts)
        await self.writer.drain()

    async def answer(
        self, body: bytes, *, status: int = 200, kind: str = "application/json", extra: str = ""
    ) -> None:
        """A whole answer, framed by its length."""
        length = len(body)
        await self.send(head(status, f"content-type: {kind}\r\ncontent-length: {length}", extra))
        await self.send(body)

    async def begin_stream(self) -> None:
        await self.send(head(200, "content-type: text/event-stream\r\ntransfer-encoding: chunked"))

    async def part(self, data: bytes) -> None:
        """One chunk of a stream."""
        await self.send(b"%x\r\n" % len(data) + data + b"\r\n")

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    def reset(self) -> None:
        """End the connection with RST."""
        self.writer.transport.abort()


Fault = Callable[[Call], Awaitable[None]]


@dataclass
class Provider:
    """A running one.

    fault       what it does instead of answering right; None: nothing
    is_listing  whether GET /models answers, and `listings` how often it was asked
    wait_s      before a right answer, and between a stream's words
    calls       when each request came, monotonic seconds
    asked       the bodies
    left        when a client closed under an answer, by its words
    """

    url: str
    fault: Fault | None = None
    wait_s: float = 0.0
    between_s: float = 0.0
    is_listing: bool = True
    listings: int = 0
    calls: list[float] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: dict[str, float] = field(default_factory=dict)
    connections: int = 0
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def serve(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        place = 0
        try:
            while (ask := await _request(reader)) is not None:
                if not ask:
                    await self._list(writer)
                    continue
                self.calls.append(time.monotonic())
                self.asked.append(ask)
                await self._respond(Call(ask, reader, writer, self, place))
                place += 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # cancelled by `stop` only; asyncio.streams would print a traceback
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _list(self, writer: asyncio.StreamWriter) -> None:
        """GET /models, which has no body and counts as no call."""
        self.listings += 1
        body = b'{"object": "list", "data": []}'
        status = 200 if self.is_listing else 503
        writer.write(head(status, f"content-length: {len(body)}") + body)
        await writer.drain()

    async def stop(self) -> None:
        """Drop every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _respond(self, call: Call) -> None:
        """Answer; if the client leaves meanwhile, stop and note when."""
        work = asyncio.ensure_future((self.fault or self.right)(call))
        left = asyncio.ensure_future(call.reader.gone.wait())
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            if left.done() and not (work.done() and work.exception() is None):
                self.left[call.said] = time.monotonic()
                raise ConnectionResetError
            work.result()
        finally:
            left.cancel()
            work.cancel()
            await asyncio.gather(work, left, return_exceptions=True)

    async def right(self, call: Call) -> None:
        await asyncio.sleep(self.wait_s)
        if not call.is_stream:
            await call.answer(json.dumps(completion(call.said, usage=usage(call))).encode())
            return
        await call.begin_stream()
        for each in right_events(call):
            await call.part(each)
            await asyncio.sleep(self.between_s)
        await call.end_stream()


def usage(call: Call) -> dict[str, int]:
    """What such a request costs at about four bytes a token."""
    prompt = len(json.dumps(call.ask["messages"])) // 4 + 1
    said = len(call.said.encode()) // 4 + 1
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def right_events(call: Call) -> list[bytes]:
    """The events of a whole stream: the caller's words in `WORDS` parts, usage, the end mark."""
    text = call.said
    size = max(1, -(-len(text) // WORDS))
    return stream_of([text[i : i + size] for i in range(0, len(text), size)], usage=usage(call))


def head(status: int, *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *filter(None, lines), "\r\n"]).encode()


@asynccontextmanager
async def provider(
    fault: Fault | None = None, *, port: int = 0, **facts: Any
) -> AsyncIterator[Provider]:
    """Serve on a free port of loopback."""
    made = Provider(url="", fault=fault, **facts)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: asyncio.StreamReaderProtocol(Reader(), made.serve),  # type: ignore[arg-type]
        "127.0.0.1",
        port,
        backlog=1024,
    )
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield made
    finally:
        server.close()
        await made.stop()


async def _request(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next request's body, {} if it has none, or None at the end of the connection."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = 0
    for line in raw.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return dict(json.loads(await reader.readexactly(length) or b"{}"))


def now_and_then(faults: Sequence[Fault], every: int = 3) -> Fault:
    """The faults by turns, with right answers between: too few failures to be ejected for."""
    turns, faulty = itertools.count(), itertools.cycle(faults)

    async def fault(call: Call) -> None:
        is_bad = next(turns) % every == every - 1
        await (next(faulty) if is_bad else call.provider.right)(call)

    return fault
