"""Kept answers in Redis or Valkey, shared by several processes. Needs the extra `redis`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec

from windsock.errors import ConfigError
from windsock.service.gateway.caching.response_cache import CachedAnswer

PREFIX = b"windsock:1:"
"""Of every key; the number is that of the format of entries."""

PATIENCE_S = 0.25
"""A cache that takes longer than this is passed by: the answer itself is not far."""

REST_S = 5.0
"""After a failure the server is left alone so long, and every request is a miss."""

MAX_BODY_BYTES = 8 * 1024 * 1024
"""Of an answer that is worth sending to another machine."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CachedAnswer)


class RedisCache:
    """Entries expire in the server, which bounds its own memory (`maxmemory`).

    on_trouble  told what failed, once per failure that starts a rest
    """

    def __init__(self, url: str, *, on_trouble: Callable[[str], None]) -> None:
        self.max_body_bytes = MAX_BODY_BYTES
        self._client = _client(url)
        self._on_trouble = on_trouble
        self._rests_until = 0.0

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        """See `CacheBackend.get`; what cannot be read counts as absent."""
        found = await self._ask(lambda: self._client.get(PREFIX + key))
        if not isinstance(found, bytes):
            return None
        try:
            kept = _decoder.decode(found)
        except msgspec.MsgspecError:
            return None
        return kept if now < kept.expires_at else None

    async def put(self, key: bytes, kept: CachedAnswer, now: float) -> None:
        """The server drops it when it expires."""
        lasts_ms = max(1, int((kept.expires_at - now) * 1000))
        body = _encoder.encode(kept)
        await self._ask(lambda: self._client.set(PREFIX + key, body, px=lasts_ms))

    async def close(self) -> None:
        """Drop the connections."""
        with contextlib.suppress(Exception):
            await self._client.aclose()

    async def _ask(self, command: Callable[[], Any]) -> Any:
        """What the server answers, or None while it fails or rests."""
        clock = asyncio.get_running_loop().time
        if clock() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await command()
        except Exception as error:  # of many kinds, none of which may cost a client its answer
            if clock() >= self._rests_until:  # else another request has found out and told
                self._on_trouble(type(error).__name__)
            self._rests_until = clock() + REST_S
            return None


def _client(url: str) -> Any:
    try:
        from redis.asyncio import Redis
    except ImportError as error:
        raise ConfigError(
            "cache.url needs a Redis client; install it with: pip install 'windsock[redis]'"
        ) from error
    try:
        return Redis.from_url(url.replace("valkey", "redis", 1))
    except ValueError as error:
        raise ConfigError(
            "cache.url cannot be read as redis://USER:PASSWORD@HOST:PORT/NUMBER; what stands there "
            "is not repeated, for it holds the password"
        ) from error
