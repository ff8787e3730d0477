"""The ledger of a process that is led: batches go to the leader instead of a database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from windsock.app.workers.messages import Message, deltas_in, entry_told, line_of
from windsock.store.rows import Entry

PATIENCE_S = 30.0
"""For which the leader may write a batch, before it is told that it is late."""


class Delivery:
    """Delivers one batch after the other over whatever connection there is.

    A batch is over when the leader has stored it. One that may have come to a leader which is gone
    is sent again as such; one that the leader is late with is not sent again.

    number      of the last batch that is over
    delivered   the highest number of a delta in it or one before
    """

    def __init__(self) -> None:
        self.number = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._stored: asyncio.Future[None] | None = None
        self._is_again = False
        self.delivered = 0

    def join(self, writer: asyncio.StreamWriter) -> None:
        """There is a leader; called in the event loop."""
        self._loop, self._writer = asyncio.get_running_loop(), writer

    def part(self) -> None:
        """It is gone."""
        self._writer = None
        if self._stored is not None and not self._stored.done():
            self._stored.set_exception(ConnectionError("the leading process is gone"))
            self._stored = None

    def confirm(self, message: Message) -> None:
        """The leader has stored a batch."""
        if message["number"] == self.number + 1 and self._stored and not self._stored.done():
            self._stored.set_result(None)

    def write(self, entries: Sequence[Entry | None]) -> int:
        """Called by the ledger's thread; raises OSError if it must be tried again."""
        if self._loop is None or self._writer is None:
            raise ConnectionError("the leading process is away")
        told = [entry_told(each) for each in entries]
        numbers = [delta.number for delta in deltas_in(entries)]
        sent = asyncio.run_coroutine_threadsafe(self._send(told), self._loop)
        try:
            sent.result(PATIENCE_S)
        except TimeoutError as error:
            sent.cancel()
            raise ConnectionError("the leading process is late") from error
        self.delivered = max((self.delivered, *numbers))
        return 0

    def connect(self) -> None:
        """Nothing: the connection is that of the exchange."""

    def close(self) -> None:
        """Nothing: the connection is that of the exchange."""

    async def _send(self, told: list[Any]) -> None:
        if self._stored is None:
            self._stored = self._sent(told)
        await asyncio.shield(self._stored)
        self._stored = None
        self.number, self._is_again = self.number + 1, False

    def _sent(self, told: list[Any]) -> asyncio.Future[None]:
        if self._writer is None:
            raise ConnectionError("the leading process is away")
        message = {"kind": "batch", "number": self.number + 1, "again": self._is_again}
        self._is_again = True
        self._writer.write(line_of({**message, "entries": told}))
        return asyncio.get_running_loop().create_future()
