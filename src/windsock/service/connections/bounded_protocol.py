"""uvicorn's side of a connection, bounded: what came, by when more must, and how many there are."""

from __future__ import annotations

import asyncio
import math
import re
from typing import Any, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from windsock.gathered_writes import GatheredTransport, Turn
from windsock.service.connections.limits import (
    BODY_S,
    HEAD_S,
    LINGER_BYTES,
    LINGER_S,
    MANY_HEADERS,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_OVERHEAD_BYTES,
    MAX_PIPELINED,
    WRITE_S,
    Arrival,
    Connections,
)
from windsock.service.connections.paths import in_format_of
from windsock.service.error_responses import Problem, overloaded

NO_HTTP = Problem.of(
    400, "what came is no request of HTTP/1.1; see to its first line, headers and framing"
)

MANY_AHEAD = Problem.of(400, f"more than {MAX_PIPELINED} requests ahead of an answer; await it")

LONG_ADDRESS = Problem.of(414, f"the address exceeds {MAX_HEAD_BYTES} bytes; send less")

UPGRADE = re.compile(rb"^(?:upgrade|http2-settings):[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; `bounds` has every connection, `turn` what they write together."""

    bounds: Connections
    turn: Turn

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._arrival = Arrival()
        self._unread_since = math.inf
        self._awaits_head = True
        self._is_ahead = False
        self._fault = NO_HTTP
        self.url, self.headers = b"", []

    @property
    def peer(self) -> str:
        """The address at the other end; empty where there is none."""
        return self.client[0] if self.client else ""

    @property
    def is_serving(self) -> bool:
        """A request is worked on whose head is complete."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def has_asked(self) -> bool:
        """The head of a request came."""
        return self.cycle is not None

    def close(self) -> None:
        """End the connection; what was written is sent."""
        self.transport.close()

    def check(self, now: float) -> None:
        """End it if the client is late with a request, or leaves its answer unread."""
        if now > self._unread_since + WRITE_S:
            self.transport.abort()
        elif self._arrival.is_late(now):
            self._give_up()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio: one more, if there is room."""
        super().connection_made(cast(asyncio.Transport, GatheredTransport(transport, self.turn)))
        self._arrival.due = self.loop.time() + HEAD_S
        if not self.bounds.admit(self):
            self._refuse(overloaded())

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: one less."""
        self.bounds.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by asyncio with whatever came; bounded before it is a request."""
        arrival = self._arrival
        if self._awaits_head and data.find(b"pgrade", 0, data.find(b"\r\n\r\n")) >= 0:
            data = without_upgrade(data)  # of the body, which may be long, nothing is looked at
        arrival.received += len(data)
        super().data_received(data)
        if arrival.received > LINGER_BYTES:  # of the two bounds the lower one
            self._bound(arrival)

    def _bound(self, arrival: Arrival) -> None:
        """After its answer nothing more is read, before it no more that is no body."""
        if arrival.is_answered:
            self.transport.pause_reading()
        elif arrival.is_bloated:
            self._refuse(Problem.of(431, f"line and headers exceed {MAX_OVERHEAD_BYTES} bytes"))

    def on_message_begin(self) -> None:
        """Called by the parser: a request begins."""
        arrival = self._arrival
        arrival.received, arrival.body, arrival.is_answered = 0, 0, False
        arrival.due = self.loop.time() + HEAD_S
        self._is_ahead = len(self.pipeline) > MAX_PIPELINED
        super().on_message_begin()

    def await_body(self) -> None:
        """The head is complete: the body is due."""
        self._awaits_head = False
        self._arrival.due += BODY_S

    def linger(self) -> None:
        """The answer is complete: what is due of the request is read for a moment only."""
        arrival = self._arrival
        arrival.is_answered, arrival.due = True, self.loop.time() + LINGER_S
        arrival.received = arrival.body = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser with a header, or a trailer; as uvicorn's, bounded.

        raises  ValueError, which ends the connection
        """
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        if len(self.headers) >= MAX_HEADERS:
            self._end(MANY_HEADERS)
        if self._is_ahead:
            self._end(MANY_AHEAD)
        self.headers.append((name, value))

    def on_url(self, url: bytes) -> None:
        """Called by the parser with a part of the address; as uvicorn's, bounded.

        raises  ValueError, which ends the connection
        """
        super().on_url(url)
        if len(self.url) > MAX_HEAD_BYTES:
            self._end(LONG_ADDRESS)

    def on_body(self, body: bytes) -> None:
        """Called by the parser with a part of the body."""
        self._arrival.body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser: nothing more of this request is due."""
        self._awaits_head = True
        self._arrival.due = math.inf
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Called by asyncio: the client does not read."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Called by asyncio: it reads again."""
        self._unread_since = math.inf
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """The parser gave up: what came is no HTTP, or a bound of ours ended it."""
        self._refuse(self._fault)

    def _end(self, fault: Problem) -> NoReturn:
        """Have the parser give up, which calls `send_400_response`."""
        self._fault = fault
        raise ValueError

    def _give_up(self) -> None:
        """Say what did not come, where somebody began to say something and was not answered."""
        if self._arrival.is_answered or self.scope is None:
            self.transport.close()
        else:
            self._refuse(Problem.of(408, "the request did not arrive in time"))

    def _refuse(self, problem: Problem) -> None:
        """Tell it in the client's format, unless an answer has begun, and close."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or not cycle.response_started:
            problem = in_format_of(self.url.decode("latin-1"), dict(self.headers), problem)
            length = (b"content-length", b"%d" % len(problem.body))
            kind = (b"content-type", b"application/json")
            headers = [*self.server_state.default_headers, kind, length, *problem.headers]
            head = b"".join(b"%b: %b\r\n" % pair for pair in headers)
            start = STATUS_LINE[problem.status] + head + b"connection: close\r\n\r\n"
            self.transport.write(start + problem.body)
        self.transport.close()


def without_upgrade(data: bytes) -> bytes:
    """A head without the offer to speak another protocol, which the parser would take up itself.

    Java's client offers HTTP/2 with its first request of all, and means its body all the same.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return UPGRADE.sub(b"", head + b"\r\n")[:-2] + end + rest
