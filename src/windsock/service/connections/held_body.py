"""A request's body as it arrives: decoded, bounded, and counted while it is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from windsock.service.connections.body_coding import Undecodable, decoder_of
from windsock.service.error_responses import Problem, overloaded

Headers = Mapping[bytes, bytes]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client left before its request was whole."""


def has_body(headers: Headers) -> bool:
    """Whether a body follows these headers."""
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def is_form(headers: Headers) -> bool:
    """Whether the body is a form, which may hold files."""
    return headers.get(b"content-type", b"")[:10].lower() == b"multipart/"


class Memory(Protocol):
    """What is left for bodies."""

    def hold(self, size: int) -> bool:
        """Take so many bytes; False if there are none. What was taken needs a `release`."""
        ...

    def release(self, size: int) -> None:
        """Give back what `hold` reserved."""
        ...


class HeldBody:
    """A request's body, for which memory is held as it arrives; who made it releases that.

    held    bytes
    """

    __slots__ = ("_memory", "_most", "_parts", "held")

    def __init__(self, memory: Memory, most: int) -> None:
        self._memory = memory
        self._most = most
        self.held = 0
        self._parts: list[bytes] = []

    async def read(self, headers: Headers, receive: Receive) -> Problem | None:
        """All of it, or why it is not taken; raises ClientGone."""
        stated = headers.get(b"content-length", b"")
        is_large = stated.isdigit() and int(stated) > self._most
        problem = self._too_large() if is_large else None
        try:
            decoder = decoder_of(headers)
            more = problem is None
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part, more = message.get("body", b""), message.get("more_body", False)
                problem = self._take(decoder.feed(part, self._most) if decoder else part)
                more = more and problem is None
            if decoder is not None and problem is None:
                decoder.end()
        except Undecodable as error:
            problem = Problem.of(415, str(error), code="unsupported_encoding")
        return problem

    def whole(self) -> bytes:
        """What was read; once."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take(self, part: bytes) -> Problem | None:
        size = len(part)
        if self.held + size > self._most:
            return self._too_large()
        if not self._memory.hold(size):
            return overloaded()
        self.held += size
        self._parts.append(part)
        return None

    def _too_large(self) -> Problem:
        return Problem.of(413, f"the body exceeds {self._most} bytes; send less")
