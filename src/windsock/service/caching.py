"""Answers to identical requests, kept for a while: exact match, bounded in bytes, per namespace."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import orjson

from windsock.errors import BadRequest
from windsock.providers.wire import ChatBody

WISHES = ("use", "bypass", "refresh")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was sent, stream or not."""

    body: bytes
    is_stream: bool
    deployment: str
    expires_at: float


class ResponseCache:
    """Least recently used answers go first when `max_bytes` is reached.

    A kept answer costs nothing and teaches nothing: it passes neither router nor ledger.
    """

    def __init__(self, *, ttl_s: float, max_bytes: int) -> None:
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes, now: float) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now >= kept.expires_at:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: bytes, body: bytes, *, is_stream: bool, deployment: str, now: float) -> None:
        if len(body) > self._max_bytes:
            return
        if key in self._kept:
            self._drop(key)
        self._kept[key] = Kept(body, is_stream, deployment, now + self._ttl_s)
        self._bytes += len(body)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: bytes) -> None:
        self._bytes -= len(self._kept.pop(key).body)


def cache_key(chat: ChatBody, candidates: tuple[str, ...]) -> bytes:
    """One key for one meaning: the whole body in canonical order, who may answer, and for whom."""
    request = chat.request
    body = orjson.dumps(orjson.loads(chat.raw), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256()
    for part in (request.namespace, request.task, "\n".join(candidates)):
        digest.update(part.encode() + b"\0")
    digest.update(body)
    return digest.digest()


def is_cachable(chat: ChatBody, wish: str | None) -> bool:
    """True if the answer may be kept: asked for, or certain to be alike (temperature 0)."""
    if wish is not None and wish not in WISHES:
        raise BadRequest(f"x-windsock-cache must be one of {', '.join(WISHES)}, not {wish!r}")
    if wish == "bypass":
        return False
    return wish is not None or chat.temperature == 0
