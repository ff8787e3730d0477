"""Transports whose writes of one turn of the event loop are sent together, at its end.

A send wakes whoever waits for it at the other end. One after the other with work between them,
each wakes a process that has gone to sleep again; together they wake it once. Where one exchange
is under way there is nothing to wait for.
"""

from __future__ import annotations

import asyncio
from typing import Any


class Turn:
    """The transports of one event loop that something was written to in this turn.

    under_way   exchanges that will write, or that an answer is awaited of
    """

    __slots__ = ("_waiting", "under_way")

    def __init__(self) -> None:
        self.under_way = 0
        self._waiting: list[GatheredTransport] = []

    def add(self, transport: GatheredTransport) -> None:
        """It has something to send."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.send)
        self._waiting.append(transport)

    def send(self) -> None:
        """Send what waits, in the order in which it was first written to."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.send()


class GatheredTransport:
    """A transport as asyncio's, but that what is written waits for the end of the turn."""

    __slots__ = ("_parts", "_transport", "_turn", "is_closing")

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport = transport
        self._turn = turn
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Sent at the end of this turn, or when the transport is closed; at once for one alone."""
        if not self._parts:
            if self._turn.under_way <= 1:
                self._transport.write(data)
                return
            self._turn.add(self)
        self._parts.append(data)

    def send(self) -> None:
        """What was written goes out now; nothing does once the connection is lost."""
        parts = self._parts
        if parts and not self.is_closing():
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))
        parts.clear()

    def close(self) -> None:
        """As asyncio's: what was written is sent."""
        self.send()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
