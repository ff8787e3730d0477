"""The caller that carries requests: connections of our own under llhttp, no client library."""

from __future__ import annotations

import zlib
from collections.abc import Coroutine, Mapping
from typing import Any

from windsock.providers.http1_connections import ConnectionBroken, Incoming
from windsock.providers.http1_pool import ConnectionPool, Origin
from windsock.providers.transport import (
    CONNECT_S,
    HEADERS,
    MAX_ANSWER_BYTES,
    MAX_STREAM_BYTES,
    Endpoint,
    Interrupted,
    Pass,
    Reply,
    Signer,
    TooLarge,
    Unreachable,
    said,
    unreached,
    whole,
)
from windsock.wire.request import NO_HEADERS, RequestHeaders

MAX_HEADS = 4096
"""Request heads that are kept ready; each reload of the configuration brings new ones."""

TYPE = "content-type"

MAX_DECODED_BYTES = 4 * 1024 * 1024
"""Of one part that comes, at most 256 KiB of what is compressed: more is a bomb."""

COMPRESSED = (b"\x1f\x8b", b"\x78")
"""How gzip and deflate begin; no JSON and no event does."""

EITHER = 32 + zlib.MAX_WBITS
"""zlib's name for one of the two, as its head tells."""

USUAL = {TYPE.encode(): HEADERS[TYPE].encode()}
"""What a request states of itself where it states nothing else."""

Line = tuple[Endpoint, Origin, bytes, bytes]
"""Whom and where to, the head of every request up to its length, and what usual ones add."""


class DirectCaller:
    """Kept-alive connections, no redirects, no proxies from the environment.

    No compression is asked for; some compress all the same.

    A kept connection that the provider had closed meanwhile is replaced by a fresh one, once.
    """

    def __init__(self, *, connect_s: float = CONNECT_S, keepalive_s: float = 15.0) -> None:
        self._pool = ConnectionPool(connect_s=connect_s, keepalive_s=keepalive_s)
        self._lines: dict[tuple[int, str], Line] = {}

    def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: RequestHeaders = NO_HEADERS
    ) -> Coroutine[Any, Any, Reply]:
        """See `Caller.post`."""
        _, origin, head, usual = self._lines.get((id(endpoint), path)) or self._line(endpoint, path)
        own = _own_lines(endpoint, headers) if headers else usual
        start = b"%b%d\r\n%b" % (head, len(body), own)
        if endpoint.signer is not None:
            return self._signed(endpoint.signer, origin, path, start, body)
        return self._exchanged(origin, b"%b\r\n%b" % (start, body))

    async def _signed(
        self, signer: Signer, origin: Origin, path: str, start: bytes, body: bytes
    ) -> Reply:
        own = await _signed(signer, origin.url(path), body)
        return await self._exchanged(origin, b"%b%b\r\n%b" % (start, own, body))

    async def ask(self, method: str, endpoint: Endpoint, path: str) -> Reply:
        """See `Caller.ask`."""
        origin = _origin(endpoint)
        head, own = _head(endpoint, origin, path, method), b""
        if endpoint.signer is not None:
            own = await _signed(endpoint.signer, origin.url(path), b"", method)
        return await self._exchanged(origin, b"%b0\r\n%b\r\n" % (head, own))

    async def _exchanged(self, origin: Origin, request: bytes) -> Reply:
        """Send it, over a connection that was kept if there is one; returns when the head came."""
        kept = self._pool.take_idle(origin)
        if kept is not None:
            try:
                incoming = kept.send(request)
                await incoming.head()
                return _CodedReply(incoming) if incoming.is_coded else _DirectReply(incoming)
            except ConnectionBroken as error:
                if not error.is_silent:
                    raise Interrupted(str(error)) from error
        try:
            fresh = await self._pool.open(origin)
            incoming = fresh.send(request)
            await incoming.head()
            return _CodedReply(incoming) if incoming.is_coded else _DirectReply(incoming)
        except TimeoutError as error:
            raise Unreachable("no connection in time") from error
        except ConnectionBroken as error:
            kind = Unreachable if error.is_silent else Interrupted
            raise kind(str(error)) from error
        except OSError as error:
            raise Unreachable(unreached(error)) from error

    async def close(self) -> None:
        """Drop all connections."""
        self._pool.close()

    def _line(self, endpoint: Endpoint, path: str) -> Line:
        origin = _origin(endpoint)
        usual = _own_lines(endpoint, NO_HEADERS)
        made = endpoint, origin, _head(endpoint, origin, path), usual
        if len(self._lines) >= MAX_HEADS:
            self._lines.clear()
        self._lines[id(endpoint), path] = made
        return made


class _DirectReply:
    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._taken = 0
        self.status = incoming.status

    @property
    def headers(self) -> Mapping[str, str]:
        return {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self._incoming.headers.items()
        }

    async def take(self) -> bytes:
        part = await self._take()
        self._count(part)
        return part

    async def pass_on(self, pass_: Pass) -> None:
        def counted(part: bytes) -> bool:
            self._count(part)
            return pass_(part)

        try:
            await self._incoming.pass_on(counted)
        except ConnectionBroken as error:
            raise Interrupted(str(error)) from error

    async def body(self) -> bytes:
        incoming = self._incoming
        if incoming.is_complete and 0 < incoming.length <= MAX_ANSWER_BYTES:
            return incoming.rest()
        return await whole(self._take, incoming.length)

    async def close(self) -> None:
        if not self._incoming.is_complete:
            self._incoming.close()

    def _count(self, part: bytes) -> None:
        self._taken += len(part)
        if self._taken > MAX_STREAM_BYTES:
            raise TooLarge(f"the answer exceeds {MAX_STREAM_BYTES} bytes")

    async def _take(self) -> bytes:
        try:
            return await self._incoming.take()
        except ConnectionBroken as error:
            raise Interrupted(str(error)) from error


class _CodedReply(_DirectReply):
    """One whose head says that it is compressed, which its first bytes show to be so or not."""

    def __init__(self, incoming: Incoming) -> None:
        super().__init__(incoming)
        self._decoder: Any = None
        self._is_begun = False

    async def pass_on(self, pass_: Pass) -> None:
        """Not here: see `Reply.pass_on`."""

    async def body(self) -> bytes:
        return await whole(self._take, self._incoming.length)

    async def _take(self) -> bytes:
        while part := await super()._take():
            if not self._is_begun:
                self._is_begun = True
                self._decoder = zlib.decompressobj(EITHER) if part.startswith(COMPRESSED) else None
            if decoded := self._decoded(part):
                return decoded
        return b""

    def _decoded(self, part: bytes) -> bytes:
        if self._decoder is None:
            return part
        try:
            decoded: bytes = self._decoder.decompress(part, MAX_DECODED_BYTES + 1)
        except zlib.error as error:
            raise Interrupted(said(error)) from error
        if self._decoder.unused_data:  # of which zlib keeps all that comes
            raise Interrupted("the answer goes on after the end of what is compressed")
        if len(decoded) > MAX_DECODED_BYTES:
            raise TooLarge(f"a part of the answer exceeds {MAX_DECODED_BYTES} bytes")
        return decoded


async def _signed(signer: Signer, url: str, body: bytes, method: str = "POST") -> bytes:
    """Lines of the head that only this request has; raises ProviderError."""
    made = await signer.headers(method, url, body)
    return "".join(f"{name}: {value}\r\n" for name, value in made.items()).encode("latin-1")


def _own_lines(endpoint: Endpoint, headers: RequestHeaders) -> bytes:
    """Lines of the head that a request states itself, beside those of `_head`."""
    stated = {name.lower().encode() for name in endpoint.headers}
    own = {**USUAL, **dict(headers)}
    return b"".join(b"%b: %b\r\n" % pair for pair in own.items() if pair[0] not in stated)


def _origin(endpoint: Endpoint) -> Origin:
    """Raises Unreachable if the address is none."""
    try:
        return Origin.of(endpoint.base_url)
    except ValueError as error:
        raise Unreachable(str(error)) from error


def _head(endpoint: Endpoint, origin: Origin, path: str, method: str = "POST") -> bytes:
    """What every request states; raises Unreachable if a header could not be sent as it is."""
    named = {name.lower(): value for name, value in endpoint.headers.items()}
    always = {name: value for name, value in HEADERS.items() if name != TYPE}
    fields = {"host": origin.authority, "accept": "*/*", **always, **named}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    text = "\r\n".join([f"{method} {origin.path}{path} HTTP/1.1", *lines, "content-length: "])
    if any(mark in line for line in lines for mark in "\r\n\0"):
        raise Unreachable("a header of the provider holds a line break")
    return text.encode("latin-1", "replace")
