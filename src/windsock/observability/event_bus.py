"""Events for whoever listens: the log, the dashboard, server-sent streams, webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event

Listener = Callable[[Event | WeightTable], None]

MAX_BACKLOG = 256
"""A stream that reads slower than this loses its oldest events, never the others'."""


@dataclass(slots=True)
class EventBus:
    """Fan-out on the event loop. `publish` never waits and never raises."""

    listeners: list[Listener] = field(default_factory=list)
    _queues: set[asyncio.Queue[Any]] = field(default_factory=set)

    def publish(self, event: Event | WeightTable) -> None:
        for listener in self.listeners:
            listener(event)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    def close(self) -> None:
        """End every stream."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self) -> AsyncIterator[Event | WeightTable]:
        """Events from now on, until `close`."""
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=MAX_BACKLOG)
        self._queues.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._queues.discard(queue)
