"""Reading large bodies in a process of its own.

jq holds the interpreter's lock for as long as a body is large: three feeds of two thousand models
keep a thread's neighbours waiting for half a second, and those neighbours are requests.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace

import msgspec

from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.reader import Reading, read

PART_ROWS = 64
"""Rows that are decoded in one go; more would be felt by requests."""

LEAST_BYTES = 64 * 1024
"""Smaller bodies are read in a thread: a few milliseconds."""

DEADLINE_S = 60.0
"""For one body; then the process is ended and begun anew."""

PREFIX = 4
"""Bytes that state the length of a frame."""

NICER = 10
"""Steps of niceness that the process takes behind the service."""


class _Order(msgspec.Struct):
    """What to read: the declaration as JSON, the time, the body."""

    definition: bytes
    seen_at: float
    body: bytes


class _Head(msgspec.Struct):
    """What comes back first: how many parts follow, or why there are none."""

    parts: int = 0
    error: str | None = None


_orders = msgspec.msgpack.Decoder(_Order)
_heads = msgspec.msgpack.Decoder(_Head)
_parts = msgspec.msgpack.Decoder(Reading)


class ReadingProcess:
    """Started with the first large body, kept for the next ones; it ends when its input does."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def read(self, definition: FeedDefinition, body: bytes, *, seen_at: float) -> Reading:
        """As `feeds.reader.read`; raises FeedError."""
        if len(body) < LEAST_BYTES:
            return await asyncio.to_thread(read, definition, body, seen_at=seen_at)
        async with self._turn:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    return await self._read(definition, body, seen_at)
            except (TimeoutError, OSError, EOFError) as error:
                await self._end()
                reason = f"the reading process gave no answer ({type(error).__name__})"
                raise FeedError(reason, feed=definition.id) from error
            except asyncio.CancelledError:
                await self._end()
                raise

    async def close(self) -> None:
        """End the process, after the body it may be reading."""
        async with self._turn:
            await self._end()

    async def _read(self, definition: FeedDefinition, body: bytes, seen_at: float) -> Reading:
        process = self._process = self._process or await _start()
        order = _Order(definition.model_dump_json().encode(), seen_at, body)
        to, back = process.stdin, process.stdout
        if to is None or back is None:
            raise OSError("no pipes")
        to.write(_framed(msgspec.msgpack.encode(order)))
        await to.drain()
        head = _heads.decode(await _frame(back))
        if head.error is not None:
            raise FeedError(head.error, feed=definition.id)
        reading = Reading()
        for _ in range(head.parts):
            reading = _joined(reading, _parts.decode(await _frame(back)))
            await asyncio.sleep(0)
        return reading

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


async def _start() -> asyncio.subprocess.Process:
    """A child with this interpreter's modules and an empty environment: it needs no secrets."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from windsock.feeds.reader_process import serve; serve()"
    )
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={},
    )


def serve() -> None:
    """The child: orders from standard input, readings to standard output, until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICER)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while prefix := source.read(PREFIX):
        order = _orders.decode(source.read(int.from_bytes(prefix)))
        for frame in _answered(order):
            sink.write(_framed(frame))
        sink.flush()


def _answered(order: _Order) -> Iterator[bytes]:
    definition = FeedDefinition.model_validate_json(order.definition)
    try:
        parts = list(_split(read(definition, order.body, seen_at=order.seen_at)))
    except FeedError as error:
        reason = str(error).removeprefix(f"feed {error.feed!r}: ")
        yield msgspec.msgpack.encode(_Head(error=reason))
        return
    yield msgspec.msgpack.encode(_Head(parts=len(parts)))
    yield from (msgspec.msgpack.encode(part) for part in parts)


def _split(reading: Reading) -> Iterator[Reading]:
    longest = max(len(reading.rows), len(reading.facts), len(reading.health), len(reading.skipped))
    for start in range(0, longest, PART_ROWS):
        part = slice(start, start + PART_ROWS)
        yield Reading(
            rows=reading.rows[part],
            facts=reading.facts[part],
            health=reading.health[part],
            skipped=reading.skipped[part],
        )


def _joined(one: Reading, other: Reading) -> Reading:
    return replace(
        one,
        rows=one.rows + other.rows,
        facts=one.facts + other.facts,
        health=one.health + other.health,
        skipped=one.skipped + other.skipped,
    )


async def _frame(stream: asyncio.StreamReader) -> bytes:
    return await stream.readexactly(int.from_bytes(await stream.readexactly(PREFIX)))


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(PREFIX) + payload
