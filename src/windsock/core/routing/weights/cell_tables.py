"""The cells of every route that requests have opened, each with its weight tables."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.routing.routes import Route
from windsock.core.routing.sizes.prompt_sizes import SizeClasses
from windsock.core.routing.weights.candidates import Ruling
from windsock.core.routing.weights.costs import Asked

Narrowing = tuple[Ruling, int, str | None]
"""What a request rules out, its size class, and the service tier whose prices it asks for."""


@dataclass(slots=True)
class Solved:
    """A table, and the versions of what it was solved from."""

    table: WeightTable
    book_version: int
    health_version: int
    evidence: int


def size_in(
    classes: SizeClasses | None, narrowing: Narrowing | None, prompt_tokens: int
) -> int | None:
    """The class of size of a request; None if there is one, or its prompt is costed alone."""
    if classes is None or (narrowing is not None and narrowing[1]):
        return None
    return classes.of(prompt_tokens)


def asked_of(
    classes: SizeClasses | None, narrowing: Narrowing | None, prompt_tokens: int
) -> tuple[Ruling, Asked]:
    """Whom a request rules out, and what prices depend on."""
    ruling, long, tier = narrowing or ((), 0, None)
    size = size_in(classes, narrowing, prompt_tokens)
    return ruling, Asked(prompt_tokens if long else 0, tier, size)


@dataclass(slots=True)
class CellTables:
    """One cell of one route: its tables, by what a request asks.

    common_tokens   up to this size a prompt fits every candidate, at the same price
    is_plain        no rule of the route and no request's own weighing stands before `plain`
    evidence        rewards and outcomes learnt since it was opened
    asked_at        unix s of its last request
    classes         of prompt size, as they were when a table was last solved; None: one
    sized           (classes,) plain tables by class; `plain` is then for sizes that nobody knows
    mixed           such tables, and their mix
    """

    cell: Cell
    route: Route
    common_tokens: int
    is_plain: bool = True
    evidence: int = 0
    plain: Solved | None = None
    narrowed: dict[tuple[Narrowing, int | None], Solved] = field(default_factory=dict)
    asked_at: float = 0.0
    classes: SizeClasses | None = None
    sized: list[Solved | None] = field(default_factory=list)
    mixed: tuple[list[WeightTable], WeightTable] | None = None

    def kept(self, narrowing: Narrowing | None, prompt_tokens: int) -> Solved | None:
        """The table as it was last solved, stale or not."""
        size = size_in(self.classes, narrowing, prompt_tokens)
        if narrowing is not None:
            return self.narrowed.get((narrowing, size))
        return self.plain if size is None else self.sized[size]

    def keep(self, narrowing: Narrowing | None, size: int | None, solved: Solved) -> Solved:
        """Remember a table that was just solved."""
        if narrowing is not None:
            self.narrowed[narrowing, size] = solved
        elif size is None:
            self.plain = solved
        else:
            self.sized[size] = solved
        return solved

    def take_classes(self, classes: SizeClasses | None) -> None:
        """Classes as they are now; tables of others are no good."""
        if classes is not self.classes:
            self.classes = classes
            self.forget()

    def forget(self) -> None:
        """Drop every table."""
        self.plain = None
        self.narrowed.clear()
        self.mixed = None
        self.sized = [None] * len(self.classes.shares if self.classes else ())

    @property
    def standing(self) -> Solved | None:
        """The plain table that was solved last, of whatever size."""
        solved = [slot for _, slot in self.plain_tables() if slot is not None]
        return max(solved, key=lambda slot: slot.table.version, default=None)

    def usual_tokens(self, size: int | None) -> int:
        """Of the prompts of a class of size; 0 where there is one class, or none is meant."""
        return 0 if self.classes is None or size is None else int(self.classes.means[size])

    def plain_tables(self) -> Iterator[tuple[int | None, Solved | None]]:
        """Those that no request narrows, by class of size."""
        yield None, self.plain
        yield from enumerate(self.sized)


@dataclass(slots=True)
class RouteTables:
    """All cells of one route in one namespace; rungs and budgets are chosen for them together.

    has_closed  cells of it have made room for others
    """

    places: list[CellTables] = field(default_factory=list)
    evidence: int = 0
    refreshed: tuple[int, int, int] | None = None
    refreshed_at: float = 0.0
    has_closed: bool = False

    def busiest(self, most: int) -> list[CellTables]:
        """So many cells with most of the route's evidence, of equals the first opened."""
        if len(self.places) <= most:
            return self.places
        return heapq.nlargest(most, self.places, key=lambda place: place.evidence)

    def share(self, place: CellTables) -> float:
        """Part of the route's traffic that falls in a cell, 0..1."""
        if not self.evidence:
            return 1.0
        return (place.evidence + 1) / (self.evidence + len(self.places))


@dataclass(slots=True)
class Versions:
    """The version of the table that is solved next; `take` counts on."""

    next: int = 0

    def take(self) -> int:
        """The next version."""
        self.next += 1
        return self.next - 1


class OpenCells:
    """The open cells by name, and by route and namespace."""

    def __init__(self, common_tokens: Callable[[Route], int]) -> None:
        self._common_tokens = common_tokens
        self.places: dict[tuple[str, str, str, str], CellTables] = {}
        """By cell; a plain tuple, since one is looked up for every request."""
        self.groups: dict[tuple[str, str], RouteTables] = {}

    def find(self, route: Route, cell: Cell) -> CellTables | None:
        """The open cell of a route as it is configured now."""
        place = self.places.get(cell)
        return place if place is not None and place.route is route else None

    def group_of(self, cell: Cell) -> RouteTables:
        """All cells of the route of an open cell; raises KeyError if it is not open."""
        return self.groups[cell.namespace, cell.route]

    def open(self, route: Route, cell: Cell) -> CellTables:
        """The cell that requests of `cell` are decided in, opened if it is not yet."""
        group = self.group(route, cell)
        self.groups[cell.namespace, cell.route] = group
        place = self.find(route, cell)
        if place is None:
            place = self.places[cell] = self._new(route, cell)
            group.places.append(place)
            group.refreshed = None
        return place

    def close(self, route: Route, places: list[CellTables]) -> None:
        """These cells of one route are open no more."""
        group = self.group(route, places[0].cell)
        closed = {place.cell for place in places}
        group.places = [place for place in group.places if place.cell not in closed]
        group.evidence -= sum(place.evidence for place in places)
        group.refreshed, group.has_closed = None, True
        for cell in closed:
            self.places.pop(cell, None)

    def as_opened(self, route: Route, cell: Cell) -> tuple[CellTables, RouteTables]:
        """What `open` would make of it, and its route's cells then; nothing is opened."""
        group = self.group(route, cell)
        place = self.find(route, cell)
        if place is not None:
            return place, group
        place = self._new(route, cell)
        return place, replace(group, places=[*group.places, place], refreshed=None)

    def forget_tables(self) -> None:
        """Drop every table; the cells and the traffic mix stay."""
        for place in self.places.values():
            place.forget()
            place.common_tokens = self._common_tokens(place.route)
        for group in self.groups.values():
            group.refreshed = None

    def without_tables(self) -> OpenCells:
        """The same cells before any table of theirs was solved, to look at; these stay."""
        found = OpenCells(self._common_tokens)
        for cell, place in self.places.items():
            tokens = self._common_tokens(place.route)
            empty = replace(place, common_tokens=tokens, plain=None, narrowed={}, sized=[])
            empty.forget()
            found.places[cell] = empty
        for key, group in self.groups.items():
            places = [found.places[place.cell] for place in group.places]
            found.groups[key] = RouteTables(places, group.evidence)
        return found

    def adopt(self, routes: Mapping[str, Route]) -> None:
        """Close the cells of routes that are gone, and have none of a table; the mix stays."""
        mix = self.to_state()
        self.places.clear()
        self.groups.clear()
        self.from_state(mix, routes)

    def to_state(self) -> list[list[Any]]:
        """The traffic mix, JSON-able: every cell, what was learnt in it, when it was last asked."""
        return [[*place.cell, place.evidence, place.asked_at] for place in self.places.values()]

    def from_state(self, mix: Iterable[Sequence[Any]], routes: Mapping[str, Route]) -> None:
        """Open the cells of a `to_state` that these routes still have."""
        for *names, evidence, asked_at in mix:
            cell = Cell(*names)
            route = routes.get(cell.route)
            if route is None or (cell.segment and not route.policy.segment_words(cell)):
                continue
            place = self.open(route, cell)
            self.group_of(cell).evidence += evidence - place.evidence
            place.evidence, place.asked_at = evidence, asked_at

    def group(self, route: Route, cell: Cell) -> RouteTables:
        """The route's open cells; none if they are those of a route that it has replaced."""
        group = self.groups.get((cell.namespace, cell.route))
        if group is None or (group.places and group.places[0].route is not route):
            return RouteTables()
        return group

    def _new(self, route: Route, cell: Cell) -> CellTables:
        return CellTables(
            cell=cell,
            route=route,
            common_tokens=self._common_tokens(route),
            is_plain=not route.rules and not route.policy.is_contextual,
        )
