"""A proxy in Python that only passes: what the interpreter costs before anything is done.

    python -m tests.benchmarks.perf_bare PORT UPSTREAM_PORT

The event loop and the parsers that windsock runs on (uvloop, llhttp), connections that are kept,
one write each way. Nothing is routed, checked, recorded or logged: the floor for any gateway in
Python, as nginx is for all.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import httptools
import uvloop


class Whole(asyncio.Protocol):
    """Bytes of one message after the other; `parser` calls `on_message_complete`."""

    parser: Any
    transport: Any

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.begin()

    def begin(self) -> None:
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        self.parts.append(data)
        self.parser.feed_data(data)

    def taken(self) -> bytes:
        """The message that is complete."""
        parts, self.parts = self.parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)


class Client(Whole):
    """A connection of a caller's; one request at a time."""

    def __init__(self, free: list[Server], port: int) -> None:
        super().__init__()
        self.free, self.port = free, port

    def begin(self) -> None:
        self.parser = httptools.HttpRequestParser(self)

    def on_message_complete(self) -> None:
        request = self.taken()
        if self.free:
            self.free.pop().ask(self, request)
        else:
            asyncio.get_running_loop().create_task(self.open(request))

    async def open(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, server = await loop.create_connection(lambda: Server(self.free), "127.0.0.1", self.port)
        server.ask(self, request)


class Server(Whole):
    """A kept connection to the upstream."""

    def __init__(self, free: list[Server]) -> None:
        super().__init__()
        self.free = free
        self.client: Client | None = None

    def begin(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def ask(self, client: Client, request: bytes) -> None:
        self.client = client
        self.transport.write(request)

    def on_message_complete(self) -> None:
        assert self.client is not None
        self.client.transport.write(self.taken())
        self.free.append(self)


async def main(port: int, upstream: int) -> None:
    free: list[Server] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(free, upstream), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:3])))
