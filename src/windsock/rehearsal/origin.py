"""Where a rehearsal starts: what the service knows, believes and holds at the end of its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from windsock.app.catalog_parts import catalog_of
from windsock.app.feed_parts import contracts_of, own_quotes
from windsock.app.route_parts import router_of
from windsock.app.state_recovery import restored
from windsock.config.settings import Settings
from windsock.core.routing.router import Router
from windsock.errors import ConfigError
from windsock.providers.presets import presets
from windsock.simulation.world.traffic import ROUTE

FRESH_S, FRESH_OUTCOMES = 60.0, 20
"""Weights are solved anew this long after new evidence, or after so many outcomes of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Settings with the one route in question, and what a router of it had learnt.

    Other routes, and what would ask or judge outside the router (cascades, checks), are left out.

    state, book     as `Router.to_state` and `PriceBook.to_state` wrote them
    """

    settings: Settings
    route: str
    state: Mapping[str, Any]
    book: Mapping[str, Any]

    @property
    def candidates(self) -> tuple[str, ...]:
        """Of the route."""
        return self.settings.routes[self.route].candidates

    def router(self, seed: int) -> Router:
        """A router that knows all that, and draws by this seed."""
        catalog = catalog_of(self.settings, presets())
        router = router_of(
            self.settings,
            catalog,
            has_priors=self.settings.learning.priors,
            seed=seed,
            fresh_s=FRESH_S,
            fresh_outcomes=FRESH_OUTCOMES,
        )
        router.from_state(self.state)
        router.book.from_state(self.book)
        router.book.adjust(contracts_of(self.settings, catalog))
        return router

    def under(self, settings: Settings) -> Origin:
        """The same knowledge under another configuration."""
        return Origin(
            settings=narrowed(settings, self.route),
            route=self.route,
            state=self.state,
            book=self.book,
        )


def origin_of(settings: Settings, engine: Engine, route: str, now: float) -> Origin:
    """What a service with these settings would know if it started now; nothing is written."""
    narrow = narrowed(settings, route)
    catalog = catalog_of(narrow, presets())

    def new_router(_: Mapping[str, Any]) -> Router:
        return router_of(narrow, catalog, has_priors=narrow.learning.priors, seed=0)

    router = restored(new_router, engine, is_logged=False)
    for quote in own_quotes(narrow, catalog, now):
        router.absorb(quote, now)
    return Origin(
        settings=narrow, route=route, state=router.to_state(), book=router.book.to_state()
    )


def narrowed(settings: Settings, route: str) -> Settings:
    """One route, which the simulator finds by its own name for it too."""
    if route not in settings.routes:
        known = ", ".join(settings.routes) or "none"
        raise ConfigError(f"there is no route {route!r}; there are {known}")
    stated = settings.routes[route]
    aliases = tuple({*stated.aliases, *({ROUTE} - {route})})
    plain = stated.model_copy(update={"cascade": None, "check": None, "aliases": aliases})
    return settings.model_copy(update={"routes": {route: plain}, "default_route": None})
