"""What was spent to know success: by route, task and deployment, by the ledger's own entries."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from math import inf
from typing import Any, NamedTuple

from windsock.clock import Clock
from windsock.core.model.requests import About, background_of
from windsock.core.model.units import to_float
from windsock.errors import StoreError
from windsock.observability import background
from windsock.service.control.schemas.asked import MINUTE_S

Report = Callable[..., list[dict[str, Any]]]
"""`store.reports.report`; it blocks, and raises StoreError."""

GROUPS = ("key_id", "route", "task", "deployment")
"""What a report is to be grouped by to be read here."""

WEEK_S, KEPT_S = 7 * 86_400.0, 15.0
"""The span that is told where none is asked for, and how long it is taken to be the same."""

PATIENCE_S = 2.0
"""With a store that is slow to tell, before weights are told without."""


Place = tuple[str, About]
"""A route, and a deployment at a task of it."""


class Spent(NamedTuple):
    """On one way to know; usd is of the requests whose cost is known."""

    requests: int = 0
    usd: Decimal = Decimal(0)
    unknown_cost: int = 0

    def plus(self, other: Spent) -> Spent:
        """Both."""
        return Spent(
            self.requests + other.requests,
            self.usd + other.usd,
            self.unknown_cost + other.unknown_cost,
        )

    @property
    def known_usd(self) -> float | None:
        """None where no request's cost is known."""
        return to_float(self.usd) if self.unknown_cost < self.requests else None


@dataclass(slots=True)
class Spending:
    """Of one namespace, in one span.

    beside      by route and purpose, then by what it was about
    served      requests of callers, by route, task and deployment
    """

    beside: dict[tuple[str, str], dict[About | None, Spent]] = field(default_factory=dict)
    served: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Spending:
        """From a report by GROUPS."""
        found = cls()
        for row in rows:
            own = background_of(row["key_id"])
            if own is None:
                place = row["route"], row["task"], row["deployment"] or ""
                found.served[place] = found.served.get(place, 0) + row["requests"]
                continue
            places = found.beside.setdefault((own.route, own.purpose), {})
            usd = row["cost_usd"] if row["cost_usd"] is not None else Decimal(0)
            new = Spent(row["requests"], usd, row["unknown_cost"])
            places[own.about] = places.get(own.about, Spent()).plus(new)
        return found

    def usd_of(self, route: str, purpose: str) -> float | None:
        """All that was spent beside a route on one way to know; None where that is not known."""
        spent = Spent()
        for each in self.beside.get((route, purpose), {}).values():
            spent = spent.plus(each)
        return spent.known_usd

    def about(self, route: str, about: About | None) -> Iterator[tuple[str, Spent]]:
        """(purpose, what was spent) at one place; None: of before that was kept."""
        for (of, purpose), places in self.beside.items():
            if of == route and about in places:
                yield purpose, places[about]

    def places(self) -> Counter[Place]:
        """Where anything was asked, by anybody, and how often."""
        asked = Counter({(of, About(name, task)): n for (of, task, name), n in self.served.items()})
        for (of, _), places in self.beside.items():
            asked.update({(of, each): spent.requests for each, spent in places.items() if each})
        return asked


@dataclass(slots=True)
class RecentSpending:
    """That of the last seven days, by the minute, read at most once in KEPT_S for each namespace.

    Who asks while it is read waits for the same reading.
    """

    report: Report
    clock: Clock
    _known: dict[str, tuple[float, Spending | None]] = field(default_factory=dict)
    _readings: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def of(self, namespace: str) -> Spending | None:
        """None where the store does not tell: beliefs are told all the same. Of one that is slow to
        tell what it told before."""
        told_at, found = self._known.get(namespace, (-inf, None))
        if self.clock.elapsed() - told_at < KEPT_S:
            return found
        reading = self._readings.get(namespace)
        if reading is None:
            reading = background.start("spending on knowing", self._read(namespace))
            self._readings[namespace] = reading
        await asyncio.wait({reading}, timeout=PATIENCE_S)
        if not reading.done():
            self._known[namespace] = self.clock.elapsed(), found
        return self._known.get(namespace, (-inf, None))[1]

    async def _read(self, namespace: str) -> None:
        since = (self.clock.now() - WEEK_S) // MINUTE_S * MINUTE_S
        found = None
        try:
            with suppress(StoreError):
                found = await spending_of(self.report, since=since, until=None, namespace=namespace)
        finally:
            self._known[namespace] = self.clock.elapsed(), found
            del self._readings[namespace]


async def spending_of(
    report: Report, *, since: float, until: float | None, namespace: str
) -> Spending:
    """Of [since, until), in a thread; raises StoreError."""
    rows = await asyncio.to_thread(report, since=since, until=until, by=GROUPS, namespace=namespace)
    return Spending.of(rows)
