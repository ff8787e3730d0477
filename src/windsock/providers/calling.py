"""Calling models: one small seam, aiohttp behind it, httpx as the second that proves the seam."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import httpx

from windsock.errors import ProviderError

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Of an answer that is held whole."""

MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Of a stream, which passes through: 64,000 tokens are about 20 MB of events."""

CONNECT_S = 1.0
HEADERS = {"content-type": "application/json", "accept-encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a provider is reached. Comes from configuration only, never from a request."""

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)

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

    def chunks(self) -> AsyncIterator[bytes]:
        """Bytes as they arrive; raises Interrupted or TooLarge."""
        ...

    async def body(self) -> bytes:
        """All of it; raises Interrupted or TooLarge."""
        ...

    async def close(self) -> None:
        """Drop the connection unless it was read to the end."""
        ...


class Caller(Protocol):
    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        """Send; returns when the head has come.

        A kept connection that the provider had closed meanwhile is replaced by a fresh one.

        raises  Unreachable, Interrupted if what came is no head of an answer
        """
        ...

    async def close(self) -> None: ...


class AiohttpCaller:
    """Keep-alive connections, no redirects, no proxies from the environment, no compression."""

    def __init__(
        self, *, connect_s: float = CONNECT_S, max_connections: int = 0, keepalive_s: float = 15.0
    ) -> None:
        self._connect_s = connect_s
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._session: aiohttp.ClientSession | None = None
        self._fresh_session: aiohttp.ClientSession | None = None

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        session = self._session or self._open()
        _is_fresh.set(False)
        try:
            try:
                response = await _post(session, endpoint, path, body)
            except aiohttp.ClientError as error:
                if _is_fresh.get() or not _is_silent(error):
                    raise
                response = await _post(self._fresh(), endpoint, path, body)
        except TimeoutError as error:
            raise Unreachable("no connection in time") from error
        except aiohttp.ClientResponseError as error:
            raise Interrupted(_said(error)) from error
        except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
            raise Unreachable(_said(error)) from error
        return _AiohttpReply(response)

    async def close(self) -> None:
        for session in (self._session, self._fresh_session):
            if session is not None:
                await session.close()
        self._session = self._fresh_session = None

    def _open(self) -> aiohttp.ClientSession:
        connector = _Connector(limit=self._max_connections, keepalive_timeout=self._keepalive_s)
        self._session = _session(connector, self._connect_s)
        return self._session

    def _fresh(self) -> aiohttp.ClientSession:
        """For the second try: its connections serve one request each."""
        if self._fresh_session is None:
            connector = _Connector(limit=self._max_connections, force_close=True)
            self._fresh_session = _session(connector, self._connect_s)
        return self._fresh_session


_is_fresh: ContextVar[bool] = ContextVar("is_fresh", default=False)
"""Whether the request of this task went over a connection made for it."""


class _Connector(aiohttp.TCPConnector):
    async def _create_connection(self, *arguments: Any, **more: Any) -> Any:
        _is_fresh.set(True)
        return await super()._create_connection(*arguments, **more)


def _session(connector: _Connector, connect_s: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, connect=connect_s),
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


async def _post(
    session: aiohttp.ClientSession, endpoint: Endpoint, path: str, body: bytes
) -> aiohttp.ClientResponse:
    return await session.post(
        endpoint.base_url + path,
        data=body,
        headers={**HEADERS, **endpoint.headers},
        allow_redirects=False,
    )


def _is_silent(error: aiohttp.ClientError) -> bool:
    """The connection ended without a byte of an answer."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)
    return isinstance(error, aiohttp.ClientOSError)


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
                if total > MAX_STREAM_BYTES:
                    raise TooLarge(f"the answer exceeds {MAX_STREAM_BYTES} bytes")
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            raise Interrupted(_said(error)) from error

    async def body(self) -> bytes:
        return await _whole(self)

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class HttpxCaller:
    """The same seam over httpx; slower, used to hold the first to its word."""

    def __init__(self, *, connect_s: float = CONNECT_S) -> None:
        timeout = httpx.Timeout(None, connect=connect_s)
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)
        self._fresh_client = httpx.AsyncClient(timeout=timeout, trust_env=False, limits=once)

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> Reply:
        made: list[str] = []

        async def trace(event: str, _: Any) -> None:
            if event.startswith("connection."):
                made.append(event)

        try:
            try:
                response = await _send(self._client, endpoint, path, body, trace)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if made:
                    raise
                response = await _send(self._fresh_client, endpoint, path, body, trace)
        except httpx.RemoteProtocolError as error:
            kind = Unreachable if "disconnected" in str(error) else Interrupted
            raise kind(_said(error)) from error
        except httpx.HTTPError as error:
            raise Unreachable(_said(error)) from error
        return _HttpxReply(response)

    async def close(self) -> None:
        await self._client.aclose()
        await self._fresh_client.aclose()


async def _send(
    client: httpx.AsyncClient, endpoint: Endpoint, path: str, body: bytes, trace: Any
) -> httpx.Response:
    request = client.build_request(
        "POST",
        endpoint.base_url + path,
        content=body,
        headers={**HEADERS, **endpoint.headers},
        extensions={"trace": trace},
    )
    return await client.send(request, stream=True)


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
                if total > MAX_STREAM_BYTES:
                    raise TooLarge(f"the answer exceeds {MAX_STREAM_BYTES} bytes")
                yield chunk
        except httpx.HTTPError as error:
            raise Interrupted(_said(error)) from error

    async def body(self) -> bytes:
        return await _whole(self)

    async def close(self) -> None:
        await self._response.aclose()


async def _whole(reply: Reply) -> bytes:
    """An answer held whole; one that announces its excess is not read at all."""
    stated = reply.headers.get("content-length", "")
    total = int(stated) if stated.isdigit() else 0
    parts = []
    if total <= MAX_ANSWER_BYTES:
        total = 0
        async for chunk in reply.chunks():
            parts.append(chunk)
            total += len(chunk)
            if total > MAX_ANSWER_BYTES:
                break
    if total > MAX_ANSWER_BYTES:
        raise TooLarge(f"the answer exceeds {MAX_ANSWER_BYTES} bytes")
    return b"".join(parts)


def _said(error: Exception) -> str:
    """One short line: some libraries quote what they could not read."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:200]
