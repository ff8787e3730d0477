"""SQLite's write-ahead log, read by its published format (sqlite.org/fileformat2.html, section 4).

SQLite itself ends at the first frame that is not as it was written, and says nothing: what was
committed after it is gone. Here that is noticed, and the frames behind it are found.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGICS = {0x377F0682: "<", 0x377F0683: ">"}
"""By which a log begins, and the order of bytes in which its checksums are reckoned."""

HEADER, FRAME = 32, 24
"""Bytes of the log's header, and of one frame's before its page."""

SIZES = frozenset(2**n for n in range(9, 17))
"""Bytes that a page may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One page as it was written. is_whole: as it was written, by its checksum."""

    page: int
    pages_after: int
    content: bytes
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDamage:
    """What SQLite would leave out without a word.

    frames      pages written after the first that is damaged, that one included
    damaged     those that are not as they were written
    """

    frames: int
    damaged: int


def log_of(path: Path) -> Path:
    """The log beside a file."""
    return path.with_name(path.name + "-wal")


def damage_of(path: Path) -> LogDamage | None:
    """What is damaged in the log of this file; None if nothing is, or there is none.

    A damaged end is none: there a process died that was writing, and nothing of it was promised.
    """
    frames = [(frame.is_whole, bool(frame.pages_after)) for frame in frames_of(path)]
    end = max((n for n, each in enumerate(frames) if all(each)), default=-1) + 1
    first = next((n for n, (is_whole, _) in enumerate(frames[:end]) if not is_whole), None)
    if first is None:
        return None
    damaged = sum(not is_whole for is_whole, _ in frames[first:end])
    return LogDamage(frames=end - first, damaged=damaged)


def frames_of(path: Path) -> Iterator[Frame]:
    """Every frame of the log's last round, in order, up to its last commit.

    Frames of an earlier round, which the log is not cut by, have another salt. Where the header is
    damaged the salt of the first frame is taken, and the size that the file's header states.
    """
    log = log_of(path)
    raw = log.read_bytes() if log.is_file() else b""
    if len(raw) <= HEADER + FRAME:
        return
    order, size, salt, seed = _header(raw, path)
    frames = list(_frames(raw, order, size, salt, seed))
    last = max((n for n, frame in enumerate(frames) if frame.pages_after), default=-1)
    yield from frames[: last + 1]


def _header(raw: bytes, path: Path) -> tuple[str, int, bytes, tuple[int, int] | None]:
    """(order, page size, salt, checksum; None if the header is not as it was written)."""
    magic, _, size, _ = struct.unpack(">4I", raw[:16])
    order = MAGICS.get(magic, "")
    if order and size in SIZES:
        found = _checksum(order, raw[:24], (0, 0))
        if found == struct.unpack(">2I", raw[24:HEADER]):
            return order, size, raw[16:24], found
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(18)[16:18], "big")
    size = 65536 if stated == 1 else stated
    size = size if size in SIZES else 4096
    starts = range(HEADER, len(raw) - FRAME, size + FRAME)
    salts = [raw[at + 8 : at + 16] for at in starts]
    return order or "<", size, salts[0] if salts else b"", None


def _frames(
    raw: bytes, order: str, size: int, salt: bytes, before: tuple[int, int] | None
) -> Iterator[Frame]:
    """Each by itself: its checksum goes on from the one that stands in the frame before it."""
    starts = range(HEADER, len(raw) - FRAME - size + 1, size + FRAME)
    of_round = [raw[at + 8 : at + 16] == salt for at in starts]
    end = max((n for n, is_of_it in enumerate(of_round) if is_of_it), default=-1) + 1
    for at, has_salt in zip(starts[:end], of_round, strict=False):
        head, content = raw[at : at + FRAME], raw[at + FRAME : at + FRAME + size]
        page, pages_after = struct.unpack(">2I", head[:8])
        stated = struct.unpack(">2I", head[16:FRAME])
        is_whole = (
            has_salt
            and before is not None
            and _checksum(order, content, _checksum(order, head[:8], before)) == stated
        )
        yield Frame(page=page, pages_after=pages_after, content=content, is_whole=is_whole)
        before = (stated[0], stated[1])


def _checksum(order: str, data: bytes, seed: tuple[int, int]) -> tuple[int, int]:
    """s1 += x[i] + s2; s2 += x[i + 1] + s1, modulo 2^32, over pairs of words.

    It is linear in words and seed, so that it is one sum of products: a log has 64 MB.
    """
    words = np.frombuffer(data, dtype=f"{order}u4").astype(np.uint32)
    weights, of_seed = _weights(len(words) // 2)
    sums = (weights * words).sum(axis=1, dtype=np.uint32) + of_seed @ np.array(seed, np.uint32)
    return int(sums[0]), int(sums[1])


@cache
def _weights(pairs: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """What each word, and the seed, adds to the two sums: shapes (2, 2 * pairs) and (2, 2)."""
    step = np.array([[1, 1], [1, 2]], np.uint32)
    power = np.eye(2, dtype=np.uint32)
    weights = np.zeros((2, 2 * pairs), np.uint32)
    for pair in reversed(range(pairs)):
        weights[:, 2 * pair] = power @ np.array([1, 1], np.uint32)
        weights[:, 2 * pair + 1] = power @ np.array([0, 1], np.uint32)
        power = power @ step
    return weights, power
