"""One bar for all runs of a sweep: steps done, rate, time left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from windsock.simulation.engines.runner import UNIT
from windsock.simulation.sweeps.progress_board import DONE, TOTAL, Board

EVERY_S = 0.2


class Bar:
    """Reads the board a few times a second; a terminal that is none sees nothing."""

    def __init__(self, console: Console, engine: str) -> None:
        self._console = console
        self._unit = UNIT[engine]

    @contextlib.contextmanager
    def watch(self, board: Board) -> Iterator[None]:
        """Show what the board says until the block ends."""
        ended = threading.Event()
        with Progress(*_columns(), console=self._console, transient=True) as bars:
            task = bars.add_task("", total=None, rate="", ended=0, runs=board.runs)
            watcher = threading.Thread(
                target=self._follow, args=(board.rows(), bars, task, ended), daemon=True
            )
            watcher.start()
            try:
                yield
            finally:
                ended.set()
                watcher.join()

    def _follow(self, rows: Any, bars: Progress, task: TaskID, ended: threading.Event) -> None:
        while not ended.wait(EVERY_S):
            done, total, whole = progress_of(rows)
            speed = bars.tasks[0].speed
            rate = f"{speed:,.0f} {self._unit}/s" if speed else ""
            what = "stopping" if rows[0, DONE] else "runs"
            bars.update(task, completed=done, total=total, rate=rate, ended=whole, description=what)


def progress_of(rows: Any) -> tuple[int, int | None, int]:
    """(steps done, steps in all, runs ended); runs that are not begun count as the mean of others.

    rows    of a board; the total is None until the first run has said its own
    """
    runs = rows[1:]
    begun = runs[runs[:, TOTAL] > 0]
    if not len(begun):
        return 0, None, 0
    total = round(float(begun[:, TOTAL].mean()) * len(runs))
    whole = int((begun[:, DONE] >= begun[:, TOTAL]).sum())
    return int(begun[:, DONE].sum()), total, whole


def _columns() -> tuple[Any, ...]:
    return (
        TextColumn("{task.description} {task.fields[ended]}/{task.fields[runs]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
