"""Prices, weights and deployments over time, from memory: what the page's overview draws."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, product
from operator import itemgetter
from typing import Any

import orjson

from windsock.clock import Clock
from windsock.core.model.decisions import ArmFacts, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import Cell
from windsock.core.model.units import MAIN_METERS, to_float
from windsock.core.pricing.comparison import blended
from windsock.core.routing.router import Router
from windsock.observability.event_view import event_view
from windsock.service.control.access_check import shown_table
from windsock.service.control.schemas.base import number

POINTS = 600
"""Points kept per line: at one a second, the last ten minutes."""

SHARED_S = 0.9
"""For which a view serves all streams that ask for the same."""

MOST_ENCODED = 64
"""Views kept for that, each of tens of kilobytes: those of several seconds and cells."""

CELLS_OF_A_ROUTE = 60
MAX_CELLS = 240
"""Cells whose weights are remembered: of one route in one namespace, as many as it is offered by,
and of all together, some 35 MB if each moves every second. Where that is short all routes have an
equal part, of one cell at least."""

EVENTS = 100
"""Events shown, and remembered of each deployment; as many more of it for every namespace that they
tell of alone."""


_Encoded = tuple[float, bytes, float]
"""(made at, JSON, time of the last point)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedTime:
    """Dates that the page shows in place of today's, where a past is replayed at speed.

    began_at    unix s of the clock, when the page showed `shows_at`
    pace        seconds shown for each that passes
    lasts_s     shown seconds after which it starts over
    """

    began_at: float
    shows_at: float
    pace: float
    lasts_s: float


@dataclass(slots=True)
class _Series:
    """A value of each deployment over time: names and values that did not change are kept once."""

    points: deque[tuple[float, tuple[str, ...], array[float]]] = field(
        default_factory=lambda: deque(maxlen=POINTS)
    )

    def append(self, at: float, names: Iterable[str], values: Iterable[float]) -> None:
        """One more point."""
        known, row = tuple(names), array("d", values)
        if self.points:
            _, last_known, last_row = self.points[-1]
            known = last_known if last_known == known else known
            row = last_row if last_row == row else row
        self.points.append((at, known, row))

    def columns(self, names: Iterable[str], since: float) -> dict[str, Any]:
        """Times after `since`, and one column per deployment; None where it was not known."""
        points = [point for point in self.points if point[0] > since]
        rows = [dict(zip(known, row, strict=True)) for _, known, row in points]
        return {
            "at": [at for at, _, _ in points],
            "series": {name: [row.get(name) for row in rows] for name in names},
        }


class Dashboard:
    """A bounded memory of what the page draws. `sample` is called about once a second."""

    def __init__(self, router: Router, clock: Clock) -> None:
        self._router = router
        self._clock = clock
        self._prices = _Series()
        self._cells: dict[Cell, _Series] = {}
        self._events: dict[tuple[str | None, str], deque[dict[str, Any]]] = {}
        self._encoded: dict[tuple[str | None, str | None, str, float], _Encoded] = {}
        self.is_closed = False
        self.replayed: ReplayedTime | None = None

    def close(self) -> None:
        """Streams end at their next view; an endless one would hold up a shutdown."""
        self.is_closed = True

    def on_event(self, event: Event | WeightTable) -> None:
        """Listener of the event bus."""
        if isinstance(event, Event):
            place = (event.namespace, event.deployment)
            known = self._events.setdefault(place, deque(maxlen=EVENTS))
            known.append(event_view(event))

    def sample(self) -> None:
        """One point on every line; nothing is solved for it."""
        now = self._clock.now()
        prices = self._blended(now)
        self._prices.append(now, prices, prices.values())
        for cell in self._sampled():
            table = self._router.tables.shown(cell)
            if table is not None:
                series = self._cells.setdefault(cell, _Series())
                series.append(now, table.deployments, table.weights)

    def view(
        self, route: str | None, task: str | None, namespace: str, since: float = 0.0
    ) -> dict[str, Any]:
        """Everything the page needs for one route and task; only points after `since`."""
        now = self._clock.now()
        known = dict.fromkeys((*self._cells, *self._router.tables.cells()))
        cells = [cell for cell in known if cell.namespace == namespace]
        cell = next((c for c in cells if route in (None, c.route) and task in (None, c.name)), None)
        names = self._names(cell)
        by_route = self._by_route(cells).items()
        return {
            "now": now,
            "since": since,
            "replayed": self.replayed,
            "routes": {name: tasks[:CELLS_OF_A_ROUTE] for name, tasks in by_route},
            "route": cell.route if cell else route,
            "task": cell.name if cell else task,
            "deployments": names,
            "prices": self._prices.columns(names, since),
            "weights": self._weights(cell, now).columns(names, since),
            "table": self._table(cell, now) if cell else None,
            "events": self._events_of(names, namespace),
        }

    def encoded(
        self, route: str | None, task: str | None, namespace: str, since: float
    ) -> tuple[bytes, float]:
        """A view as JSON, and the time of its last point.

        Streams that look at the same cell are sent the same one for `SHARED_S`.
        """
        now, place = self._clock.now(), (route, task, namespace, since)
        at, body, last = self._encoded.get(place, (-math.inf, b"", since))
        if not 0 <= now - at < SHARED_S:
            view = self.view(route, task, namespace, since)
            body, last = orjson.dumps(view), max(view["prices"]["at"], default=since)
            if len(self._encoded) >= MOST_ENCODED:
                self._encoded.clear()
            self._encoded[place] = now, body, last
        return body, last

    def tasks_by_route(self, namespace: str) -> dict[str, list[str]]:
        """Of every cell that is open; a route without one has no task."""
        return self._by_route(c for c in self._router.tables.cells() if c.namespace == namespace)

    def _by_route(self, cells: Iterable[Cell]) -> dict[str, list[str]]:
        routes: dict[str, list[str]] = {name: [] for name in self._router.routes}
        for each in cells:
            routes.setdefault(each.route, []).append(each.name)
        return routes

    def _sampled(self) -> list[Cell]:
        """As many cells of every namespace and route, however many others have.

        What is remembered beyond that is forgotten, that of closed cells first.
        """
        is_open = dict.fromkeys(self._router.tables.cells())
        by_route: dict[tuple[str, str], list[Cell]] = defaultdict(list)
        for cell in (*is_open, *(cell for cell in self._cells if cell not in is_open)):
            by_route[cell.namespace, cell.route].append(cell)
        part = min(CELLS_OF_A_ROUTE, max(1, MAX_CELLS // max(1, len(by_route))))
        for cell in chain.from_iterable(cells[part:] for cells in by_route.values()):
            self._cells.pop(cell, None)
        kept = chain.from_iterable(cells[:part] for cells in by_route.values())
        return [cell for cell in kept if cell in is_open]

    def _events_of(self, names: list[str], namespace: str) -> list[dict[str, Any]]:
        """The last of these deployments, and of what concerns none, oldest first.

        What others have learnt of a deployment is theirs.
        """
        places = product((None, namespace), ("", *names))
        known = (self._events.get(place, ()) for place in places)
        return sorted(chain.from_iterable(known), key=itemgetter("at"))[-EVENTS:]

    def _weights(self, cell: Cell | None, now: float) -> _Series:
        """Those of a cell over time; of one that is not sampled, as they are now."""
        if cell in self._cells:
            return self._cells[cell]
        found = _Series()
        if cell is not None and self._prices.points:
            table = shown_table(self._router, cell, now)
            found.append(self._prices.points[-1][0], table.deployments, table.weights)
        return found

    def _names(self, cell: Cell | None) -> list[str]:
        if cell is None:
            return list(self._router.catalog.deployments)
        route = self._router.routes.get(cell.route)
        return list(route.candidates if route else self._router.catalog.serving(cell.route))

    def _blended(self, now: float) -> dict[str, float]:
        """Dollars per million tokens, three parts input to one part output."""
        found = {}
        for name in self._router.catalog.deployments:
            prices = self._router.book.prices(name, now)
            if prices and all(meter in prices for meter in MAIN_METERS):
                found[name] = to_float(blended(prices))
        return found

    def _table(self, cell: Cell, now: float) -> dict[str, Any]:
        table = shown_table(self._router, cell, now)
        arms = sorted(table.arms, key=lambda arm: -arm.weight)
        rows = [self._row(arm, cell.route, now) for arm in arms]
        quoted = {name: self._quoted(name, now) for name in table.ruled_out}
        return {
            "rows": rows,
            "ruled_out": table.reasons,
            "quoted": quoted,
            "note": table.note,
        }

    def _quoted(self, name: str, now: float) -> dict[str, float | None]:
        """What one that is ruled out would cost, dollars per million tokens; None: not known."""
        prices = self._router.book.prices(name, now) or {}
        return {meter.value: number(prices.get(meter)) for meter in MAIN_METERS}

    def _row(self, arm: ArmFacts, route: str, now: float) -> dict[str, Any]:
        latency = self._router.health.latency(arm.deployment, now, route)
        return {
            "deployment": arm.deployment,
            "weight": arm.weight,
            "success": arm.success_mean,
            "low": arm.success_low,
            "high": arm.success_high,
            "n": arm.effective_samples,
            "usd": arm.expected_usd,
            "input": number(arm.input_usd_per_mtok),
            "output": number(arm.output_usd_per_mtok),
            "feed": arm.quote_feed,
            "age_s": arm.price_age_s,
            "p50_ms": latency.p50_s and latency.p50_s * 1000,
            "p95_ms": latency.p95_s and latency.p95_s * 1000,
            "limits": list(arm.limits),
        }
