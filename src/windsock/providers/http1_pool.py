"""Kept connections by where they lead."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from windsock.gathered_writes import Turn
from windsock.providers.http1_connections import Connection


@dataclass(frozen=True, slots=True)
class Origin:
    """Where connections lead, and what every request to it starts with."""

    host: str
    port: int
    is_tls: bool
    path: str
    authority: str

    @classmethod
    def of(cls, base_url: str) -> Origin:
        """raises  ValueError if it is no http or https address"""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is no http or https address")
        is_tls = parts.scheme == "https"
        port = parts.port or (443 if is_tls else 80)
        host = parts.hostname
        if not host.isascii():
            host = host.encode("idna").decode()
        named = f"[{host}]" if ":" in host else host
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~-._")
        return cls(
            host=host,
            port=port,
            is_tls=is_tls,
            path=path,
            authority=named if parts.port is None else f"{named}:{port}",
        )

    def url(self, path: str) -> str:
        """Whole address of a path below it, as it is sent."""
        return f"http{'s' if self.is_tls else ''}://{self.authority}{self.path}{path}"


class ConnectionPool:
    """Idle connections by origin, the latest used first; opens a new one when none is idle."""

    def __init__(self, *, connect_s: float, keepalive_s: float) -> None:
        self._connect_s = connect_s
        self._keepalive_s = keepalive_s
        self._idle: dict[tuple[str, int, bool], deque[Connection]] = {}
        self._context: ssl.SSLContext | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._turn = Turn()

    def take_idle(self, origin: Origin) -> Connection | None:
        """A kept connection, or None."""
        idle = self._idle.get((origin.host, origin.port, origin.is_tls))
        if not idle:
            return None
        oldest = idle[-1].loop.time() - self._keepalive_s
        while idle:
            connection = idle.pop()
            if connection.is_usable and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    async def open(self, origin: Origin) -> Connection:
        """A fresh connection; raises OSError, ssl.SSLError, TimeoutError."""
        loop = asyncio.get_running_loop()
        idle = self._idle.setdefault((origin.host, origin.port, origin.is_tls), deque())
        self._watch(loop)
        async with asyncio.timeout(self._connect_s):
            _, made = await loop.create_connection(
                lambda: Connection(loop, idle, self._turn),
                origin.host,
                origin.port,
                ssl=self._tls() if origin.is_tls else None,
            )
        return made

    def close(self) -> None:
        """Drop what is idle; connections in use end with their answers."""
        for idle in self._idle.values():
            for connection in list(idle):
                connection.abort()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close, now and then, what has been idle too long."""
        if self._sweep is None:
            self._sweep = loop.call_later(self._keepalive_s, self._drop_old, loop)

    def _drop_old(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweep = None
        oldest = loop.time() - self._keepalive_s
        for idle in self._idle.values():
            for connection in [each for each in idle if each.idle_since < oldest]:
                connection.abort()
        if any(self._idle.values()):
            self._watch(loop)
