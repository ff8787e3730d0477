"""One request of the data plane, and the means to answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from windsock.service.connections.leaving import ClientConnection
from windsock.service.error_responses import Problem
from windsock.service.key_limits import NO_LIMITS
from windsock.wire.request import NativeRequest

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = dict[bytes, bytes]
Endpoint = Callable[["Call"], Awaitable[None]]

JSON = (b"content-type", b"application/json")

LEAVE = "windsock.leave"
"""The ASGI extension that holds the request's `ClientConnection`."""


class Call:
    """One request of the data plane: its body, and the means to answer.

    presented   the digest of its key, None if it has none
    model       that its path names, None if it names none
    query       after the path, without its question mark
    allowance   what it takes of its key's limits
    is_told     what is answered is in the client's own format already
    connection  of the client, once it is watched
    """

    __slots__ = (
        "allowance",
        "body",
        "connection",
        "headers",
        "is_answered",
        "is_told",
        "model",
        "presented",
        "query",
        "receive",
        "send",
    )

    def __init__(
        self, headers: Headers, presented: bytes | None, receive: Receive, send: Send
    ) -> None:
        self.headers = headers
        self.presented = presented
        self.body = b""
        self.receive = receive
        self.send = send
        self.is_answered = False
        self.connection: ClientConnection | None = None
        self.model: str | None = None
        self.query = b""
        self.allowance = NO_LIMITS
        self.is_told = False

    @property
    def native(self) -> NativeRequest | None:
        """The request in the client's own format, where that is not the one of `body`."""
        return None

    def header(self, name: bytes) -> str | None:
        """A header of the request by its name in lower case, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def head(self, status: int, headers: list[tuple[bytes, bytes]]) -> Message:
        """The message with which an answer begins: from now on there is one."""
        self.is_answered = True
        if self.allowance is not NO_LIMITS:
            headers = [*headers, *self.allowance.headers()]
        return {"type": "http.response.start", "status": status, "headers": headers}

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of an answer whose body follows in parts."""
        await self.send(self.head(status, headers))

    async def write(self, body: bytes, *, more: bool) -> None:
        """A part of the body; more: others follow."""
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    @property
    def write_at_once(self) -> Callable[[bytes], bool] | None:
        """Writes a part of the body that is not the last (see `Writer.at_once`)."""
        return None if self.connection is None else self.connection.write_at_once

    async def answer(
        self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        """A whole answer: JSON, unless its headers begin with another type."""
        length = (b"content-length", b"%d" % len(body))
        kind = [] if headers and headers[0][0] == JSON[0] else [JSON]
        await self.send(self.head(status, [*kind, *(headers or ()), length]))
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, problem: Problem) -> None:
        """A whole answer that is an error."""
        await self.answer(problem.status, problem.body, problem.headers)


class CutShort(Exception):
    """An answer that began has no end: the server closes the connection."""
