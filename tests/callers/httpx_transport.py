"""The seam over httpx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

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


class HttpxCaller:
    """The same seam over httpx; by far the slowest, for comparison."""

    def __init__(self, *, connect_s: float = CONNECT_S) -> None:
        timeout = httpx.Timeout(None, connect=connect_s)
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)
        self._fresh_client = httpx.AsyncClient(timeout=timeout, trust_env=False, limits=once)

    async def post(
        self, endpoint: Endpoint, path: str, body: bytes, headers: RequestHeaders = NO_HEADERS
    ) -> Reply:
        own = {name.decode(): text.decode("latin-1") for name, text in headers}
        made: list[str] = []

        async def trace(event: str, _: Any) -> None:
            if event.startswith("connection."):
                made.append(event)

        try:
            try:
                response = await _send(self._client, endpoint, path, body, own, trace)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if made:
                    raise
                response = await _send(self._fresh_client, endpoint, path, body, own, trace)
        except httpx.RemoteProtocolError as error:
            kind = Unreachable if "disconnected" in str(error) else Interrupted
            raise kind(said(error)) from error
        except httpx.HTTPError as error:
            raise Unreachable(said(error)) from error
        return _HttpxReply(response)

    async def close(self) -> None:
        await self._client.aclose()
        await self._fresh_client.aclose()


async def _send(
    client: httpx.AsyncClient,
    endpoint: Endpoint,
    path: str,
    body: bytes,
    own: dict[str, str],
    trace: Any,
) -> httpx.Response:
    request = client.build_request(
        "POST",
        endpoint.base_url + path,
        content=body,
        headers={**HEADERS, **own, **endpoint.headers},
        extensions={"trace": trace},
    )
    return await client.send(request, stream=True)


class _HttpxReply:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._parts = response.aiter_raw()
        self._taken = 0
        self.status = response.status_code
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in response.headers.items()}

    async def take(self) -> bytes:
        try:
            part = await anext(self._parts, b"")
        except httpx.HTTPError as error:
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
        await self._response.aclose()
