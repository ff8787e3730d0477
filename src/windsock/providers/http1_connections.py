"""Kept-alive HTTP/1.1 connections on asyncio, parsed by llhttp (httptools).

One request at a time on a connection, no pipelining, no redirects, no retries: what fails is
reported once, and the exchange decides.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from windsock.errors import ProviderError
from windsock.gathered_writes import GatheredTransport, Turn

MAX_HEAD_BYTES = 64 * 1024
"""Of status line and headers together."""

MAX_UNREAD_BYTES = 256 * 1024
"""Reading stops while so much waits to be taken: a slow client must not fill the memory."""

CONNECTION_CLOSED = "the connection was closed"


class ConnectionBroken(ProviderError):
    """The connection, or its framing, failed. is_silent: before a byte of the answer had come."""

    def __init__(self, message: str, *, is_silent: bool) -> None:
        super().__init__(message)
        self.is_silent = is_silent


class Incoming:
    """One answer as it comes. `take` gives what has arrived, joined; b"" at the end.

    length      of the body as its head states it, 0 if it does not
    is_coded    its head says that it is compressed
    """

    __slots__ = (
        "_connection", "_error", "_parts", "_pass", "_waiter", "headers", "is_coded",
        "is_complete", "is_headed", "length", "status",
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection = connection
        self._parts = connection.parts
        self._waiter: asyncio.Future[None] | None = None
        self._pass: Callable[[bytes], bool] | None = None
        self._error: ConnectionBroken | None = None
        self.status = 0
        self.length = 0
        self.is_coded = False
        self.headers: dict[bytes, bytes] = {}
        self.is_headed = False
        self.is_complete = False

    async def head(self) -> None:
        """Wait for status and headers; raises ConnectionBroken. Who gives up leaves the answer."""
        try:
            while not self.is_headed:
                await self._news()
        except BaseException:
            self.close()
            raise

    async def take(self) -> bytes:
        """raises  ConnectionBroken once everything that came before the break was taken"""
        while not self._parts:
            if self.is_complete:
                return b""
            await self._news()
        return self._taken()

    async def pass_on(self, pass_: Callable[[bytes], bool]) -> None:
        """Give what comes to `pass_` as it is read, without waking who waits here.

        Returns once that is False, or once `take` would not wait; raises what it raises.
        """
        if self._parts or self.is_complete or self._error is not None:
            return
        self._pass = pass_
        try:
            await self._news()
        finally:
            self._pass = None

    def rest(self) -> bytes:
        """What has arrived and was not taken."""
        parts = self._parts
        taken = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return taken

    def end(self, error: ConnectionBroken | None = None) -> None:
        """No more will come: it is whole, or this is why not.

        What is left of it no longer lies with the connection.
        """
        self._connection.turn.under_way -= 1
        if error is None:
            self.is_complete = True
        self._error = error
        self._parts = self._parts.copy()
        self._connection.parts.clear()
        self.wake()

    def close(self) -> None:
        """Leave the answer; an unfinished one costs the connection."""
        if not self.is_complete:
            self._connection.abort()

    def wake(self) -> None:
        """Something came, or nothing more will."""
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        goes_on = False
        if (pass_ := self._pass) is not None:
            try:
                goes_on = not self._parts or pass_(self._taken())
            except Exception as error:
                waiter.set_exception(error)
                return
        if not goes_on or self.is_complete or self._error is not None:
            waiter.set_result(None)

    def _taken(self) -> bytes:
        taken = self.rest()
        if not self.is_complete:
            self._connection.resume()
        return taken

    def _news(self) -> asyncio.Future[None]:
        """Await what comes next; raises ConnectionBroken if nothing will."""
        if self._error is not None:
            raise self._error
        self._waiter = self._connection.loop.create_future()
        return self._waiter


class Connection(asyncio.Protocol):
    """A connection, idle or carrying one exchange; goes back to `idle` when that is complete.

    parts   of the body that came and were not taken; the parser itself puts them there, since a
            stream has a part for each of its events
    turn    of those that send together
    fields  of the head that is coming, as the parser puts them there; trailers come here as well,
            and are left out
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, idle: deque[Connection], turn: Turn
    ) -> None:
        self.loop = loop
        self.turn = turn
        self.idle_since = 0.0
        self._idle = idle
        self._transport: GatheredTransport | None = None
        self.parts: list[bytes] = []
        self.on_body = self.parts.append
        self.fields: dict[bytes, bytes] = {}
        self.on_header = self.fields.__setitem__
        self._parser = httptools.HttpResponseParser(self)
        self._incoming: Incoming | None = None
        self._head_bytes = 0
        self._is_framed = False
        self._is_paused = False
        self._waiting_bytes = 0

    @property
    def is_usable(self) -> bool:
        """Open, and not about to close."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> Incoming:
        """Write a whole request; its answer comes in what is returned."""
        if self._transport is None:
            raise ConnectionBroken(CONNECTION_CLOSED, is_silent=True)
        self._incoming = Incoming(self)
        self.turn.under_way += 1
        self._head_bytes = self._waiting_bytes = 0
        self._transport.write(request)
        return self._incoming

    def abort(self) -> None:
        """Drop the connection."""
        self._lose("the answer was left")

    def pause(self) -> None:
        """Stop reading until `resume`."""
        if self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """What had come was taken."""
        self._waiting_bytes = 0
        if self._transport is not None and self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio, once."""
        # uvloop's is no subclass of asyncio's
        self._transport = GatheredTransport(cast("asyncio.Transport", transport), self.turn)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: parse what came, and stop reading when too much waits."""
        incoming = self._incoming
        if incoming is None:
            self._lose("the provider sent more than one answer")
            return
        if not incoming.is_headed:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._lose(f"not HTTP: {error}")
            return
        if incoming.is_complete:
            return
        if incoming.is_headed:
            self._waiting_bytes += len(data)
            if self._waiting_bytes > MAX_UNREAD_BYTES and incoming is self._incoming:
                self.pause()
            incoming.wake()
        elif self._head_bytes > MAX_HEAD_BYTES:
            self._lose(f"the head exceeds {MAX_HEAD_BYTES} bytes")

    def connection_lost(self, error: Exception | None) -> None:
        """Called by asyncio: a body without a stated end ends here."""
        incoming = self._incoming
        if incoming is not None and incoming.is_headed and not self._is_framed and error is None:
            self._incoming = None
            incoming.end()
        self._transport = None
        self._lose(CONNECTION_CLOSED if error is None else f"{type(error).__name__}: {error}")

    def on_message_begin(self) -> None:
        """Called by the parser; an answer that nobody asked for costs the connection."""
        self.fields.clear()
        if self._incoming is None:
            self._lose("the provider sent more than one answer")

    def on_headers_complete(self) -> None:
        """Called by the parser; interim answers (1xx) are passed over."""
        incoming = self._incoming
        status = self._parser.get_status_code()
        if incoming is None or status < 200:
            return
        incoming.headers = self.fields.copy()
        self._is_framed = status in (204, 304)
        for name, value in incoming.headers.items():
            key = name.lower()
            if key == b"content-length":
                self._is_framed = True
                incoming.length = int(value) if value.isdigit() else 0
            elif key == b"transfer-encoding":
                self._is_framed = True
            elif key == b"content-encoding":
                incoming.is_coded = value.lower() != b"identity"
        incoming.status = status
        incoming.is_headed = True

    def on_message_complete(self) -> None:
        """Called by the parser: the connection is idle again, or closes."""
        incoming = self._incoming
        if incoming is None or not incoming.is_headed:
            return
        is_kept = self._parser.should_keep_alive()
        self._incoming = None
        incoming.end()
        if self._is_paused:
            self.resume()
        if is_kept:
            self.idle_since = self.loop.time()
            self._idle.append(self)
        else:
            self._lose(CONNECTION_CLOSED)

    def _lose(self, why: str) -> None:
        """Never used again; the exchange under way, if any, is told."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            incoming.end(ConnectionBroken(why, is_silent=not self._head_bytes))
        with contextlib.suppress(ValueError):
            self._idle.remove(self)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
