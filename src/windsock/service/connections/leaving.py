"""That a client leaves while its request is worked on: the work is cancelled at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

WATCHED_FROM_S = 0.02
"""After which a client that leaves is noticed; the provider's call is then cancelled at once."""


class ClientConnection(Protocol):
    """The connection of a request, where the server tells of its end (see `uvicorn_protocol`)."""

    disconnected: bool
    on_leave: Callable[[], None] | None

    def write(self, body: bytes) -> bool:
        """A part of a body that has begun; False: the client has to read before more is written."""
        ...


class LeaveCallback:
    """Cancels the task it was made in when the server says that the client left."""

    __slots__ = ("_connection", "_work", "is_gone")

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._work = asyncio.current_task()
        self.is_gone = False
        connection.on_leave = self._leave
        if connection.disconnected:
            self._leave()

    def end(self) -> None:
        """Watch no more."""
        self._connection.on_leave = None

    def _leave(self) -> None:
        self.is_gone = True
        if self._work is not None:
            self._work.cancel()


class LeaveWatch:
    """The same under a server that only tells who asks: cancels its task when the client leaves.

    It looks from WATCHED_FROM_S on: most calls are over by then, and need no second task.
    """

    __slots__ = ("_receive", "_task", "_timer", "_work", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._work = asyncio.current_task()
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(WATCHED_FROM_S, self._begin)
        self.is_gone = False

    def end(self) -> None:
        """Watch no more."""
        self._work = None
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _begin(self) -> None:
        self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._work is not None:
            self.is_gone = True
            self._work.cancel()
