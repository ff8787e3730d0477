"""What looks about once a second whether something began or ended, and tells of it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine

from windsock.app.background.floor_monitor import FloorMonitor
from windsock.app.background.watches.route_watch import RouteWatch
from windsock.app.background.watches.spend_watch import SpendWatch
from windsock.clock import Clock
from windsock.core.model.events import Event
from windsock.core.routing.router import Router
from windsock.feeds.poller import Poller
from windsock.observability.background import Step


def watches_of(
    router: Router, engine: Engine, clock: Clock, publish: Callable[[Event], None]
) -> dict[str, Step]:
    """Of routes, floors, spend, caps and errors, by the names of their tasks."""

    def tell_ends() -> None:
        now = clock.now()
        for event in (*router.caps.renewed(now), *router.health.errors.forget(now)):
            publish(event)

    routes = RouteWatch(router=router, clock=clock, publish=publish)
    floors = FloorMonitor(router=router, engine=engine, clock=clock, publish=publish)
    spend = SpendWatch(engine=engine, clock=clock, publish=publish)
    return {
        "routes": routes.check,
        "ends": tell_ends,
        "floors": floors.check,
        "spend": spend.check,
    }


def is_there(router: Router, poller: Poller, name: str) -> bool:
    """Whether a deployment, route, cap or feed of this name has not been removed."""
    return (
        name in router.catalog.deployments
        or name in router.routes
        or router.caps.cap(name) is not None
        or any(feed.id == name for feed in poller.status())
    )
