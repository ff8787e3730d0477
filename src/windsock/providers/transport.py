"""Calling models: the seam between a call and the connections that carry it."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

from windsock.errors import ProviderError
from windsock.wire.request import NO_HEADERS, RequestHeaders
from windsock.wire.secret_shapes import SECRET_BYTES

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Of an answer that is held whole."""

MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Of a stream, which passes through: 64,000 tokens are about 20 MB of events."""

CONNECT_S = 1.0
"""Longest wait for a connection, TLS included."""

HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}
"""Of every request to a provider, unless it states others."""


Pass = Callable[[bytes], bool]
"""Takes a part of a body; False: no more is to be given."""


class Signer(Protocol):
    """Headers that a request gets only as it is sent: tokens that expire, signatures."""

    @property
    def is_due(self) -> bool:
        """What it shows should be renewed now; `renew` is called beside the requests then."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What it shows that nobody may be told of."""
        ...

    async def renew(self) -> None:
        """Raises ProviderError if it cannot be."""
        ...

    async def headers(self, method: str, url: str, body: bytes) -> Mapping[str, str]:
        """Of this request, by name in lower case; raises ProviderError if there are none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is reached. Comes from configuration only, never from a request.

    prefix      between the base URL and the path of a call; `{model}` in it is the model's name
    query       after the path, without its question mark; empty if there is none
    bill_header of its answers, in lower case, that says what one cost; empty if none does
    signer      makes the headers that change; None: `headers` are all
    """

    base_url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    prefix: str = ""
    query: str = field(default="", repr=False)
    bill_header: str = ""
    signer: Signer | None = None

    def call_path(self, path: str, model: str) -> str:
        """Of a call of this model, below the base URL."""
        if not self.prefix and not self.query:
            return path
        joint = "&" if self.query and "?" in path else "?"
        prefix = self.prefix.replace("{model}", quote(model, safe=""))
        return f"{prefix}{path}{joint}{self.query}" if self.query else f"{prefix}{path}"

    async def headers_of(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        """All headers of a request to it; raises ProviderError if it has nothing to show."""
        made = await self.signer.headers(method, url, body) if self.signer else {}
        return {**self.headers, **made}

    def without_secrets(self, body: bytes) -> bytes:
        """What a provider said, less our keys if it repeats them, and whatever looks like one."""
        shown = [value.removeprefix("Bearer ") for value in self.headers.values()]
        shown += [value for _, value in parse_qsl(self.query)]
        shown += self.signer.secrets if self.signer else ()
        for secret in shown:
            if len(secret) >= 8:
                body = body.replace(secret.encode(), b"[key]")
        return SECRET_BYTES.sub(b"[key]", body)


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

    async def pass_on(self, pass_: Pass) -> None:
        """Give what comes to `pass_` from within the turn of the loop that reads it.

        Returns once that is False, once something waits for `take`, or at once where a caller
        cannot do so; raises what `pass_` raises, and TooLarge.
        """
        ...

    async def body(self) -> bytes:
        """All of it; raises Interrupted or TooLarge."""
        ...

    async def close(self) -> None:
        """Drop the connection unless it was read to the end."""
        ...


class Caller(Protocol):
    """Sends requests to providers."""

    def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: RequestHeaders = NO_HEADERS
    ) -> Coroutine[Any, Any, Reply]:
        """Send; to be awaited, which returns when the head has come.

        headers     of this request alone; those that the endpoint states itself are stronger

        A kept connection that the provider had closed meanwhile is replaced by a fresh one.

        raises  Unreachable, Interrupted if what came is no head of an answer
        """
        ...

    async def ask(self, method: str, endpoint: Endpoint, path: str) -> Reply:
        """Send a request without a body by this method; else as `post`."""
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


def unreached(error: OSError) -> str:
    """Why there is no connection; without the address, which callers need not know."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or 'without a reason'}"
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    return os.strerror(error.errno).lower() if error.errno else "no connection"
