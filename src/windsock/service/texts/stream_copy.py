"""What a stream sent, gathered as it passes, bounded in bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple


class Writer(NamedTuple):
    """Writes to a client.

    write       waits first until the client has read enough of what was written
    at_once     does not, and tells whether more may follow; None: there is `write` only
    """

    write: Callable[[bytes], Awaitable[None]]
    at_once: Callable[[bytes], bool] | None = None


MAX_COPY_BYTES = 4 * 1024 * 1024
"""Of one stream, about 13,000 tokens as events; a longer one is not kept."""

MAX_COPIES_BYTES = 64 * 1024 * 1024
"""Of all streams that are being copied at a time; what finds no room is not kept."""


@dataclass(slots=True)
class CopyRoom:
    """Bytes that the copies of all streams under way may still hold together."""

    left: int = MAX_COPIES_BYTES


class StreamCopy:
    """What a stream sent, up to `max_bytes` of it while there is room; beyond, nothing is held."""

    __slots__ = ("_held", "_max_bytes", "_parts", "_room", "is_whole")

    def __init__(self, max_bytes: int, room: CopyRoom | None = None) -> None:
        self._max_bytes = max_bytes
        self._room = room or CopyRoom()
        self._held = 0
        self._parts: list[bytes] = []
        self.is_whole = max_bytes > 0

    def add(self, part: bytes) -> None:
        """The next part, in order."""
        if not self.is_whole:
            return
        if self._held + len(part) > self._max_bytes or len(part) > self._room.left:
            self.is_whole = False
            self.close()
            return
        self._parts.append(part)
        self._held += len(part)
        self._room.left -= len(part)

    def through(self, writer: Writer) -> Writer:
        """Writes and gathers; only writes where nothing is to be gathered."""
        write, at_once = writer
        if not self.is_whole:
            return writer

        async def both(part: bytes) -> None:
            self.add(part)
            await write(part)

        def both_at_once(part: bytes) -> bool:
            self.add(part)
            return at_once is not None and at_once(part)

        return Writer(both, at_once and both_at_once)

    def body(self) -> bytes:
        """All parts; asked for while `is_whole` only."""
        return b"".join(self._parts)

    @property
    def is_cut(self) -> bool:
        """Whether it was to be gathered, and was too long, or found no room."""
        return self._max_bytes > 0 and not self.is_whole

    def close(self) -> None:
        """Let go of what is held; needed at the end of each copy."""
        self._parts.clear()
        self._room.left += self._held
        self._held = 0
