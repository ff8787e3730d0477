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


class NotTaken(Exception):
    """A body that is not read, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.status)
        self.problem = problem


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

    __slots__ = ("_memory", "_most", "held")

    def __init__(self, memory: Memory, most: int) -> None:
        self._memory = memory
        self._most = most
        self.held = 0

    async def read(self, headers: Headers, receive: Receive) -> bytes:
        """All of it; raises NotTaken, ClientGone."""
        try:
            decoder = decoder_of(headers)
            stated = headers.get(b"content-length", b"")
            if stated.isdigit() and int(stated) > self._most:
                raise self._too_large()
            parts, more = [], True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part, more = message.get("body", b""), message.get("more_body", False)
                parts.append(part if decoder is None else decoder.feed(part, self._most))
                self._hold(len(parts[-1]))
            if decoder is not None:
                decoder.end()
        except Undecodable as error:
            raise NotTaken(Problem.of(415, str(error), code="unsupported_encoding")) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _hold(self, size: int) -> None:
        if self.held + size > self._most:
            raise self._too_large()
        if not self._memory.hold(size):
            raise NotTaken(overloaded())
        self.held += size

    def _too_large(self) -> NotTaken:
        return NotTaken(Problem.of(413, f"the body exceeds {self._most} bytes; send less"))
