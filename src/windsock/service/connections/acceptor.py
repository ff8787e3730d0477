"""Connections that come together, taken in together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

AT_A_TURN = 64
"""Connections of one turn of the event loop, a tenth of a millisecond each.

libuv takes one: with 256 that come at once under load, the last waited for a second before anybody
read its request.
"""

PAUSE_S = 1.0
"""Before the next attempt where no file can be opened."""


class Acceptor:
    """Accepts at a listener, beside whoever else does.

    listener    bound and listening; closed with this
    """

    def __init__(self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        listener.setblocking(False)
        self._listener = listener
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._begin()

    async def close(self) -> None:
        """Accept no more; what was accepted stays, and has its protocol when this returns."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        await asyncio.gather(*self._opening)

    @property
    def opening(self) -> int:
        """Connections that were accepted and have no protocol yet."""
        return len(self._opening)

    def _begin(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(AT_A_TURN):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._listener)
                self._pause = self._loop.call_later(PAUSE_S, self._begin)
                return
            connection.setblocking(False)
            opening = self._loop.create_task(self._open(connection))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # gone again
            connection.close()
