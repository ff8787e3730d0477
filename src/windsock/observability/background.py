"""Tasks that nobody waits for: kept alive, and their end told."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from windsock.clock import Clock
from windsock.observability.log import event_log

FIRST_PAUSE_S = 1.0
"""Between the end of a task and its new start; doubled after each end, up to MAX_PAUSE_S."""

MAX_PAUSE_S = 30.0

STUCK_PERIODS, STUCK_S = 3.0, 60.0
"""A task that has not turned for so many periods, and so long beside, is stuck in a turn."""

Work = Callable[[], Coroutine[Any, Any, None]]
"""Makes the coroutine of a task, anew for each start."""

Step = Callable[[], Awaitable[None] | None]
"""One turn of periodic work; awaited if it waits."""


@dataclass(slots=True, kw_only=True)
class TaskState:
    """One task under supervision. Times of `elapsed`.

    restarts    starts after an end that was a failure
    pause_s     before the next start, should it fail now
    error       why it is down just now, or was at its last turn; None: well
    turned_at   of its last sign of life
    period_s    between two turns; None of one that turns when there is something to do
    """

    turned_at: float
    restarts: int = 0
    pause_s: float = FIRST_PAUSE_S
    error: str | None = None
    period_s: float | None = None

    def is_down(self, elapsed: float) -> bool:
        """True if it failed and was not well since, or should long have turned."""
        is_stuck = self.period_s is not None and (
            elapsed - self.turned_at > STUCK_PERIODS * self.period_s + STUCK_S
        )
        return self.error is not None or is_stuck


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """Background tasks by name: one that ends by a failure is told, counted and started anew.

    One whose coroutine returns is done. All of it on one event loop. Work that goes on says
    `turned` now and then.
    """

    clock: Clock
    states: dict[str, TaskState] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _is_stopping: bool = False

    def keep(self, name: str, work: Work) -> None:
        """Have this work done until it returns, or `stop`."""
        self.states[name] = TaskState(turned_at=self.clock.elapsed())
        self._start(name, work)

    def keep_every(self, name: str, period_s: float, step: Step) -> None:
        """Have a step done every so many seconds, the first one after a period."""
        self.keep(name, partial(self._turns, name, period_s, step))
        self.states[name].period_s = period_s

    def turned(self, name: str) -> None:
        """A sign of life of a task, and of its being well."""
        state = self.states[name]
        state.turned_at, state.error, state.pause_s = self.clock.elapsed(), None, FIRST_PAUSE_S

    def down(self) -> dict[str, str]:
        """Tasks that failed and have had no good turn since, and why."""
        return {name: state.error for name, state in self.states.items() if state.error}

    async def stop(self) -> None:
        """End every task."""
        self._is_stopping = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _turns(self, name: str, period_s: float, step: Step) -> None:
        while True:
            await asyncio.sleep(period_s)
            waited_for = step()
            if inspect.isawaitable(waited_for):
                await waited_for
            self.turned(name)

    def _start(self, name: str, work: Work) -> None:
        if self._is_stopping:
            return
        task = self._tasks[name] = asyncio.create_task(work(), name=name)
        task.add_done_callback(partial(self._ended, name, work))

    def _ended(self, name: str, work: Work, task: asyncio.Task[None]) -> None:
        if self._is_stopping:
            return
        error = reason_of(task)
        if error is None:
            del self.states[name], self._tasks[name]
            return
        state = self.states[name]
        state.error = error
        state.restarts += 1
        tell(task)
        task.get_loop().call_later(state.pause_s, self._start, name, work)
        state.pause_s = min(MAX_PAUSE_S, state.pause_s * 2.0)


def start(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """The task of this work, done once; if it fails, the log says so as `task.failed`."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(lambda task: None if task.cancelled() else tell(task))
    return task


def tell_place(name: str, error: Exception) -> None:
    """Log that work failed which had texts of callers in hand: its kind and place, no words."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    event_log().error("task.failed", task=name, error=type(error).__name__, place=place)


def reason_of(task: asyncio.Task[None]) -> str | None:
    """Why a task that is done failed, None if it did not."""
    if task.cancelled():
        return "cancelled by something other than the end of the service"
    error = task.exception()
    return None if error is None else f"{type(error).__name__}: {error}"


def tell(task: asyncio.Task[None]) -> None:
    """Log the failure of a task that is done, if it failed."""
    reason = reason_of(task)
    if reason is not None:
        error = None if task.cancelled() else task.exception()
        event_log().error("task.failed", task=task.get_name(), error=reason, exc_info=error)
