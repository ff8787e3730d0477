"""Kept answers: exact match, bounded in bytes, per namespace."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import msgspec
import orjson
from cachetools import LRUCache

from windsock.core.model.requests import RouteRequest
from windsock.core.routing.routes import Route
from windsock.service.texts.stream_copy import MAX_COPY_BYTES, CopyRoom, StreamCopy
from windsock.wire.request import UpstreamRequest

ENTRY_BYTES = 512
"""What an entry weighs beside its body."""


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer as it was sent, stream or not.

    is_native   in the client's own format, else a chat completion
    cost_usd    what it had cost; None if that is not known
    decision_id of the request that it was the answer to; empty if that is not known
    """

    body: bytes
    is_stream: bool
    deployment: str
    expires_at: float
    is_native: bool = False
    cost_usd: Decimal | None = None
    decision_id: str = ""


class CacheBackend(Protocol):
    """Where answers are kept. Neither call raises: a backend that fails is an empty one."""

    max_body_bytes: int

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        """The answer kept under the key, unless it has expired by `now` (unix s)."""
        ...

    async def put(self, key: bytes, kept: CachedAnswer, now: float) -> None:
        """Keep an answer until it expires."""
        ...

    async def close(self) -> None:
        """Let go of what is held."""
        ...


class MemoryCache:
    """Least recently used answers go first when `max_bytes` is reached."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_body_bytes = max_bytes - ENTRY_BYTES
        self._kept: LRUCache[bytes, CachedAnswer] = LRUCache(max_bytes, getsizeof=_weight)

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        """See `CacheBackend.get`."""
        kept = self._kept.get(key)
        if kept is not None and now >= kept.expires_at:
            del self._kept[key]
            return None
        return kept

    async def put(self, key: bytes, kept: CachedAnswer, now: float) -> None:
        """An answer beyond `max_body_bytes` is not kept."""
        if len(kept.body) <= self.max_body_bytes:
            self._kept[key] = kept

    async def close(self) -> None:
        """Forget everything."""
        self._kept.clear()


@dataclass(slots=True)
class CacheTally:
    """Since the start."""

    hits: int = 0
    misses: int = 0


class ResponseCache:
    """A kept answer costs nothing and teaches nothing: it passes neither router nor ledger."""

    def __init__(self, backend: CacheBackend, *, ttl_s: float) -> None:
        self._backend = backend
        self.tally = CacheTally()
        self._ttl_s = ttl_s
        self._room = CopyRoom()

    @property
    def max_body_bytes(self) -> int:
        """Answers that are larger are not kept."""
        return self._backend.max_body_bytes

    def copy(self) -> StreamCopy:
        """Gathers a stream to be kept; close it at its end."""
        return StreamCopy(min(self.max_body_bytes, MAX_COPY_BYTES), self._room)

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        """The kept answer, counted as a hit, or None, counted as a miss."""
        kept = await self._backend.get(key, now)
        if kept is None:
            self.tally.misses += 1
        else:
            self.tally.hits += 1
        return kept

    async def put(
        self,
        key: bytes,
        body: bytes,
        *,
        is_stream: bool,
        deployment: str,
        now: float,
        is_native: bool = False,
        cost_usd: Decimal | None = None,
        decision_id: str = "",
    ) -> None:
        """Keep an answer for the time that answers are kept."""
        if len(body) <= self.max_body_bytes:
            until = now + self._ttl_s
            kept = CachedAnswer(
                body, is_stream, deployment, until, is_native, cost_usd, decision_id
            )
            await self._backend.put(key, kept, now)

    async def close(self) -> None:
        """Let go of what is held."""
        await self._backend.close()


def cache_key(
    asked: UpstreamRequest, wish: str | None, resolve: Callable[[RouteRequest], Route]
) -> bytes | None:
    """One key for one meaning: the whole body in canonical order, as it came in a format of the
    client's own, whether its answer streams, who may answer, and for whom.

    wish    of the caller, x-windsock-cache

    None if the answer may not be kept.
    """
    if not _is_cachable(asked, wish):
        return None
    request, native, candidates = asked.request, asked.native, resolve(asked.request).candidates
    raw = asked.raw if native is None else native.raw
    parts = [part.encode() for part in (request.namespace, request.task, "\n".join(candidates))]
    if native is not None:
        parts += [native.language.encode(), *(b": ".join(each) for each in native.headers)]
        parts.append(b"stream" if request.is_stream else b"")
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part) + part)
    digest.update(orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS))
    return digest.digest()


def _is_cachable(asked: UpstreamRequest, wish: str | None) -> bool:
    """True if the answer may be kept: asked for, or certain to be alike (temperature 0)."""
    if wish == "bypass" or asked.is_private:
        return False
    return wish is not None or asked.temperature == 0


def _weight(kept: CachedAnswer) -> int:
    return len(kept.body) + ENTRY_BYTES
