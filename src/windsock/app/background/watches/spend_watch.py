"""Whether much more is spent than on other days at this hour, whatever the caps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.errors import StoreError
from windsock.store.compact.pace import DayPace, paces

EVERY_S = 300.0

RISEN, FALLEN = 3.0, 1.5
"""Times what is usual, from which on spend has risen, below which it fell."""

DAYS, LEAST_DAYS = 7, 3
"""With a week of them the peak of each day of the week is among what is usual."""

LEAST_REQUESTS = 100
"""In the last hour: the cost of a few dear ones is no pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendPace:
    """Dollars of the last hour's requests, and of the usual one.

    usual_usd   the most of the same hour of the days before, but no less than their mean hour
    """

    usd: float
    requests: int
    usual_usd: float
    days: int

    @property
    def times(self) -> float:
        """How often what is usual."""
        return self.usd / self.usual_usd


def pace_of(last: DayPace, before: Sequence[DayPace]) -> SpendPace | None:
    """None in the first days, and where nothing was spent in them."""
    if len(before) < LEAST_DAYS:
        return None
    mean_usd = sum(each.day_usd for each in before) / len(before) / 24
    usual = max(mean_usd, *(each.usd for each in before))
    if usual <= 0.0:
        return None
    return SpendPace(usd=last.usd, requests=last.requests, usual_usd=usual, days=len(before))


@dataclass(slots=True, kw_only=True)
class SpendWatch:
    """Called about once a second, looks every EVERY_S; publishes a rise once, and its end once."""

    engine: Engine
    clock: Clock
    publish: Callable[[Event], None]
    _has_risen: bool = False
    _due: float = 0.0

    async def check(self) -> None:
        """Look at the store, where it is time; while it is away nothing is said."""
        now = self.clock.now()
        if now < self._due:
            return
        self._due = now + EVERY_S
        with contextlib.suppress(StoreError):
            found = await asyncio.to_thread(paces, self.engine, now, DAYS)
            pace = pace_of(found[0], found[1:]) if found else None
            if pace is not None:
                self._tell(pace, now)

    def _tell(self, pace: SpendPace, now: float) -> None:
        if self._has_risen:
            has_risen = pace.times >= FALLEN
        else:
            has_risen = pace.times >= RISEN and pace.requests >= LEAST_REQUESTS
        if has_risen == self._has_risen:
            return
        self._has_risen = has_risen
        kind = EventKind.SPEND_ROSE if has_risen else EventKind.SPEND_FELL
        facts = {
            "usd": round(pace.usd, 6),
            "usual_usd": round(pace.usual_usd, 6),
            "requests": pace.requests,
            "days": pace.days,
        }
        self.publish(Event(kind=kind, deployment="", at=now, facts=facts))
