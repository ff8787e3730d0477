"""How late the event loop wakes: the one number that tells that a process has too much to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind

TURNS = 40
"""Turns that are looked at together: ten seconds, and as much more as they were late."""

LEAST_TURNS = 20

LATE, ON_TIME = 0.25, 0.05
"""Part of the time that was lost from which on the loop is late, below which it is on time again.

A pause of collecting garbage, or a second of solving, is far below.
"""


@dataclass(slots=True, kw_only=True)
class LoopWatch:
    """Told of every turn of a task that sleeps; publishes that the loop is late once, and its end.

    publish     tells the log, the ledger and every listener of an event
    """

    clock: Clock
    publish: Callable[[Event], None]
    _turns: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=TURNS))
    _is_late: bool = False

    @property
    def late_s(self) -> float:
        """The worst of the last turns, seconds."""
        return max((late for late, _ in self._turns), default=0.0)

    @property
    def lost_share(self) -> float:
        """Part of the time of the last turns by which they were late, 0..1."""
        whole = sum(slept + late for late, slept in self._turns)
        return sum(late for late, _ in self._turns) / whole if whole else 0.0

    def note(self, late_s: float, slept_s: float) -> None:
        """A task that meant to sleep `slept_s` woke `late_s` later than that."""
        self._turns.append((max(0.0, late_s), slept_s))
        if len(self._turns) < LEAST_TURNS:
            return
        share = self.lost_share
        if share >= LATE if not self._is_late else share < ON_TIME:
            self._is_late = not self._is_late
            kind = EventKind.LOOP_IS_LATE if self._is_late else EventKind.LOOP_IS_ON_TIME
            facts = {"late_s": round(self.late_s, 3), "lost_share": round(share, 3)}
            self.publish(Event(kind=kind, deployment="", at=self.clock.now(), facts=facts))
