"""A free question to a provider: GET /models, which tells whether anybody is there."""

from __future__ import annotations

import asyncio

import httpx

from windsock.errors import ProviderError
from windsock.providers.transport import CONNECT_S, Endpoint

PATH = "/models"


class ModelsProbe:
    """Asks for the list of models and leaves it unread."""

    def __init__(self, *, timeout_s: float = 3.0) -> None:
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def is_there(self, endpoint: Endpoint) -> bool | None:
        """Whether the provider answers; None where its answer says nothing of that (4xx)."""
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._status(endpoint)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
            return False
        except ProviderError:
            return None  # we have nothing to show it: that says nothing of the provider
        return None if 300 <= status < 500 else status < 300

    async def close(self) -> None:
        """Drop the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _status(self, endpoint: Endpoint) -> int:
        url = endpoint.base_url + (f"{PATH}?{endpoint.query}" if endpoint.query else PATH)
        headers = await endpoint.headers_of("GET", url)
        async with self._opened().stream("GET", url, headers=headers) as answer:
            return answer.status_code

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            timeout = httpx.Timeout(self._timeout_s, connect=CONNECT_S)
            self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)
        return self._client
