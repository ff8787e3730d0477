"""A TCP proxy that spoils what passes, with toxiproxy's words for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BLOCK = 65536


@dataclass
class Toxics:
    """What happens to bytes on their way from the server to the client; may be changed any time.

    latency_s       each block comes so much later
    bytes_per_s     bandwidth
    slice_bytes     blocks are cut to this size
    limit_bytes     after so many bytes the connection is ended, by RST if `is_reset`
    is_timeout      nothing passes, nothing is closed
    is_down         new connections are reset
    """

    latency_s: float = 0.0
    bytes_per_s: float | None = None
    slice_bytes: int | None = None
    limit_bytes: int | None = None
    is_reset: bool = False
    is_timeout: bool = False
    is_down: bool = False


@dataclass
class Proxy:
    """A running one. url is that of the server, with the proxy's port."""

    url: str
    toxics: Toxics = field(default_factory=Toxics)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def pass_on(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self.toxics.is_down:
                writer.transport.abort()
                return
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await self._both_ways((reader, writer), (up_reader, up_writer))
            finally:
                up_writer.close()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _both_ways(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        ways = {
            asyncio.ensure_future(_pump(client[0], server[1])),
            asyncio.ensure_future(self._spoiled(server[0], client[1])),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _spoiled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while block := await reader.read(self.toxics.slice_bytes or BLOCK):
            toxics = self.toxics
            while self.toxics.is_timeout:
                await asyncio.sleep(0.05)
            await asyncio.sleep(toxics.latency_s)
            if toxics.bytes_per_s:
                await asyncio.sleep(len(block) / toxics.bytes_per_s)
            left = len(block) if toxics.limit_bytes is None else toxics.limit_bytes - passed
            writer.write(block[:left])
            await writer.drain()
            passed += len(block)
            if left < len(block):
                await asyncio.sleep(0.005)
                if toxics.is_reset:
                    writer.transport.abort()
                return


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(BLOCK):
        writer.write(block)
        await writer.drain()


@asynccontextmanager
async def proxy(url: str, toxics: Toxics | None = None) -> AsyncIterator[Proxy]:
    """A proxy before the server at `url` (http://127.0.0.1:PORT/...)."""
    scheme, _, rest = url.partition("://127.0.0.1:")
    port, _, path = rest.partition("/")
    made = Proxy(url="", toxics=toxics or Toxics())
    server = await asyncio.start_server(
        lambda reader, writer: made.pass_on(int(port), reader, writer), "127.0.0.1", 0
    )
    made.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/{path}"
    try:
        yield made
    finally:
        server.close()
        with contextlib.suppress(asyncio.CancelledError):
            await made.stop()
