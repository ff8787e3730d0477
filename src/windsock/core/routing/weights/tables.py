"""Weight tables: solved when prices, health or evidence change, looked up by every request."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.cascades.confidence import Confidences
from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import CascadeFacts, WeightTable
from windsock.core.model.exclusions import Exclusion
from windsock.core.model.requests import NO_PREFERENCES, Cell, RouteRequest
from windsock.core.policies.views import CellView
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.routes import Route
from windsock.core.routing.sizes.prompt_sizes import PromptSizeBook
from windsock.core.routing.weights.candidates import Candidates
from windsock.core.routing.weights.cell_tables import (
    CellTables,
    OpenCells,
    Versions,
)
from windsock.core.routing.weights.costs import ImaginedPrices
from windsock.core.routing.weights.forgetting import Forgetting, oldest
from windsock.core.routing.weights.freshness import (
    AHEAD_SHARE,
    FRESH_OUTCOMES,
    FRESH_S,
    Freshness,
)
from windsock.core.routing.weights.previews import Previews
from windsock.core.routing.weights.solver import Solver
from windsock.core.routing.weights.table_maker import TableMaker, mix_of, reweighed


class WeightTables:
    """Builds and keeps the weight tables. `drain` hands out those `solved` since the last call.

    max_tasks   open a route and namespace; the one asked for longest ago makes room for another
    forget      drops what is known of cells that make room
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        book: PricesInForce,
        beliefs: Beliefs,
        health: HealthBoard,
        confidences: Confidences,
        first_version: int = 0,
        fresh_s: float = FRESH_S,
        fresh_outcomes: int = FRESH_OUTCOMES,
        max_tasks: int = 500,
        max_narrowed: int = 64,
        sizes: PromptSizeBook | None = None,
        forget: Callable[[frozenset[Cell]], None] = lambda cells: None,
    ) -> None:
        self.sizes = sizes or PromptSizeBook()
        self._catalog, self._catalog_version = catalog, catalog.version
        self._candidates = Candidates(
            catalog=catalog, book=book, beliefs=beliefs, health=health, confidences=confidences
        )
        self._maker = TableMaker(
            candidates=self._candidates,
            book=book,
            beliefs=beliefs,
            health=health,
            sizes=self.sizes,
        )
        self._freshness = Freshness(book, health, fresh_s=fresh_s, fresh_outcomes=fresh_outcomes)
        self._max_tasks, self._max_narrowed = max_tasks, max_narrowed
        self.forgetting = Forgetting(forget)
        self._cells = OpenCells(self._candidates.common_tokens)
        self._versions = Versions(first_version)
        self._previews = self._previews_of(self._cells)
        self._solver = Solver(
            self._cells, self._candidates, self._maker, self._freshness, self._versions
        )
        self.solved = self._solver.solved

    def lookup(self, route: Route, request: RouteRequest, now: float) -> WeightTable:
        """The table that this request is drawn from; it has no deployments if all are ruled out."""
        if self._catalog_version != self._catalog.version:
            self.forget()
        key = (request.namespace, route.name, *route.policy.task_of(request))
        place = self._cells.places.get(key)
        if place is None or place.route is not route:
            place = self._opened(route, Cell(*key), now)
        place.asked_at = now
        if place.is_plain and not (
            request.needs
            or request.preferences is not NO_PREFERENCES
            or request.service_tier is not None
            or request.prompt_tokens + (request.max_output_tokens or 0) > place.common_tokens
        ):
            tokens = request.prompt_tokens
            slot = place.plain if place.classes is None else place.kept(None, tokens)
            if slot is None or self._freshness.is_stale(slot, place, now):
                slot = self._solver.solve(place, None, tokens, now)
            return slot.table
        return self._at(place, request, now)

    def ruled_out(self, route: Route, request: RouteRequest, now: float) -> dict[str, Exclusion]:
        """Who of a route cannot serve this request, for reasons that lie in the request."""
        return dict(self._candidates.ruling(route, request, now))

    def peek(
        self, route: Route, namespace: str, name: str, now: float, *, prompt_tokens: int = 0
    ) -> WeightTable:
        """What `lookup` would answer to a plain request of a task, or of a segment by its name;
        plain is an embedding, say, where nobody chats.

        Nothing is opened, solved for a request or moved by it. A table that no request was drawn
        from yet has the version that it would get, were it the next to be solved.
        """
        cell = Cell.read(namespace, route.name, name)
        request = RouteRequest(
            model=route.name,
            namespace=namespace,
            task=cell.task,
            prompt_tokens=prompt_tokens,
            needs=self._candidates.usual_needs(route),
        )
        return self._looking().peek(route, cell, request, now)

    def views(
        self, route: Route, namespace: str, name: str, now: float, imagined: ImaginedPrices
    ) -> tuple[CellView, list[CellView]]:
        """What the policy would be shown under other prices: this cell, and all of the route."""
        return self._looking().views(route, Cell.read(namespace, route.name, name), now, imagined)

    def imagine(
        self, route: Route, request: RouteRequest, now: float, imagined: ImaginedPrices
    ) -> WeightTable:
        """What `lookup` would answer under other prices; none imagined: as they are."""
        cell = Cell.read(request.namespace, route.name, request.task)
        return self._looking().imagine(route, cell, request, now, imagined)

    def count_evidence(
        self, cell: Cell, now: float, count: int = 1, route: Route | None = None
    ) -> None:
        """So many rewards or outcomes of this cell were learnt.

        route   of a cell that others were asked for: it opens, as one does that had made room
        """
        group, place = self._cells.groups.get(cell[:2]), self._cells.places.get(cell)
        if place is None and group is not None and group.has_closed:
            route = group.places[0].route
        if place is None and route is not None:
            place = self._opened(route, cell, now)
            place.asked_at = now
        if place is not None:
            place.evidence += count
            self._cells.group_of(cell).evidence += count

    def refresh(self, now: float) -> bool:
        """Solve one stale table ahead of the next requests; False if none is stale.

        One at a time, a route's priors and rungs by themselves: the event loop turns between two.
        """
        for place in self._cells.places.values():
            for size, slot in place.plain_tables():
                if slot is not None and self._freshness.is_stale(slot, place, now, AHEAD_SHARE):
                    if self._maker.fit_ahead(place.cell):
                        return True
                    if self._freshness.is_due(self._cells.group_of(place.cell), now):
                        self._solver.refreshed(place, self._maker.at(now))
                    else:
                        self._solver.solve(place, None, place.usual_tokens(size), now)
                    return True
        self._maker.rest()
        return False

    def forget(self) -> None:
        """Drop every table, since what stands in them has changed; the traffic mix stays."""
        self._catalog_version = self._catalog.version
        self._cells.forget_tables()
        self._previews.forget()

    def adopt(self, routes: Mapping[str, Route]) -> None:
        """Other routes: drop every table, and the cells of routes that are gone."""
        self._catalog_version = self._catalog.version
        self._cells.adopt(routes)
        self._previews.forget()

    def to_state(self) -> dict[str, Any]:
        """Sizes of prompts and the traffic mix, JSON-able; tables are solved again."""
        return {"prompt_sizes": self.sizes.to_state(), "traffic": self._cells.to_state()}

    def from_state(self, state: Mapping[str, Any], routes: Mapping[str, Route]) -> None:
        """Take over a `to_state`, with the cells of these routes."""
        self.sizes.from_state(state["prompt_sizes"])
        self._cells.from_state(state["traffic"], routes)

    def drain(self) -> list[WeightTable]:
        """Tables solved since the last call, oldest first."""
        return self._solver.drain()

    def shown(self, cell: Cell) -> WeightTable | None:
        """The weights of an open cell, a moment old at most; None if none were solved yet.

        Where sizes of prompts have tables of their own, the mix of those that were asked for.
        """
        place = self._cells.places.get(cell)
        if place is None or (slot := place.standing) is None:
            return None
        sized = [each.table for each in place.sized if each is not None and each.table.arms]
        if not sized or slot is place.plain:
            return slot.table
        if place.mixed is None or place.mixed[0] != sized:
            place.mixed = sized, mix_of(sized)
        return place.mixed[1]

    def standing_tables(self) -> list[WeightTable]:
        """Those of all open cells as they were last solved, stale or not."""
        slots = (place.standing for place in self._cells.places.values())
        return [slot.table for slot in slots if slot is not None]

    def cells(self) -> list[Cell]:
        """Every open cell."""
        return [place.cell for place in self._cells.places.values()]

    def busiest(self, namespace: str, routes: Container[str]) -> list[Cell]:
        """Open cells of these routes, those with most evidence first."""
        places = self._cells.places.values()
        mine = [each for each in places if each.cell.namespace == namespace]
        mine.sort(key=lambda place: (-place.evidence, place.cell))
        return [place.cell for place in mine if place.cell.route in routes]

    def variant(
        self,
        table: WeightTable,
        weights: tuple[float, ...],
        note: str,
        cascades: tuple[CascadeFacts, ...] | None = None,
    ) -> WeightTable:
        """The same candidates under other weights, as a table of its own."""
        made = reweighed(table, self._versions.take(), weights, note, cascades)
        self.solved.append(made)
        return made

    def _looking(self) -> Previews:
        """Tables of another catalog are no good to look at, but only a request drops them."""
        if self._catalog_version == self._catalog.version:
            return self._previews
        return self._previews_of(self._cells.without_tables())

    def _previews_of(self, cells: OpenCells) -> Previews:
        return Previews(cells, self._candidates, self._maker, self._freshness, self._versions)

    def _opened(self, route: Route, cell: Cell, now: float) -> CellTables:
        """A cell that is open from now on, with room made for it where there is none."""
        closed = oldest(self._cells.group(route, cell).places, self._max_tasks)
        if closed:
            self._cells.close(route, closed)
            self.forgetting.close(closed, now)
        return self._cells.open(route, cell)

    def _at(self, place: CellTables, request: RouteRequest, now: float) -> WeightTable:
        """The table of a cell; `lookup` has found the usual one before it asks here."""
        if place.route.policy.is_contextual:
            return self._solver.contextual(place, request, now)
        narrowing = self._candidates.narrowing(place.route, place.common_tokens, request, now)
        slot = place.kept(narrowing, request.prompt_tokens)
        if slot is None or self._freshness.is_stale(slot, place, now):
            if len(place.narrowed) >= self._max_narrowed:
                place.narrowed.clear()
            slot = self._solver.solve(place, narrowing, request.prompt_tokens, now)
        return slot.table
