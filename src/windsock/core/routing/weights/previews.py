"""Looking is free: weight tables for people, computed beside those that requests are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.policies.views import CellView, LazyViews
from windsock.core.routing.routes import Route
from windsock.core.routing.weights.candidates import Ruling
from windsock.core.routing.weights.cell_tables import (
    CellTables,
    Narrowing,
    RouteTables,
    Solved,
    asked_of,
)
from windsock.core.routing.weights.costs import NOTHING_IMAGINED, Asked, ImaginedPrices
from windsock.core.routing.weights.solver import Solving

MOST_PREVIEWS = 1024
"""Previews kept for the next look, each for `fresh_s` at most."""


Seen = dict[tuple[Cell, Narrowing | None, int | None], Solved]
"""Previews by cell, what a request rules out, and class of size."""


@dataclass(slots=True)
class Previews(Solving):
    """What `WeightTables.lookup` would answer, with nothing opened, solved for good or moved."""

    _seen: Seen = field(default_factory=dict)
    _views: dict[tuple[str, str], tuple[object, LazyViews]] = field(default_factory=dict)

    def forget(self) -> None:
        """Drop what was computed for looks."""
        self._seen.clear()
        self._views.clear()

    def peek(self, route: Route, cell: Cell, request: RouteRequest, now: float) -> WeightTable:
        """The table that the next such request would be drawn from."""
        place, group = self._cells.as_opened(route, cell)
        return self._peek(place, group, request, now)

    def views(
        self, route: Route, cell: Cell, now: float, imagined: ImaginedPrices
    ) -> tuple[CellView, list[CellView]]:
        """What the policy would be shown under other prices: this cell, and all of the route."""
        place, group = self._cells.as_opened(route, cell)
        moment = self._maker.at(now)
        asked = self._maker.view(place, group, moment, imagined=imagined)[0]
        return asked, self._maker.served_views(group, moment, imagined)

    def imagine(
        self,
        route: Route,
        cell: Cell,
        request: RouteRequest,
        now: float,
        imagined: ImaginedPrices,
    ) -> WeightTable:
        """The table that this request would be drawn from under other prices."""
        place, group = self._cells.as_opened(route, cell)
        narrowing = self._candidates.narrowing(place.route, place.common_tokens, request, now)
        return self._made(place, group, narrowing, request, now, imagined)

    def _peek(
        self, place: CellTables, group: RouteTables, request: RouteRequest, now: float
    ) -> WeightTable:
        if place.route.policy.is_contextual:
            ruling = self._candidates.ruling(place.route, request, now)
            tier = self._candidates.priced_tier(place.route, request, now)
            return self._made(place, group, (ruling, 0, tier), request, now)
        narrowing = self._candidates.narrowing(place.route, place.common_tokens, request, now)
        slot = place.kept(narrowing, request.prompt_tokens)
        if slot is not None and not self._freshness.is_stale(slot, place, now):
            return slot.table
        key = place.cell, narrowing, self._asked(place, narrowing, request)[1].size
        slot = self._seen.get(key)
        if slot is None or self._is_past(slot, place, now):
            if len(self._seen) >= MOST_PREVIEWS:
                self._seen.clear()
            table = self._made(place, group, narrowing, request, now)
            slot = self._seen[key] = self._freshness.solved(table, place)
        return replace(slot.table, version=self._versions.next)

    def _asked(
        self, place: CellTables, narrowing: Narrowing | None, request: RouteRequest
    ) -> tuple[Ruling, Asked]:
        return asked_of(self._maker.classes(place), narrowing, request.prompt_tokens)

    def _is_past(self, slot: Solved, place: CellTables, now: float) -> bool:
        is_now = 0 <= now - slot.table.at < self._freshness.fresh_s
        return not is_now or self._freshness.is_stale(slot, place, now)

    def _made(
        self,
        place: CellTables,
        group: RouteTables,
        narrowing: Narrowing | None,
        request: RouteRequest,
        now: float,
        imagined: ImaginedPrices = NOTHING_IMAGINED,
    ) -> WeightTable:
        ruling, asked = self._asked(place, narrowing, request)
        moment = self._maker.at(now)
        viewed = self._maker.view(
            place, group, moment, ruling=ruling, asked=asked, imagined=imagined
        )
        views: LazyViews | list[CellView] | None = None
        if imagined:
            views = self._maker.served_views(group, moment, imagined)
        elif self._freshness.is_due(group, now):
            views = self._all_views(place.cell, group, now)
        weighing = (
            place.route.policy.preview(views, viewed[0], now) if viewed[0].deployments else None
        )
        return self._maker.table(self._versions.next, place, viewed, weighing, moment)

    def _all_views(self, cell: Cell, group: RouteTables, now: float) -> LazyViews:
        """The same for all cells of a route that are looked at in one moment."""
        key = cell.namespace, cell.route
        seen = (now, self._freshness.versions(group), [each.cell for each in group.places])
        known = self._views.get(key)
        if known is None or known[0] != seen:
            moment = self._maker.at(now)
            views = LazyViews(lambda most: self._maker.served_views(group, moment, most=most))
            known = self._views[key] = (seen, views)
        return known[1]
