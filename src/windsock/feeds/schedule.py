"""When each feed is polled next, in wall time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from windsock.clock import Clock

MOST_WAITING = 10_000
"""Runs of a feed whose server is slower than its interval; together they are the next poll."""


class Schedule:
    """The next poll of every feed is a job of its own.

    An interval job would list every run it missed when the clock steps forward: a month at two
    seconds blocks the event loop for a second.

    run         called with a feed's id when its poll is due
    on_error    called with a feed's id and what became of the job itself
    """

    def __init__(
        self,
        clock: Clock,
        *,
        run: Callable[[str], Awaitable[None]],
        on_error: Callable[[str, BaseException | None], None],
    ) -> None:
        self._clock = clock
        self._run = run
        self._on_error = on_error
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        """Run what is planned from now on."""
        self._scheduler.add_listener(self._on_job_event, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self._scheduler.start()

    def plan(self, feed_id: str, wait_s: float) -> None:
        """The next poll of a feed, in place of the one that was planned."""
        self._scheduler.add_job(
            self._run,
            "date",
            run_date=self._wall() + timedelta(seconds=wait_s),
            args=[feed_id],
            id=feed_id,
            misfire_grace_time=None,
            max_instances=MOST_WAITING,
            replace_existing=True,
        )

    def drop(self, feed_id: str) -> None:
        """No further poll of a feed."""
        if self._scheduler.get_job(feed_id) is not None:
            self._scheduler.remove_job(feed_id)

    def wait_s(self, feed_id: str) -> float | None:
        """Seconds until the next poll, below 0 if it is late; None where none is planned."""
        job = self._scheduler.get_job(feed_id)
        if job is None or job.next_run_time is None:
            return None
        wait_s: float = (job.next_run_time - self._wall()).total_seconds()
        return wait_s

    def clear(self) -> None:
        """No further poll of any feed."""
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()

    def stop(self) -> None:
        """End it; jobs under way are not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _wall(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _on_job_event(self, event: JobExecutionEvent) -> None:
        self._on_error(event.job_id, event.exception)
