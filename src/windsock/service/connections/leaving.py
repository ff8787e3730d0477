"""That a client leaves while its request is worked on: the work is cancelled at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

WATCHED_FROM_S = 0.02
"""After which a client that leaves is noticed; the provider's call is then cancelled at once."""


class ClientConnection(Protocol):
    """The connection of a request, which may cancel the request's task when the client leaves.

    is_gone     it did
    """

    is_gone: bool

    @property
    def write_at_once(self) -> Callable[[bytes], bool] | None:
        """Writes a part of a body that has begun (see `Writer.at_once`)."""

    def watch(self) -> None:
        """From now on, or at once if the client has left already."""

    def end(self) -> None:
        """Watch no more."""


class LeaveWatch:
    """Of a server that only tells who asks (for ours see `uvicorn_protocol`).

    It looks from WATCHED_FROM_S on: most calls are over by then, and need no second task.
    """

    __slots__ = ("_receive", "_task", "_timer", "_work", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._work: asyncio.Task[object] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.is_gone = False

    @property
    def write_at_once(self) -> None:
        """Such a server has to be waited for."""

    def watch(self) -> None:
        """See `ClientConnection.watch`; called in the task that is cancelled."""
        self._work = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCHED_FROM_S, self._begin)

    def end(self) -> None:
        """See `ClientConnection.end`."""
        self._work = None
        if self._timer is not None:
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
