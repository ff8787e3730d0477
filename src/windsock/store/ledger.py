"""The durable record: appended from the event loop, written by one thread in batches."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from windsock.store.rows import Entry, StateSnapshot
from windsock.store.writing.pending import PendingEntries
from windsock.store.writing.writer import Writer
from windsock.store.writing.writer_lock import WriterLock

__all__ = ["Entry", "Ledger", "LedgerStats", "StateSnapshot"]

MAX_PAUSE_S = 5.0
"""Between attempts while the store is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerStats:
    """pending: not yet written; dropped: given up since start; error: what stands in the way."""

    pending: int
    written: int
    dropped: int
    error: str | None


class WritesBatches(Protocol):
    """See `Writer`, which is one."""

    def write(self, entries: Sequence[Entry | None]) -> int: ...

    def connect(self) -> object: ...

    def close(self) -> None: ...


class Ledger:
    """Append-only. `append` never blocks and never raises; what cannot be kept is counted.

    An entry is durable `flush_s` after `append` and one commit later. While the store is away
    entries wait in memory, up to `max_pending`; when four fifths of that are full, weight tables,
    events and health reports are dropped, so that decisions, feedback, prices and raised caps have
    the rest.

    prepare, is_prepared    see `Writer`; tried until it succeeds
    lock            keeps other processes out, from `open` or the next batch on
    max_pending     entries that may wait
    on_trouble      called from the writer's thread with the failure, and with None on recovery
    writer          where batches go, in place of the engine
    """

    def __init__(
        self,
        engine: Engine,
        *,
        flush_s: float = 0.25,
        max_pending: int = 100_000,
        prepare: Callable[[], None] | None = None,
        is_prepared: bool = False,
        lock: WriterLock | None = None,
        on_trouble: Callable[[str | None], None] | None = None,
        writer: WritesBatches | None = None,
    ) -> None:
        self._writer = writer or Writer(engine, prepare=prepare, is_prepared=is_prepared, lock=lock)
        self._writer_lock = lock
        self._flush_s = flush_s
        self.max_pending = max_pending
        self._pending = PendingEntries(max_pending)
        self._on_trouble = on_trouble
        self._lost = 0
        self._error: str | None = None
        self._wake = threading.Event()
        self._is_closing = False
        self._deadline = 0.0
        self._thread: threading.Thread | None = None
        self._waiters: list[tuple[int, asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._lock = threading.Lock()

    def open(self) -> None:
        """Start the writer; entries appended before wait for it; raises StoreTaken."""
        if self._writer_lock is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):  # away: locked with the next batch
                self._writer.connect()
        self._start()

    def revive(self) -> bool:
        """Start the writer again if it died, which nothing it does should let happen: True."""
        is_dead = self._thread is not None and not self._thread.is_alive()
        if is_dead and not self._is_closing:
            self._start()
            return True
        return False

    def append(self, entry: Entry) -> None:
        """Have it written; from the event loop's thread only."""
        self._pending.append(entry)

    def seal(self, entry: Entry | None) -> None:
        """Append what follows from all entries so far; from now on only sealed ones are written.

        An entry and what followed from it are so durable together or not at all: they go in one
        transaction, and what is appended after this waits for the next seal.
        """
        is_waited_for = self._pending.seal(entry)
        if is_waited_for and self._error is None:
            self._wake.set()

    def retry(self) -> None:
        """The store is back, as far as anybody knows: what waits is tried at once."""
        self._wake.set()

    async def flushed(self) -> None:
        """Wait until everything appended so far is durable or given up."""
        pending = self._pending
        if pending.done >= pending.queued:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiters.append((pending.queued, loop, future))
        self._wake.set()
        await future

    async def flushed_within(self, most_s: float) -> bool:
        """The same, this long at most; False if that was not enough."""
        try:
            await asyncio.wait_for(self.flushed(), most_s)
        except TimeoutError:
            return False
        return True

    def close(self, *, patience_s: float = 10.0) -> None:
        """Write what is pending and stop; what the store has not taken by then is given up."""
        self._deadline = time.monotonic() + patience_s
        self._pending.ends = True
        self._is_closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(patience_s)
            self._thread = None
        if self._writer_lock is not None:
            self._writer_lock.release()

    def stats(self) -> LedgerStats:
        """As it is now; from any thread."""
        pending = self._pending
        return LedgerStats(
            pending=pending.queued - pending.done,
            written=pending.done - self._lost,
            dropped=self._lost + pending.refused,
            error=self._error,
        )

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        pause_s = self._flush_s
        while True:
            self._wake.wait(pause_s)
            self._wake.clear()
            is_last, begun = self._is_closing, time.monotonic()
            if self._flush():
                pause_s = max(0.0, self._flush_s - (time.monotonic() - begun))
                if is_last:
                    break
            else:
                pause_s = min(MAX_PAUSE_S, max(0.1, pause_s * 2))
                if is_last and time.monotonic() + pause_s > self._deadline:
                    self._give_up()
                    break
        self._writer.close()

    def _flush(self) -> bool:
        """Write what is pending by now; False if the store would not take it.

        What is appended meanwhile waits for its turn: a batch costs half a millisecond before its
        first entry, and would else be made for each request.
        """
        end = self._pending.queued
        while batch := self._pending.next_batch(end):
            try:
                lost = self._writer.write(batch)
            except Exception as error:  # whatever it is, routing goes on and this is tried again
                self._note(_sentence(error))
                self._pending.step_back()
                return False
            self._note(f"{lost} entries fit no row and were given up" if lost else None)
            self._settle(lost)
        self._note(None)
        return True

    def _settle(self, lost: int) -> None:
        self._lost += lost
        self._pending.settle()
        done = self._pending.done
        with self._lock:
            ready = [each for each in self._waiters if each[0] <= done]
            self._waiters = [each for each in self._waiters if each[0] > done]
        for _, loop, future in ready:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, future)

    def _give_up(self) -> None:
        lost = len(self._pending.last_batch())
        self._settle(lost)
        self._note(f"{lost} entries were not written: {self._error}")

    def _note(self, error: str | None) -> None:
        had, self._error = self._error, error
        if (error is None) != (had is None) and self._on_trouble is not None:
            with contextlib.suppress(Exception):
                self._on_trouble(error)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _sentence(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error) or type(error).__name__
    return text.splitlines()[0]
