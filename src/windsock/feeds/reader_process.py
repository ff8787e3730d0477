"""Reading large bodies, and whatever an operator's own mapping makes of one, in another process.

jq holds the interpreter's lock for as long as a body is large: three feeds of two thousand models
keep a thread's neighbours waiting for half a second, and those neighbours are requests. And a
mapping of one's own may have no end: a process can be ended, a thread cannot.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import msgspec

from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition, load_feed
from windsock.feeds.fetcher import RetryLater
from windsock.feeds.reader import Reading, read
from windsock.resources import folders

PART_ROWS = 64
"""Rows that are decoded in one go; more would be felt by requests."""

LEAST_BYTES = 64 * 1024
"""Smaller bodies of shipped feeds are read in a thread: a few milliseconds."""

DEADLINE_S = 30.0
"""For one body; then the process is ended, and the feed left alone for QUIET_S."""

QUIET_S = 3600.0

MAX_MEMORY = 2 * 1024**3
"""Bytes of address space of the process."""

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
        if len(body) < LEAST_BYTES and _is_shipped(definition):
            return await asyncio.to_thread(read, definition, body, seen_at=seen_at)
        async with self._turn:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    return await self._read(definition, body, seen_at)
            except TimeoutError as error:
                await self._end()
                reason = (
                    f"its mapping did not end within {DEADLINE_S:.0f} s; mend `quotes` or `health` "
                    f"in its feed.toml. It is read again in {QUIET_S / 60:.0f} minutes"
                )
                raise RetryLater(reason, feed=definition.id, wait_s=QUIET_S) from error
            except (OSError, EOFError) as error:
                await self._end()
                reason = f"the reading process gave no answer ({type(error).__name__})"
                raise FeedError(reason, feed=definition.id) from error
            except asyncio.CancelledError:
                await self._end()
                raise

    async def close(self) -> None:
        """End the process, whatever it is reading."""
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


@cache
def _shipped() -> frozenset[str | None]:
    """The mappings of the feeds that come with windsock."""
    shipped = map(load_feed, folders("pricefeeds", "feed.toml").values())
    return frozenset(program for each in shipped for program in (each.quotes, each.health))


def _is_shipped(definition: FeedDefinition) -> bool:
    return {definition.quotes, definition.health} <= _shipped() | {None}


def read_apart(definition: FeedDefinition, body: bytes, *, seen_at: float) -> Reading:
    """As `ReadingProcess.read`, for who has no event loop."""

    async def once() -> Reading:
        process = ReadingProcess()
        try:
            return await process.read(definition, body, seen_at=seen_at)
        finally:
            await process.close()

    return asyncio.run(once())


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
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.nice(NICER)
    with contextlib.suppress(ValueError, OSError):  # a lower limit is in force already
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while prefix := source.read(PREFIX):
        order = _orders.decode(source.read(int.from_bytes(prefix)))
        # The kernel ends it even within jq, and when nobody is left who would.
        signal.alarm(int(2 * DEADLINE_S))
        for frame in _answered(order):
            sink.write(_framed(frame))
        sink.flush()
        signal.alarm(0)


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
