"""Answers to identical requests, kept for a while: exact match, bounded in bytes, per namespace."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import msgspec
import orjson

from windsock.errors import BadRequest
from windsock.wire.request import UpstreamRequest

WISHES = ("use", "bypass", "refresh")
ENTRY_BYTES = 512
"""What an entry weighs beside its body."""


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer as it was sent, stream or not."""

    body: bytes
    is_stream: bool
    deployment: str
    expires_at: float


class CacheBackend(Protocol):
    """Where answers are kept. Neither call raises: a shelf that fails is an empty one."""

    max_body_bytes: int

    async def get(self, key: bytes, now: float) -> CachedAnswer | None: ...

    async def put(self, key: bytes, kept: CachedAnswer, now: float) -> None: ...

    async def close(self) -> None: ...


class MemoryCache:
    """Least recently used answers go first when `max_bytes` is reached."""

    def __init__(self, *, max_bytes: int) -> None:
        self.max_body_bytes = max_bytes - ENTRY_BYTES
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self.bytes = 0

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.expires_at:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    async def put(self, key: bytes, kept: CachedAnswer, now: float) -> None:
        if len(kept.body) > self.max_body_bytes:
            return
        if key in self._kept:
            self._drop(key)
        self._kept[key] = kept
        self.bytes += _weight(kept)
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    async def close(self) -> None:
        self._kept.clear()
        self.bytes = 0

    def _drop(self, key: bytes) -> None:
        self.bytes -= _weight(self._kept.pop(key))


class StreamCopy:
    """What a stream sent, up to `max_bytes`; beyond them nothing is held."""

    __slots__ = ("_left", "_parts", "is_whole")

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._parts: list[bytes] = []
        self.is_whole = max_bytes > 0

    def add(self, part: bytes) -> None:
        if not self.is_whole:
            return
        self._left -= len(part)
        if self._left < 0:
            self.is_whole = False
            self._parts.clear()
        else:
            self._parts.append(part)

    def body(self) -> bytes:
        return b"".join(self._parts)


@dataclass(slots=True)
class CacheTally:
    """Since the start."""

    hits: int = 0
    misses: int = 0


class ResponseCache:
    """A kept answer costs nothing and teaches nothing: it passes neither router nor ledger."""

    def __init__(self, shelf: CacheBackend, *, ttl_s: float) -> None:
        self.shelf = shelf
        self.tally = CacheTally()
        self._ttl_s = ttl_s

    @property
    def max_body_bytes(self) -> int:
        """Answers that are larger are not kept; a stream need not be gathered beyond it."""
        return self.shelf.max_body_bytes

    async def get(self, key: bytes, now: float) -> CachedAnswer | None:
        kept = await self.shelf.get(key, now)
        if kept is None:
            self.tally.misses += 1
        else:
            self.tally.hits += 1
        return kept

    async def put(
        self, key: bytes, body: bytes, *, is_stream: bool, deployment: str, now: float
    ) -> None:
        if len(body) <= self.max_body_bytes:
            kept = CachedAnswer(body, is_stream, deployment, now + self._ttl_s)
            await self.shelf.put(key, kept, now)

    async def close(self) -> None:
        await self.shelf.close()


def cache_key(chat: UpstreamRequest, candidates: tuple[str, ...]) -> bytes:
    """One key for one meaning: the whole body in canonical order, who may answer, and for whom."""
    request = chat.request
    body = orjson.dumps(orjson.loads(chat.raw), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256()
    for part in (request.namespace, request.task, "\n".join(candidates)):
        digest.update(b"%d:" % len(part.encode()) + part.encode())
    digest.update(body)
    return digest.digest()


def is_cachable(chat: UpstreamRequest, wish: str | None) -> bool:
    """True if the answer may be kept: asked for, or certain to be alike (temperature 0)."""
    if wish is not None and wish not in WISHES:
        raise BadRequest(f"x-windsock-cache must be one of {', '.join(WISHES)}, not {wish!r}")
    if wish == "bypass":
        return False
    return wish is not None or chat.temperature == 0


def _weight(kept: CachedAnswer) -> int:
    return len(kept.body) + ENTRY_BYTES
