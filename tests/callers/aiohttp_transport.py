"""The seam over aiohttp."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import aiohttp

from tests.callers.content_length import length_of
from windsock.providers.transport import (
    CONNECT_S,
    HEADERS,
    MAX_STREAM_BYTES,
    Endpoint,
    Interrupted,
    Pass,
    Reply,
    TooLarge,
    Unreachable,
    said,
    whole,
)
from windsock.wire.request import NO_HEADERS, RequestHeaders


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

    async def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: RequestHeaders = NO_HEADERS
    ) -> Reply:
        own = {name.decode(): text.decode("latin-1") for name, text in headers}
        session = self._session or self._open()
        _is_fresh.set(False)
        try:
            try:
                response = await _post(session, endpoint, path, body, own)
            except aiohttp.ClientError as error:
                if _is_fresh.get() or not _is_silent(error):
                    raise
                response = await _post(self._fresh(), endpoint, path, body, own)
        except TimeoutError as error:
            raise Unreachable("no connection in time") from error
        except aiohttp.ClientResponseError as error:
            raise Interrupted(said(error)) from error
        except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
            raise Unreachable(said(error)) from error
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
    session: aiohttp.ClientSession,
    endpoint: Endpoint,
    path: str,
    body: bytes,
    own: dict[str, str],
) -> aiohttp.ClientResponse:
    return await session.post(
        endpoint.base_url + path,
        data=body,
        headers={**HEADERS, **own, **endpoint.headers},
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
        self._taken = 0
        self.status = response.status
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def take(self) -> bytes:
        try:
            part = await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise Interrupted(said(error)) from error
        self._taken += len(part)
        if self._taken > MAX_STREAM_BYTES:
            raise TooLarge(f"the answer exceeds {MAX_STREAM_BYTES} bytes")
        return part

    async def pass_on(self, pass_: Pass) -> None:
        """Nothing: all is taken."""

    async def body(self) -> bytes:
        return await whole(self.take, length_of(self.headers))

    async def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()
