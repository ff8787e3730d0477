"""Weight tables: solved when prices, health or evidence change, looked up by every request."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.confidence import Confidences
from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import CascadeFacts, WeightTable
from windsock.core.model.requests import NO_PREFERENCES, Cell, RouteRequest
from windsock.core.policies.protocol import CellView, LazyViews, Weighing
from windsock.core.pricing.book import PriceBook
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.routes import Route
from windsock.core.routing.weights.candidates import (
    LARGE_PROMPT_TOKENS,
    NOTHING_IMAGINED,
    Candidates,
    ImaginedPrices,
    Ruling,
    Viewed,
)
from windsock.core.routing.weights.facts import arms_of, cascades_of

FRESH_OUTCOMES = 20
FRESH_S = 1.0
BUSY_SHARE, AHEAD_SHARE = 0.5, 0.2
"""A table is solved anew FRESH_S after new evidence; after this many outcomes in half the time,
so that a solve costs no more at a thousand requests a second than at forty; and in a fifth of it
by `refresh`, so that requests seldom wait for a solve."""


@dataclass(slots=True)
class _Solved:
    table: WeightTable
    book_version: int
    health_version: int
    evidence: int


@dataclass(slots=True)
class _CellTables:
    """One cell of one route: its tables, by what a request rules out and its size class."""

    cell: Cell
    route: Route
    common_tokens: int
    evidence: int = 0
    plain: _Solved | None = None
    narrowed: dict[tuple[Ruling, int], _Solved] = field(default_factory=dict)


@dataclass(slots=True)
class _RouteTables:
    """All places of one route in one namespace; rungs and budgets are chosen for them together."""

    places: list[_CellTables] = field(default_factory=list)
    evidence: int = 0
    refreshed: tuple[int, int, int] | None = None
    refreshed_at: float = 0.0


class WeightTables:
    """Builds and keeps the weight tables. `drain` hands out those solved since the last call."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        book: PriceBook,
        beliefs: Beliefs,
        health: HealthBoard,
        confidences: Confidences,
        first_version: int = 0,
        fresh_s: float = FRESH_S,
        fresh_outcomes: int = FRESH_OUTCOMES,
        max_tasks: int = 500,
        max_narrowed: int = 64,
    ) -> None:
        self._catalog = catalog
        self._book = book
        self._beliefs = beliefs
        self._health = health
        self._candidates = Candidates(
            catalog=catalog, book=book, beliefs=beliefs, health=health, confidences=confidences
        )
        self._versions = itertools.count(first_version)
        self._places: dict[tuple[str, str, str], _CellTables] = {}
        self._groups: dict[tuple[str, str], _RouteTables] = {}
        self._solved: list[WeightTable] = []
        self._catalog_version = catalog.version
        self._fresh_s = fresh_s
        self._fresh_outcomes = fresh_outcomes
        self._max_tasks = max_tasks
        self._max_narrowed = max_narrowed

    def lookup(self, route: Route, request: RouteRequest, now: float) -> WeightTable:
        """The table that this request is drawn from; it has no deployments if all are ruled out."""
        if self._catalog_version != self._catalog.version:
            self.forget()
        task = route.policy.task_of(request)
        place = self._places.get((request.namespace, route.name, task))
        if place is None or place.route is not route:
            place = self._open_place(route, request.namespace, task)
        if route.policy.is_contextual:
            return self._contextual(place, request, now)
        wanted = request.prompt_tokens + (request.max_output_tokens or 0)
        if (
            request.needs
            or route.rules
            or request.preferences is not NO_PREFERENCES
            or wanted > place.common_tokens
        ):
            return self._narrow(place, request, now)
        slot = place.plain
        if slot is None or self._is_stale(slot, place, now):
            slot = place.plain = self._solve(place, (), 0, now)
        return slot.table

    def count_evidence(self, cell: Cell, count: int = 1) -> None:
        """So many rewards or outcomes of this cell were learnt."""
        place = self._places.get(cell)
        if place is not None:
            place.evidence += count
            self._groups[cell.namespace, cell.route].evidence += count

    def refresh(self, now: float) -> bool:
        """Solve one stale table ahead of the next requests; False if none is stale.

        One at a time, so that the event loop turns between two solves.
        """
        for place in self._places.values():
            slot = place.plain
            if slot is not None and self._is_stale(slot, place, now, AHEAD_SHARE):
                place.plain = self._solve(place, (), 0, now)
                return True
        return False

    def forget(self) -> None:
        """Drop every table, since what stands in them has changed; the traffic mix stays."""
        self._catalog_version = self._catalog.version
        for place in self._places.values():
            place.plain = None
            place.narrowed.clear()
            place.common_tokens = self._candidates.common_tokens(place.route)
        for group in self._groups.values():
            group.refreshed = None

    def close_all(self) -> None:
        """Forget every cell, since routes were changed."""
        self._catalog_version = self._catalog.version
        self._places.clear()
        self._groups.clear()

    def drain(self) -> list[WeightTable]:
        """Tables solved since the last call, oldest first."""
        solved, self._solved = self._solved, []
        return solved

    def standing(self, cell: Cell) -> WeightTable | None:
        """The table of a cell as it was last solved, stale or not; None if it never was."""
        place = self._places.get(cell)
        slot = place.plain if place is not None else None
        return None if slot is None else slot.table

    def cells(self) -> list[Cell]:
        return [place.cell for place in self._places.values()]

    def variant(
        self,
        table: WeightTable,
        weights: tuple[float, ...],
        note: str,
        cascades: tuple[CascadeFacts, ...] | None = None,
    ) -> WeightTable:
        """The same candidates under other weights, as a table of its own."""
        arms = tuple(
            replace(arm, weight=weight) for arm, weight in zip(table.arms, weights, strict=True)
        )
        made = replace(
            table,
            version=next(self._versions),
            weights=weights,
            cumulative=tuple(itertools.accumulate(weights)),
            arms=arms,
            cascades=cascades,
            note=note,
        )
        self._solved.append(made)
        return made

    def views(
        self, route: Route, namespace: str, task: str, now: float, imagined: ImaginedPrices
    ) -> tuple[CellView, list[CellView]]:
        """What the policy would be shown under other prices: this cell, and all of the route."""
        request = RouteRequest(model=route.name, namespace=namespace, task=task)
        self.lookup(route, request, now)
        asked = self._places[namespace, route.name, route.policy.task_of(request)]
        views = {
            place.cell: self._view(place, now, imagined=imagined)[0]
            for place in self._groups[namespace, route.name].places
        }
        return views[asked.cell], [view for view in views.values() if view.deployments]

    def _open_place(self, route: Route, namespace: str, task: str) -> _CellTables:
        group = self._groups.setdefault((namespace, route.name), _RouteTables())
        group.places = [place for place in group.places if place.route is route]
        if len(group.places) >= self._max_tasks:
            return group.places[0]
        place = _CellTables(
            cell=Cell(namespace, route.name, task),
            route=route,
            common_tokens=self._candidates.common_tokens(route),
        )
        self._places[namespace, route.name, task] = place
        group.places.append(place)
        group.refreshed = None
        return place

    def _narrow(self, place: _CellTables, request: RouteRequest, now: float) -> WeightTable:
        ruling = self._candidates.ruling(place.route, request, now)
        size = max(0, (request.prompt_tokens // LARGE_PROMPT_TOKENS).bit_length())
        key = (ruling, size)
        slot = place.narrowed.get(key)
        if slot is None or self._is_stale(slot, place, now):
            if len(place.narrowed) >= self._max_narrowed:
                place.narrowed.clear()
            tokens = request.prompt_tokens if size else 0
            slot = place.narrowed[key] = self._solve(place, ruling, tokens, now)
        return slot.table

    def _is_stale(
        self, slot: _Solved, place: _CellTables, now: float, busy_share: float = BUSY_SHARE
    ) -> bool:
        if slot.health_version != self._health.version or now >= slot.table.expires_at:
            return True
        if slot.book_version != self._book.version:
            stronger = place.route.cascade.to if place.route.cascade else ()
            if self._book.changed_since(slot.book_version, (*place.route.candidates, *stronger)):
                return True
            slot.book_version = self._book.version
        fresh = place.evidence - slot.evidence
        share = busy_share if fresh >= self._fresh_outcomes else 1.0
        return fresh > 0 and now - slot.table.at >= share * self._fresh_s

    def _solve(self, place: _CellTables, ruling: Ruling, prompt_tokens: int, now: float) -> _Solved:
        self._refresh_group(place, now)
        view, ruled_out, note = self._view(place, now, ruling=ruling, prompt_tokens=prompt_tokens)
        weighing = place.route.policy.weigh(view, now) if view.deployments else None
        return _Solved(
            table=self._table(place, view, weighing, ruled_out, note, now),
            book_version=self._book.version,
            health_version=self._health.version,
            evidence=place.evidence,
        )

    def _contextual(self, place: _CellTables, request: RouteRequest, now: float) -> WeightTable:
        self._refresh_group(place, now)
        ruling = self._candidates.ruling(place.route, request, now)
        view, ruled_out, note = self._view(place, now, ruling=ruling)
        weighing = place.route.policy.weigh(view, now, request) if view.deployments else None
        return self._table(place, view, weighing, ruled_out, note, now)

    def _refresh_group(self, place: _CellTables, now: float) -> None:
        """Let the policy choose its rungs, once per change, for all tasks of the route."""
        group = self._groups[place.cell.namespace, place.cell.route]
        seen = (self._book.version, self._health.version, group.evidence)
        last = group.refreshed
        is_fresh = (
            last is not None
            and last[:2] == seen[:2]
            and (seen[2] == last[2] or now - group.refreshed_at < self._group_s(seen[2] - last[2]))
        )
        if is_fresh:
            return
        group.refreshed, group.refreshed_at = seen, now
        place.route.policy.refresh(LazyViews(lambda: self._served_views(group, now)), now)

    def _served_views(self, group: _RouteTables, now: float) -> list[CellView]:
        """All cells of a route that somebody can serve."""
        views = (self._view(place, now)[0] for place in group.places)
        return [view for view in views if view.deployments]

    def _group_s(self, fresh: int) -> float:
        """How long the rungs of a group stand after so much new evidence."""
        return self._fresh_s * (AHEAD_SHARE if fresh >= self._fresh_outcomes else 1.0)

    def _view(
        self,
        place: _CellTables,
        now: float,
        *,
        ruling: Ruling = (),
        prompt_tokens: int = 0,
        imagined: ImaginedPrices = NOTHING_IMAGINED,
    ) -> Viewed:
        return self._candidates.view(
            place.cell,
            place.route,
            now,
            share=self._share(place),
            ruling=ruling,
            prompt_tokens=prompt_tokens,
            imagined=imagined,
        )

    def _share(self, place: _CellTables) -> float:
        group = self._groups.get((place.cell.namespace, place.cell.route))
        if group is None or not group.evidence:
            return 1.0
        return (place.evidence + 1) / (group.evidence + len(group.places))

    def _table(
        self,
        place: _CellTables,
        view: CellView,
        weighing: Weighing | None,
        ruled_out: Mapping[str, str],
        note: str,
        now: float,
    ) -> WeightTable:
        weights = weighing.weights if weighing else ()
        names = place.route.candidates
        expires_at = min(
            self._book.next_change_at(names, now), self._health.next_change_at(names, now)
        )
        arms = arms_of(view, weighing, self._beliefs, self._book, now) if weighing else ()
        notes = [text for text in (note, weighing.note if weighing else "") if text]
        table = WeightTable(
            version=next(self._versions),
            at=now,
            expires_at=expires_at,
            cell=place.cell,
            policy=place.route.policy.name,
            deployments=view.deployments,
            weights=weights,
            cumulative=tuple(itertools.accumulate(weights)),
            arms=arms,
            ruled_out=ruled_out,
            value_usd=weighing.value_usd if weighing else None,
            cascades=cascades_of(view, weighing),
            note="; ".join(notes),
        )
        self._solved.append(table)
        return table
