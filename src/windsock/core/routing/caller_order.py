"""The caller's own order: `provider.order`, `provider.sort`, `provider.preferred_max_latency`
and `models`, as OpenRouter's.

The fallbacks of a route stand for `models` where the caller names none.
"""

from __future__ import annotations

from collections.abc import Iterator

from windsock.core.model.catalog import Catalog
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import NO_PREFERENCES, Preferences, RouteRequest
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.conversations.state_bindings import StateBindings
from windsock.core.routing.routes import Route, RouteTable
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
        self, request: RouteRequest, route: Route, now: float
    ) -> tuple[Route, WeightTable]:
        """The first of the models asked for that somebody well can serve, and its table.

        route   the first that is known; it is taken where nobody can
        """
        first = route, self._tables.lookup(route, request, now)
        has_others = request.models or route.fallbacks
        if not has_others or self._is_served(first[1], now):
            return first
        others = [
            (each, self._tables.lookup(each, request, now)) for each in self._others(request, route)
        ]
        found = [first, *others]
        asked = (each for each in found if each[1].weights)
        well = (each for each in others if self._is_served(each[1], now))
        return next(well, None) or next(asked, first)

    @staticmethod
    def is_needed(request: RouteRequest, route: Route) -> bool:
        """True if `apply` may change anything for this request."""
        wishes = request.preferences is not NO_PREFERENCES
        return bool(wishes or request.models or route.fallbacks or request.marks)

    def apply(
        self, request: RouteRequest, route: Route, table: WeightTable, now: float
    ) -> tuple[WeightTable, tuple[str, ...]]:
        """The table to draw from, and the deployments to fall back to in that order.

        The queue is empty where the caller named no order; then fallbacks are drawn.
        """
        wishes = request.preferences
        is_sorted = bool(wishes.order or wishes.sort)
        models = request.models or route.fallbacks
        if slow := self._slow(wishes.preferred_max_latency_s, table, now):
            table = self._without(table, slow)
        if not (is_sorted or models):
            return self._bindings.apply(request, table, (), now) if request.marks else (table, ())
        names = _by_weight(table)
        if is_sorted:
            names = self._by_wish(wishes, table, names, now)
            one_hot = tuple(float(name == names[0]) for name in table.deployments)
            table = self._tables.variant(table, one_hot, CALLERS_ORDER)
        for other in self._others(request, route):
            names += [
                name
                for name in other.candidates
                if self._catalog.ruled_out(name, request, now) is None
            ]
        queue = tuple(dict.fromkeys(names))
        if is_sorted or not request.marks:
            return table, queue
        return self._bindings.apply(request, table, queue, now)

    def usd_per_success(
        self, name: str, request: RouteRequest, route: Route, now: float
    ) -> float | None:
        """What a success is expected to cost at a deployment of the other models asked for.

        None if it is of none of them, or has no price. Looking moves nothing.
        """
        for other in self._others(request, route):
            if name in other.candidates:
                table = self._tables.peek(other, request.namespace, request.task, now)
                return next(
                    (arm.usd_per_success for arm in table.arms if arm.deployment == name), None
                )
        return None

    def _others(self, request: RouteRequest, route: Route) -> Iterator[Route]:
        """The other models asked for that are known, or the fallbacks of the route, in order."""
        named = (request.model, *(request.models or route.fallbacks))
        return (each for each in self._routes.named(named) if each is not route)

    def _is_served(self, table: WeightTable, now: float) -> bool:
        """True if one that is well may be drawn."""
        known = self._catalog.deployments
        return any(
            self._health.why_out(name, known[name].provider, now) is None
            for name in table.deployments
        )

    def _slow(self, most_s: float | None, table: WeightTable, now: float) -> frozenset[str]:
        """Those measured to take longer until their first content; empty if that is all of them."""
        if most_s is None:
            return frozenset()
        p50 = {name: self._health.latency(name, now).p50_s for name in table.deployments}
        slow = frozenset(name for name, p50_s in p50.items() if (p50_s or 0.0) > most_s)
        left = (arm.weight for arm in table.arms if arm.deployment not in slow)
        return slow if any(left) else frozenset()

    def _without(self, table: WeightTable, slow: frozenset[str]) -> WeightTable:
        """The same weights, of those that are not slow."""
        pairs = zip(table.deployments, table.weights, strict=True)
        kept = [0.0 if name in slow else weight for name, weight in pairs]
        whole = sum(kept)
        return self._tables.variant(table, tuple(each / whole for each in kept), CALLERS_ORDER)

    def _by_wish(
        self, wishes: Preferences, table: WeightTable, names: list[str], now: float
    ) -> list[str]:
        if wishes.sort == "price":
            usd = {arm.deployment: arm.expected_usd for arm in table.arms}
            names = sorted(names, key=lambda name: usd[name])
        elif wishes.sort in ("latency", "throughput"):
            p50 = {name: self._health.latency(name, now).p50_s for name in names}
            names = sorted(names, key=lambda name: (p50[name] is None, p50[name] or 0.0))
        rank = {wish: i for i, wish in enumerate(wishes.order)}
        last, known = len(rank), self._catalog.deployments
        return sorted(
            names,
            key=lambda name: min(rank.get(name, last), rank.get(known[name].provider, last)),
        )


def _by_weight(table: WeightTable) -> list[str]:
    return [arm.deployment for arm in sorted(table.arms, key=lambda arm: -arm.weight)]
