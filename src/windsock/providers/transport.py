"""Calling models: the seam between a call and the connections that carry it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from windsock.errors import ProviderError

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Of an answer that is held whole."""

MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Of a stream, which passes through: 64,000 tokens are about 20 MB of events."""

CONNECT_S = 1.0
"""Longest wait for a connection, TLS included."""

HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
"""Of every request to a provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is reached. Comes from configuration only, never from a request.

    bill_header of its answers, in lower case, that says what one cost; empty if none does
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    bill_header: str = ""

    def without_secrets(self, body: bytes) -> bytes:
        """What a provider said, less our key if it repeats it."""
        for value in self.headers.values():
            secret = value.removeprefix("Bearer ").encode()
            if len(secret) >= 8:
                body = body.replace(secret, b"[key]")
        return body


class Unreachable(ProviderError):
    """No connection, or it was refused or lost before an answer began."""


class Interrupted(ProviderError):
    """The connection broke, or its framing did, while the answer came."""


class TooLarge(ProviderError):
    """The answer exceeds the bound."""


class Reply(Protocol):
    """An answer whose head has come. Leave it with `close`; reading on is not needed."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        ...

    async def take(self) -> bytes:
        """What has arrived meanwhile, joined; b"" at the end; raises Interrupted or TooLarge."""
        ...

    async def body(self) -> bytes:
        """All of it; raises Interrupted or TooLarge."""
        ...

    async def close(self) -> None:
        """Drop the connection unless it was read to the end."""
        ...


class Caller(Protocol):
    """Sends requests to providers."""

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        """Send; returns when the head has come.

        A kept connection that the provider had closed meanwhile is replaced by a fresh one.

        raises  Unreachable, Interrupted if what came is no head of an answer
        """
        ...

    async def close(self) -> None:
        """Drop all connections."""
        ...


async def whole(take: Callable[[], Awaitable[bytes]], length: int) -> bytes:
    """An answer held whole; one that announces its excess is not read at all.

    take        gives what has arrived, b"" at the end
    length      in bytes as announced, 0 if it is not
    raises      TooLarge
    """
    total, parts = length, []
    if total <= MAX_ANSWER_BYTES:
        total = 0
        while total <= MAX_ANSWER_BYTES and (part := await take()):
            parts.append(part)
            total += len(part)
    if total > MAX_ANSWER_BYTES:
        raise TooLarge(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def said(error: Exception) -> str:
    """One short line: some libraries quote what they could not read."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]
