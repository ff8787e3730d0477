"""Which way traffic would turn under other prices, with nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Meter
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.core.routing.weights.costs import ImaginedPrices
from windsock.errors import BadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfResult:
    """Weights by deployment and expected dollars of one request, now and then."""

    weights_now: dict[str, float]
    weights_then: dict[str, float]
    usd_now: float
    usd_then: float


def what_if(
    router: Router,
    namespace: str,
    route_name: str,
    task: str,
    usd_per_mtok: Mapping[str, Mapping[str, float]],
    now: float,
) -> WhatIfResult:
    """The weights of a cell as they are and as they would be under these prices.

    usd_per_mtok    by deployment and meter; meters left out keep their price
    raises          BadRequest on an unknown deployment, meter or price, UnknownRoute
    """
    imagined = _imagined(router, usd_per_mtok)
    route = router.resolve(RouteRequest(model=route_name))
    table = router.table(namespace, route_name, task, now)
    view, views = router.tables.views(route, namespace, task, now, imagined)
    then = route.policy.preview(views, view, now).weights if view.deployments else ()
    return WhatIfResult(
        weights_now=dict(zip(table.deployments, table.weights, strict=True)),
        weights_then=dict(zip(view.deployments, then, strict=True)),
        usd_now=sum(arm.weight * arm.expected_usd for arm in table.arms),
        usd_then=sum(w * usd for w, usd in zip(then, view.usd, strict=True)),
    )


def what_if_it_goes_on(
    router: Router,
    request: RouteRequest,
    usd_per_mtok: Mapping[str, Mapping[str, float]],
    now: float,
) -> WhatIfResult:
    """The same for the next turn of a conversation, by the rule that it will be drawn by.

    request     of the route and its task; `session_id` as a decision tells it
    raises      BadRequest also where the conversation is not known
    """
    imagined, route = _imagined(router, usd_per_mtok), router.resolve(request)
    key = (request.namespace, route.name, request.session_id or "")
    known = router.conversations.memory.find(key, now)
    if known is None:
        raise BadRequest(
            f"no conversation {request.session_id!r} is known on route {route.name!r}; name one "
            "as its decisions do",
            param="conversation",
        )
    asked = replace(request, prompt_tokens=known.estimated_tokens)
    weights_now, usd_now = _next_turn(router, route, asked, {}, now)
    weights_then, usd_then = _next_turn(router, route, asked, imagined, now)
    return WhatIfResult(
        weights_now=weights_now, weights_then=weights_then, usd_now=usd_now, usd_then=usd_then
    )


def _next_turn(
    router: Router, route: Route, request: RouteRequest, imagined: ImaginedPrices, now: float
) -> tuple[dict[str, float], float]:
    """Weights of a conversation's next turn by deployment, and its expected dollars."""
    table = router.tables.imagine(route, request, now, imagined)
    turn = router.conversation_tables.imagine(table, request, imagined, now)
    weights = dict(zip(table.deployments, turn.weights if turn else table.weights, strict=True))
    seats = turn.facts.seats if turn else ()
    return weights, sum(weights[seat.deployment] * seat.turn_usd for seat in seats)


def _imagined(
    router: Router, usd_per_mtok: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[Meter, Decimal]]:
    for name in usd_per_mtok:
        router.catalog.check(name, param=name)
    return {
        name: {_meter(meter): _price(name, meter, price) for meter, price in prices.items()}
        for name, prices in usd_per_mtok.items()
    }


def _meter(name: str) -> Meter:
    try:
        return Meter(name)
    except ValueError:
        known = ", ".join(Meter)
        raise BadRequest(f"{name!r} is not a meter; known are {known}", param=name) from None


def _price(deployment: str, meter: str, price: float) -> Decimal:
    value = Decimal(str(price))
    if not value.is_finite() or value < 0:
        raise BadRequest(f"{deployment} {meter}: {price} is not a price", param=deployment)
    return value
