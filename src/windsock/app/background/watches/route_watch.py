"""Routes that nobody can answer: every candidate is out, or has no price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from windsock.clock import Clock
from windsock.core.model.events import Event, EventKind
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.observability.standing import Standing

DOWN_S = 10.0
"""A cooldown after a 429 is shorter."""

BACK_S = 15.0
"""The longest ejection of one that is well again: whoever comes back for less is out again."""

MOST_TOLD = 10
"""Candidates of whom it is told why they are out."""


@dataclass(slots=True, kw_only=True)
class RouteWatch:
    """Called about once a second; publishes once that a route is down, and once that it is back."""

    router: Router
    clock: Clock
    publish: Callable[[Event], None]
    _known: dict[str, Standing] = field(default_factory=dict)

    def check(self) -> None:
        """Look at every route of the configuration."""
        now, elapsed, routes = self.clock.now(), self.clock.elapsed(), self.router.routes
        for gone in self._known.keys() - routes.keys():
            del self._known[gone]
        for name, route in routes.items():
            standing = self._known.setdefault(name, Standing(begins_s=DOWN_S, ends_s=BACK_S))
            is_down = not any(self.router.availability.is_open(c, now) for c in route.candidates)
            if standing.turn(is_down, elapsed):
                self._tell(route, is_down, now)

    def _tell(self, route: Route, is_down: bool, now: float) -> None:
        facts: dict[str, object] = {"route": route.name, "candidates": len(route.candidates)}
        if is_down:
            told = route.candidates[:MOST_TOLD]
            facts["why"] = {name: self.router.availability.why_out(name, now) for name in told}
        kind = EventKind.ROUTE_IS_DOWN if is_down else EventKind.ROUTE_IS_BACK
        self.publish(Event(kind=kind, deployment="", at=now, facts=facts))
