"""Sums over finished requests, as /metrics shows them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event, EventKind
from windsock.observability.alarms import Alarms

MOST_TALLIES = 2000
"""Sets of labels of requests in /metrics."""

OTHERS = "(others)"
"""The task of requests whose own has no label any more."""


@dataclass(slots=True)
class Tally:
    """Sums over the finished requests of one route, task and deployment."""

    requests: int = 0
    failed: int = 0
    attempts: int = 0
    cost_usd: float = 0.0
    unknown_cost: int = 0
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Count what another has counted."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


@dataclass(slots=True)
class Tallies:
    """Counts finished requests; labels are names from the configuration and tasks, never keys.

    Callers choose the tasks: beyond MOST_TALLIES what was counted longest ago goes to OTHERS.

    events  of each kind since the start, for alerts
    alarms  what has begun and not ended
    """

    by_name: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    events: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(EventKind, 0)))
    alarms: Alarms = field(default_factory=Alarms)

    def count(self, outcome: Outcome) -> None:
        """One more finished request."""
        decision, cell = outcome.decision, outcome.decision.cell
        names = cell.route, cell.name, outcome.served or decision.deployment
        tally = self.by_name.pop(names) if names in self.by_name else Tally()
        self.by_name[names] = tally
        if len(self.by_name) > MOST_TALLIES:
            self._fold()
        tally.requests += 1
        tally.failed += not outcome.ok
        tally.attempts += len(outcome.results)
        if outcome.cost_usd is None:
            tally.unknown_cost += 1
        else:
            tally.cost_usd += float(outcome.cost_usd)
        tally.seconds += outcome.lasted_s

    def _fold(self) -> None:
        """What was counted longest ago counts as one of the others."""
        oldest = next(each for each in self.by_name if each[1] != OTHERS)
        others = self.by_name.setdefault((oldest[0], OTHERS, oldest[2]), Tally())
        others.add(self.by_name.pop(oldest))

    def on_event(self, event: Event | WeightTable) -> None:
        """Listener of the event bus."""
        if isinstance(event, Event):
            self.events[event.kind] += 1
            self.alarms.on_event(event)
