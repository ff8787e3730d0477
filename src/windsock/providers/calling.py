"""Calling models: one small seam, aiohttp behind it, httpx as the second that proves the seam."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
import httpx

from windsock.errors import ProviderError

MAX_ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is reached. Comes from configuration only, never from a request."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Unreachable(ProviderError):
    """No connection, or it was refused or lost before an answer began."""


class Interrupted(ProviderError):
    """The connection broke, or its framing did, while the answer came."""


class TooLarge(ProviderError):
    """The answer exceeds the bound."""


class Reply(Protocol):
    """An answer whose head has come. Leave it with `close`; reading on is not needed."""

    status: int
    headers: Mapping[str, str]

    def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they arrive; raises Interrupted or TooLarge."""
        ...

    async def body(self) -> bytes: ...

    async def close(self) -> None:
        """Drop the connection unless it was read to the end."""
        ...


class Caller(Protocol):
    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        """Send; returns when the head has come; raises Unreachable, or TimeoutError if told to."""
        ...

    async def close(self) -> None: ...


class AiohttpCaller:
    """Keep-alive connections, no redirects, no proxies from the environment, no compression."""

    def __init__(
        self, *, connect_s: float = 5.0, max_connections: int = 0, keepalive_s: float = 15.0
    ) -> None:
        self._connect_s = connect_s
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        session = self._session or self._open()
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        try:
            response = await session.post(
                endpoint.base_url + path,
                data=body,
                headers={**headers, **endpoint.headers},
                allow_redirects=False,
            )
        except TimeoutError as error:
            raise Unreachable("no connection in time") from error
        except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return _AiohttpReply(response)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._max_connections, keepalive_timeout=self._keepalive_s
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_s),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        return self._session


class _AiohttpReply:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        total = 0
        try:
            async for chunk in self._response.content.iter_any():
                total += len(chunk)
                if total > MAX_ANSWER_BYTES:
                    raise TooLarge(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise Interrupted(f"{type(error).__name__}: {error}") from error

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class HttpxCaller:
    """The same seam over httpx; slower, used to hold the first to its word."""

    def __init__(self, *, connect_s: float = 5.0) -> None:
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(None, connect=connect_s), trust_env=False
        )

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        request = self._client.build_request(
            "POST", endpoint.base_url + path, content=body, headers={**headers, **endpoint.headers}
        )
        try:
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error
        return _HttpxReply(response)

    async def close(self) -> None:
        await self._client.aclose()


class _HttpxReply:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def chunks(self) -> AsyncIterator[bytes]:
        total = 0
        try:
            async for chunk in self._response.aiter_raw():
                total += len(chunk)
                if total > MAX_ANSWER_BYTES:
                    raise TooLarge(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
                yield chunk
        except httpx.HTTPError as error:
            raise Interrupted(f"{type(error).__name__}: {error}") from error

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks()])

    async def close(self) -> None:
        await self._response.aclose()
