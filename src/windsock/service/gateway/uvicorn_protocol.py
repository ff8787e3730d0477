"""The server's side of a connection: uvicorn's HTTP/1.1, with a short way for the data plane.

uvicorn spends a fifth of a request's CPU on what such a request can do without: two searches per
header, two writes per answer, two timers, an event per request that nobody waits for. What is not
a plain POST to one of `paths` goes uvicorn's own way. What a connection holds is bounded on both.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    RequestResponseCycle,
)

from windsock.gathered_writes import Turn
from windsock.service.connections.bounded_protocol import BoundedProtocol
from windsock.service.connections.limits import Connections
from windsock.service.gateway.call import LEAVE

OLD = "1.0"
"""The version of HTTP that knows no chunks: what has no length ends with its connection."""


class DirectCycle(RequestResponseCycle):
    """One request of the short way, and its answer; it is the request's `ClientConnection`.

    work    the task that runs it
    """

    work: asyncio.Task[None]

    def __init__(
        self,
        scope: Any,
        *,
        transport: asyncio.Transport,
        flow: FlowControl,
        default_headers: list[tuple[bytes, bytes]],
        keep_alive: bool,
        on_response: Callable[[], None],
        logger: Any,
    ) -> None:
        self.scope = scope
        self.transport = transport
        self.flow = flow
        self.logger = logger
        self.default_headers = default_headers
        self.message_event = asyncio.Event()
        self.on_response = on_response
        self.is_gone = False
        self._is_watched = False
        self.disconnected = False
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = False
        self.body = bytearray()
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding = False
        self.expected_content_length = 0
        self._has_length = False
        self._head = b""

    async def send(self, message: Any) -> None:
        """As uvicorn's; the head waits for the first of the body, to be written with it.

        raises  RuntimeError if the messages are no answer, or a header holds a line break
        """
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.response_started:
            self.response_started = True
            self._head = self._head_of(message["status"], message["headers"])
        elif message["type"] == "http.response.body" and self.response_started:
            self._write(message.get("body", b""), is_last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']!r}")

    def write_at_once(self, body: bytes) -> bool:
        """See `Writer.at_once`."""
        if not self.disconnected:
            self._write(body, is_last=False)
        return not self.flow.write_paused

    def leave(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self.message_event.set()
        self._let_go()
        if self._is_watched:
            self._abandon()

    def watch(self) -> None:
        """See `ClientConnection.watch`."""
        self._is_watched = True
        if self.disconnected:
            self._abandon()

    def end(self) -> None:
        """See `ClientConnection.end`."""
        self._is_watched = False

    def _abandon(self) -> None:
        self.is_gone = True
        self.work.cancel()

    def _let_go(self) -> None:
        """The scope holds this object, which holds the scope: a cycle a request is work for the
        collector, and what it finds too old stays for good (see `app.interpreter`).
        """
        self.scope.pop("extensions", None)

    def _head_of(self, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
        length = dict(headers).get(b"content-length")
        self._has_length = length is not None
        self.chunked_encoding = length is None and self.scope["http_version"] != OLD
        self.expected_content_length = int(length or 0)
        lines = [*map(b": ".join, self.default_headers), *map(b": ".join, headers)]
        if self.chunked_encoding:
            lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")
        said = b"".join(lines)
        if b"\n" in said or b"\r" in said:
            raise RuntimeError("a header holds a line break")
        return b"%b%b\r\n\r\n" % (STATUS_LINE[status], b"\r\n".join(lines))

    def _write(self, body: bytes, *, is_last: bool) -> None:
        if self.response_complete:
            raise RuntimeError("the answer was complete already")
        head, self._head = self._head, b""
        if self.chunked_encoding:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = body + b"0\r\n\r\n" if is_last else body
        elif self._has_length:
            self.expected_content_length -= len(body)
            if self.expected_content_length < 0 or (is_last and self.expected_content_length):
                raise RuntimeError("the body is not as long as its head says")
        if head or body:
            self.transport.write(head + body)
        if is_last:
            self.response_complete = True
            self._let_go()
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


class GatewayProtocol(BoundedProtocol):
    """uvicorn's protocol, bounded; `paths` go the short way."""

    paths: frozenset[bytes]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._direct: DirectCycle | None = None
        self._idle_since = math.inf

    def on_headers_complete(self) -> None:
        """Called by the parser: the short way, or uvicorn's own."""
        self.await_body()
        if not self._is_short():
            super().on_headers_complete()
            return
        path = self.url.decode("ascii")
        scope = self.scope
        scope["method"], scope["path"] = "POST", path
        scope["raw_path"], scope["query_string"] = self.url, b""
        cycle = self._cycle_of(scope, keep_alive=self.parser.should_keep_alive())
        self._direct = self.cycle = cycle
        scope["extensions"] = {LEAVE: cycle}  # type: ignore[dict-item]
        cycle.work = self.loop.create_task(cycle.run_asgi(self.app))
        cycle.work.add_done_callback(self._done)
        self.tasks.add(cycle.work)
        self.turn.under_way += 1

    def _is_short(self) -> bool:
        """True for a plain request of the data plane, with none before it unanswered."""
        return (
            self.url in self.paths
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and (self.cycle is None or self.cycle.response_complete)
            and not (self.expect_100_continue or self.parser.should_upgrade())
            and self.limit_concurrency is None
        )

    def _done(self, work: asyncio.Task[None]) -> None:
        self.tasks.discard(work)
        self.turn.under_way -= 1

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Called by uvicorn's own way, which answers a stream in chunks whoever asks."""
        scope = cast(Any, cycle.scope)
        if scope["http_version"] == OLD and scope["method"] != "HEAD":
            bare = self._cycle_of(scope, keep_alive=False)
            bare.body, bare.more_body = cycle.body, cycle.more_body
            bare.message_event = cycle.message_event
            self.cycle = bare if self.cycle is cycle else self.cycle
            cycle = bare
        super()._start_asgi_task(cycle, app)

    def _cycle_of(self, scope: Any, *, keep_alive: bool) -> DirectCycle:
        return DirectCycle(
            scope,
            transport=self.transport,
            flow=self.flow,
            default_headers=self.server_state.default_headers,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
            logger=self.logger,
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: the request under way is told."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        cycle, self._direct = self._direct, None
        if cycle is not None and not cycle.response_complete:
            cycle.leave()

    def on_response_complete(self) -> None:
        """As uvicorn's, with one timer for the life of the connection."""
        self._direct = None
        if self._arrival.due < math.inf:
            self.linger()
        if self.pipeline:
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _unset_keepalive_if_required(self) -> None:
        """Something came: the connection is not idle."""
        self._idle_since = math.inf

    def timeout_keep_alive_handler(self) -> None:
        """The timer fired: close what has been idle too long, else look again then."""
        self.timeout_keep_alive_task = None
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s <= 0:
            super().timeout_keep_alive_handler()
        elif left_s < math.inf:
            self.timeout_keep_alive_task = self.loop.call_later(
                left_s, self.timeout_keep_alive_handler
            )


def protocol_for(paths: frozenset[str], bounds: Connections) -> type[GatewayProtocol]:
    """The protocol of a server whose data plane has these paths."""
    encoded = frozenset(path.encode() for path in paths)
    known = {"paths": encoded, "bounds": bounds, "turn": Turn()}
    return cast(type[GatewayProtocol], type("GatewayProtocol", (GatewayProtocol,), known))
