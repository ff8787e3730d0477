"""Conversations that carry what only one provider understands stay where that was made.

Signatures of thinking, encrypted reasoning, an answer begun by the caller: elsewhere they are taken
out or translated, which a conversation is spared while the place where it began is well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.weights.tables import WeightTables

MAX_BOUND_TABLES = 1024

HomeOf = Callable[[RouteRequest, str, float], str | None]
"""(request, route, now) -> who answered its session last; None if that is not known."""

BOUND = "the conversation carries state of "
"""Begins the note of tables whose weights are kept to where a conversation's state was made."""


class StateBindings:
    """Keeps requests that carry marks to the deployments that understand them."""

    def __init__(self, catalog: Catalog, tables: WeightTables, home_of: HomeOf) -> None:
        self._catalog = catalog
        self._tables = tables
        self._home_of = home_of
        self._bound: dict[tuple[int, tuple[str, ...]], WeightTable] = {}

    def apply(
        self, request: RouteRequest, table: WeightTable, queue: tuple[str, ...], now: float
    ) -> tuple[WeightTable, tuple[str, ...]]:
        """The table to draw from, and whom to ask after that: all others, as they come; nobody
        where the request goes on from an answer that one of them keeps.

        queue   the caller's own order of fallbacks, empty where it has none
        """
        places = self._places(request, table, now)
        is_kept_there = not request.needs.isdisjoint(request.marks)
        if request.continues is not None and is_kept_there and len(places) == 1:
            return self._table_of(table, places), places
        if not places or len(places) == len(table.deployments):
            return table, queue
        others = queue or sorted(table.deployments, key=lambda name: -_weight(table, name))
        return self._table_of(table, places), tuple(dict.fromkeys((*places, *others)))

    def _places(self, request: RouteRequest, table: WeightTable, now: float) -> tuple[str, ...]:
        """Where the session was answered last, else all that understand its marks; may be none."""
        home = self._home_of(request, table.cell.route, now)
        if home in table.deployments:
            return (home,)
        known = self._catalog.deployments
        return tuple(name for name in table.deployments if request.marks <= known[name].keeps_marks)

    def _table_of(self, table: WeightTable, places: tuple[str, ...]) -> WeightTable:
        """Made once; such tables are few."""
        key = (table.version, places)
        found = self._bound.get(key)
        if found is None:
            if len(self._bound) >= MAX_BOUND_TABLES:
                self._bound.clear()
            note = BOUND + ", ".join(places)
            weights = _kept_to(table, places)
            found = self._bound[key] = self._tables.variant(table, weights, note)
        return found


def _weight(table: WeightTable, name: str) -> float:
    return table.weights[table.deployments.index(name)]


def _kept_to(table: WeightTable, places: Sequence[str]) -> tuple[float, ...]:
    """The weights of these, in proportion; alike where the table gives them none."""
    total = sum(_weight(table, name) for name in places)
    return tuple(
        0.0 if name not in places else weight / total if total else 1.0 / len(places)
        for name, weight in zip(table.deployments, table.weights, strict=True)
    )
