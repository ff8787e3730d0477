"""Polling feeds: each by itself, at its own pace, whatever the wall clock does."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace

from windsock.clock import Clock
from windsock.core.model.ticks import CHAT
from windsock.core.model.units import Meter
from windsock.core.pricing.rules import DEFAULT_RULES, GuardRules
from windsock.core.pricing.validation import off_unit_usd, shrunk
from windsock.errors import FeedError
from windsock.feeds.definition import FeedDefinition
from windsock.feeds.fetcher import Fetcher, RetryLater, Validators
from windsock.feeds.reader import Reading
from windsock.feeds.reader_process import ReadingProcess
from windsock.feeds.schedule import Schedule

OnReading = Callable[[FeedDefinition, Reading], Awaitable[None] | None]
"""Told of every reading; awaited if it waits."""

OnFailure = Callable[[FeedDefinition, FeedError], None]
"""Told of every poll that failed."""

LATE = 1.5
"""Intervals without a poll after which `watch` polls, since the wall clock must have moved."""

WATCH_EVERY_S = 0.5
"""Between two turns of `watch`."""

STALE_POLLS = 3.0
"""Intervals without a good reading after which a feed is stale."""

LEAST_STALE_S = 30.0
"""A feed polled every second may miss a few polls on a busy machine."""


@dataclass(slots=True)
class FeedStatus:
    """How a feed fares. Times of `elapsed`, which never step back.

    rows            of the last good body, prices and health together
    short_polls     polls in a row whose body was refused because it had lost half of them
    turn            held by the poll under way, until its reading is absorbed
    waiting         the one poll that begins after it
    since           when it was declared: what was never read is as old
    """

    id: str
    since: float
    polls: int = 0
    failures: int = 0
    rows: int = 0
    short_polls: int = 0
    skipped: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    last_good_at: float | None = None
    last_tried: float | None = None
    quiet_until: float = 0.0
    validators: Validators = field(default_factory=Validators)
    reading: Reading | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: asyncio.Task[None] | None = None

    def is_stale(self, every_s: float, elapsed: float) -> bool:
        """True if it was asked and has said nothing good for too long."""
        age_s = elapsed - (self.since if self.last_good_at is None else self.last_good_at)
        return self.last_tried is not None and age_s > max(LEAST_STALE_S, STALE_POLLS * every_s)


class Poller:
    """Runs on the event loop. One failing feed never disturbs another.

    on_reading  called, and awaited where it waits, with every good reading, also when the body did
                not change
    on_failure  called with every failure; what is known stays as it is
    rules       how much shorter than its last good body a feed may be
    """

    def __init__(
        self,
        definitions: Iterable[FeedDefinition],
        *,
        fetcher: Fetcher,
        clock: Clock,
        on_reading: OnReading,
        on_failure: OnFailure,
        rules: GuardRules = DEFAULT_RULES,
    ) -> None:
        self._definitions = {definition.id: definition for definition in definitions}
        self._fetcher = fetcher
        self._reader = ReadingProcess()
        self._clock = clock
        self._on_reading = on_reading
        self._on_failure = on_failure
        self._rules = rules
        self._status = {name: self._begun(name) for name in self._definitions}
        self._schedule = Schedule(clock, run=self._run, on_error=self._on_job_error)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Schedule every feed; the first polls fall within a second or two. Then call `watch`."""
        for definition in self._definitions.values():
            self._schedule.plan(definition.id, start_offset_s(definition))
        self._schedule.start()

    def watch(self) -> None:
        """Poll feeds that the schedule forgot: it counts in wall time, and that can step back."""
        for name, status in self._status.items():
            tried, every_s = status.last_tried, self._definitions[name].every
            if tried is not None and self._clock.elapsed() - tried > LATE * every_s:
                self._schedule.plan(name, 0.0)

    def adopt(self, definitions: Iterable[FeedDefinition]) -> None:
        """Poll these feeds from now on; those whose declaration changed begin anew."""
        before, self._definitions = self._definitions, {each.id: each for each in definitions}
        for name in before.keys() - self._definitions.keys():
            del self._status[name]
            self._schedule.drop(name)
        for name, definition in self._definitions.items():
            if before.get(name) != definition:
                self._status[name] = self._begun(name)
                self._schedule.plan(name, 0.0)

    async def stop(self) -> None:
        """End the schedule and wait for polls under way, 5 s at most."""
        self._schedule.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in self._tasks:
            task.cancel()
        self._schedule.stop()
        await self._reader.close()
        await self._fetcher.close()

    def every_s(self, feed_id: str) -> float:
        """Seconds between two polls of a feed; raises KeyError."""
        return self._definitions[feed_id].every

    def next_poll_s(self, feed_id: str) -> float | None:
        """Seconds until the next poll that may reach its server; None where none is planned."""
        wait_s, quiet_until = self._schedule.wait_s(feed_id), self._status[feed_id].quiet_until
        return None if wait_s is None else max(0.0, wait_s, quiet_until - self._clock.elapsed())

    def definitions(self) -> list[FeedDefinition]:
        """Every feed that is polled."""
        return list(self._definitions.values())

    def status(self) -> list[FeedStatus]:
        """How the last polls of every feed went."""
        return list(self._status.values())

    async def poll_now(self, feed_id: str) -> None:
        """Fetch and read one feed; failures go to `on_failure`."""
        await asyncio.shield(self.poll_soon(feed_id))

    def poll_soon(self, feed_id: str) -> asyncio.Task[None]:
        """Start a poll and go on; while one is under way, the one that begins after it.

        So an older body is never absorbed after a newer one.
        """
        status = self._status[feed_id]
        if status.waiting is None or status.waiting.done():
            status.waiting = asyncio.ensure_future(self._in_turn(status))
            self._tasks.add(status.waiting)
            status.waiting.add_done_callback(self._tasks.discard)
        return status.waiting

    def _begun(self, name: str) -> FeedStatus:
        return FeedStatus(name, since=self._clock.elapsed())

    async def _run(self, feed_id: str) -> None:
        if feed_id not in self._definitions:
            return
        self._schedule.plan(feed_id, self._definitions[feed_id].every)
        await self.poll_now(feed_id)

    async def _in_turn(self, status: FeedStatus) -> None:
        async with status.turn:
            status.waiting = None
            if self._is_known(status):
                await self._poll(self._definitions[status.id], status)

    def _is_known(self, status: FeedStatus) -> bool:
        """False once the feed has gone, or is declared in another way."""
        return self._status.get(status.id) is status

    async def _poll(self, definition: FeedDefinition, status: FeedStatus) -> None:
        if self._clock.elapsed() < status.quiet_until:
            return
        status.polls += 1
        status.last_tried = self._clock.elapsed()
        try:
            reading = await self._read(definition, status)
        except FeedError as error:
            if not self._is_known(status):
                return
            status.failures += 1
            status.error = str(error)
            if isinstance(error, RetryLater):
                status.quiet_until = self._clock.elapsed() + error.wait_s
            self._on_failure(definition, error)
            return
        if not self._is_known(status):
            return
        status.error = None
        status.last_good_at = self._clock.elapsed()
        absorbed = self._on_reading(definition, reading)
        if absorbed is not None:
            await absorbed

    async def _read(self, definition: FeedDefinition, status: FeedStatus) -> Reading:
        fetched = await self._fetcher.fetch(definition, status.validators)
        if fetched.body is None and status.reading is not None:
            return again(status.reading, self._clock.now())
        reading = await self._reader.read(
            definition, fetched.body or b"", seen_at=self._clock.now()
        )
        self._refuse_off_unit(definition, reading)
        self._refuse_shrunk(definition, status, len(reading.rows) + len(reading.health))
        status.reading, status.skipped = reading, reading.skipped
        status.validators = fetched.validators
        return reading

    def _refuse_off_unit(self, definition: FeedDefinition, reading: Reading) -> None:
        """Refuse a list whose prices are those of another unit, unless it is the owner's."""
        if definition.trust >= self._rules.scheduling_trust:
            return
        chat = [row.usd_per_mtok[Meter.INPUT] for row in reading.rows if row.mode == CHAT]
        middle = off_unit_usd(chat, self._rules)
        if middle is not None:
            raise FeedError(
                f"the middle one of its {len(chat)} input prices is ${middle:f} per million, which "
                "is that of no list; is its unit right?",
                feed=definition.id,
            )

    def _refuse_shrunk(self, definition: FeedDefinition, status: FeedStatus, rows: int) -> None:
        """Refuse a body that lost half of its rows, unless it has stayed that short for long."""
        if not definition.is_partial and shrunk(status.rows, rows, self._rules):
            status.short_polls += 1
            if status.short_polls < self._rules.contradicted_polls:
                raise FeedError(
                    f"lists {rows} rows where it listed {status.rows}; refused whole",
                    feed=definition.id,
                )
        status.rows, status.short_polls = rows, 0

    def _on_job_error(self, feed_id: str, error: BaseException | None) -> None:
        told = FeedError(f"the poll itself failed: {error!r}", feed=feed_id)
        self._on_failure(self._definitions[feed_id], told)


def again(reading: Reading, seen_at: float) -> Reading:
    """The same reading, seen once more."""
    return replace(
        reading, health=tuple(replace(report, seen_at=seen_at) for report in reading.health)
    )


def start_offset_s(definition: FeedDefinition) -> float:
    """A fixed offset below two seconds, so that feeds do not all start at once."""
    return hashlib.sha256(definition.id.encode()).digest()[0] / 128
