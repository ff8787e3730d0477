"""The caller's own order: `models`, and `order`, `sort`, `preferred_max_latency` and
`preferred_min_throughput` of `provider`, as OpenRouter's.

The fallbacks of a route stand for `models` where the caller names none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import NO_PREFERENCES, Preferences, RouteRequest
from windsock.core.resilience.health import HealthBoard
from windsock.core.resilience.measures import Pace
from windsock.core.routing.conversations.state_bindings import StateBindings
from windsock.core.routing.routes import NamedRoute, Route, RouteTable
from windsock.core.routing.weights.tables import WeightTables

CALLERS_ORDER = "in the caller's order"
"""Note of tables whose weights are the caller's choice, not the policy's."""


class CallerOrder:
    """Puts deployments in the order that a request asks for, where it asks for one."""

    def __init__(
        self,
        catalog: Catalog,
        health: HealthBoard,
        tables: WeightTables,
        routes: RouteTable,
        bindings: StateBindings,
    ) -> None:
        self._catalog = catalog
        self._health = health
        self._tables = tables
        self._routes = routes
        self._bindings = bindings

    def first_open(
        self, request: RouteRequest, route: Route, named: Sequence[NamedRoute], now: float
    ) -> tuple[RouteRequest, Route, WeightTable]:
        """The first of the models asked for that somebody well and quick can serve, with its table
        and the request as it is asked; else the first that somebody well can.

        route   the first that is known; it is taken where nobody can
        named   the others, as the caller names them
        """
        first = request, route, self._tables.lookup(route, request, now)
        if self._is_served(*first, now, is_quick=True):
            return first
        others = [
            (each.request, each.route, self._tables.lookup(each.route, each.request, now))
            for each in self._others(request, route, named)
        ]
        found = [first, *others]
        quick = (each for each in others if self._is_served(*each, now, is_quick=True))
        well = (each for each in found if self._is_served(*each, now, is_quick=False))
        asked = (each for each in found if each[2].weights)
        return next(quick, None) or next(well, None) or next(asked, first)

    @staticmethod
    def is_needed(request: RouteRequest, route: Route) -> bool:
        """True if `apply` may change anything for this request."""
        wishes = request.preferences is not NO_PREFERENCES
        return bool(wishes or request.models or route.fallbacks or request.marks)

    def apply(
        self,
        request: RouteRequest,
        route: Route,
        named: Sequence[NamedRoute],
        table: WeightTable,
        now: float,
    ) -> tuple[WeightTable, tuple[str, ...]]:
        """The table to draw from, and the deployments to fall back to in that order.

        The queue is empty where the caller named no order; then fallbacks are drawn.
        """
        wishes = request.preferences
        is_sorted = bool(wishes.order or wishes.sort)
        others = list(self._others(request, route, named))
        if slow := self._slow(wishes, route, table, now):
            table = self._without(table, slow)
        if not (is_sorted or others):
            return self._bindings.apply(request, table, (), now) if request.marks else (table, ())
        names = _by_weight(table)
        if is_sorted:
            names = self._by_wish(wishes, route, table, names, now)
            one_hot = tuple(float(name == names[0]) for name in table.deployments)
            table = self._tables.variant(table, one_hot, CALLERS_ORDER)
        queue = tuple(dict.fromkeys((*names, *(n for each in others for n in self._of(each, now)))))
        if is_sorted or not request.marks:
            return table, queue
        return self._bindings.apply(request, table, queue, now)

    def _of(self, other: NamedRoute, now: float) -> list[str]:
        """Who serves another of the models asked for, as its caller orders them."""
        request, route = other
        ruled_out = self._tables.ruled_out(route, request, now)
        names = [name for name in route.candidates if name not in ruled_out]
        wishes = request.preferences
        if not (wishes.order or wishes.sort):
            return names
        table = self._tables.lookup(route, request, now)
        return self._by_wish(wishes, route, table, names, now)

    def usd_per_success(
        self, name: str, request: RouteRequest, route: Route, now: float
    ) -> float | None:
        """What a success is expected to cost at a deployment of the other models asked for.

        None if it is of none of them, or has no price. Looking moves nothing.
        """
        for other in self._all(request, route):
            if name in other.candidates:
                table = self._tables.peek(other, request.namespace, request.task, now)
                return next(
                    (arm.usd_per_success for arm in table.arms if arm.deployment == name), None
                )
        return None

    def _all(self, request: RouteRequest, route: Route) -> Iterable[Route]:
        """The routes of `models`, or the fallbacks of the route."""
        if request.models:
            return [each.route for each in self._routes.understood(request)]
        return self._routes.fallbacks_of(route)

    def _others(
        self, request: RouteRequest, route: Route, named: Sequence[NamedRoute]
    ) -> Iterable[NamedRoute]:
        """The other models asked for, or the fallbacks of the route, in order."""
        if request.models:
            return named
        return (NamedRoute(request, each) for each in self._routes.fallbacks_of(route))

    def _is_served(
        self,
        request: RouteRequest,
        route: Route,
        table: WeightTable,
        now: float,
        *,
        is_quick: bool,
    ) -> bool:
        """True if one that is well, and as quick as is preferred, may be drawn."""
        known = self._catalog.deployments
        wishes = request.preferences
        return any(
            self._health.why_out(name, known[name].provider, now) is None
            and not (is_quick and self._is_slow(wishes, name, route, now))
            for name in table.deployments
        )

    def _slow(
        self, wishes: Preferences, route: Route, table: WeightTable, now: float
    ) -> frozenset[str]:
        """Those measured to be slower than is preferred; empty if that is all of them."""
        if not (wishes.latency_cutoffs or wishes.speed_cutoffs):
            return frozenset()
        slow = frozenset(
            name for name in table.deployments if self._is_slow(wishes, name, route, now)
        )
        left = (arm.weight for arm in table.arms if arm.deployment not in slow)
        return slow if any(left) else frozenset()

    def _is_slow(self, wishes: Preferences, name: str, route: Route, now: float) -> bool:
        """What is not measured is not slow."""
        for share, most_s in wishes.latency_cutoffs:
            if (self._pace(name, route, now, share).first_content_s or 0.0) > most_s:
                return True
        for share, least in wishes.speed_cutoffs:
            measured = self._pace(name, route, now, share).tokens_per_s
            if measured is not None and measured < least:
                return True
        return False

    def _without(self, table: WeightTable, slow: frozenset[str]) -> WeightTable:
        """The same weights, of those that are not slow."""
        pairs = zip(table.deployments, table.weights, strict=True)
        kept = [0.0 if name in slow else weight for name, weight in pairs]
        whole = sum(kept)
        return self._tables.variant(table, tuple(each / whole for each in kept), CALLERS_ORDER)

    def _pace(self, name: str, route: Route, now: float, share: float = 0.5) -> Pace:
        """What this share of its calls for a route kept to."""
        return self._health.pace(name, share, now, route.name)

    def _by_wish(
        self, wishes: Preferences, route: Route, table: WeightTable, names: list[str], now: float
    ) -> list[str]:
        if wishes.sort == "price":
            usd = {arm.deployment: arm.expected_usd for arm in table.arms}
            names = sorted(names, key=lambda name: usd.get(name, inf))
        elif wishes.sort == "latency":
            names = sorted(
                names, key=lambda name: _lower(self._pace(name, route, now).first_content_s)
            )
        elif wishes.sort == "throughput":
            names = sorted(
                names, key=lambda name: _higher(self._pace(name, route, now).tokens_per_s)
            )
        rank = {wish: i for i, wish in enumerate(wishes.order)}
        last, known = len(rank), self._catalog.deployments
        return sorted(
            names,
            key=lambda name: min(rank.get(name, last), rank.get(known[name].provider, last)),
        )


def _lower(measured: float | None) -> float:
    """Sorts the least first, and what is not measured last."""
    return inf if measured is None else measured


def _higher(measured: float | None) -> float:
    """Sorts the most first, and what is not measured last."""
    return inf if measured is None else -measured


def _by_weight(table: WeightTable) -> list[str]:
    return [arm.deployment for arm in sorted(table.arms, key=lambda arm: -arm.weight)]
