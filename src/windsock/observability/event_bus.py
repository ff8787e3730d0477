"""Events for whoever listens: the log, the dashboard, server-sent streams, webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event

Said = Event | WeightTable

Listener = Callable[[Said], None]
"""Called on the event loop with each event; neither waits nor raises."""

Wanted = Callable[[Said], bool]

MAX_BACKLOG = 256
"""A stream that reads slower than this loses its oldest events, never the others'."""


def everything(_: Said) -> bool:
    """What a stream wants that names nothing."""
    return True


@dataclass(slots=True)
class EventBus:
    """Fan-out on the event loop. `publish` never waits and never raises."""

    listeners: list[Listener] = field(default_factory=list)
    _streams: dict[asyncio.Queue[Said | None], Wanted] = field(default_factory=dict)
    _is_closed: bool = False

    def publish(self, event: Said) -> None:
        """Tell every listener, and every stream that wants it."""
        for listener in self.listeners:
            listener(event)
        for queue, is_wanted in self._streams.items():
            if is_wanted(event):
                _put(queue, event)

    def close(self) -> None:
        """End every stream, also those that are opened later."""
        self._is_closed = True
        for queue in self._streams:
            _put(queue, None)

    async def stream(self, is_wanted: Wanted = everything) -> AsyncIterator[Said]:
        """Events from now on, until `close`; MAX_BACKLOG of those that are wanted may wait."""
        if self._is_closed:
            return
        queue: asyncio.Queue[Said | None] = asyncio.Queue(maxsize=MAX_BACKLOG)
        self._streams[queue] = is_wanted
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._streams.pop(queue, None)


def _put(queue: asyncio.Queue[Said | None], event: Said | None) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)
