"""Which way traffic would turn under other prices, with nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Meter
from windsock.core.routing.router import Router
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
    imagined = {
        name: {_meter(meter): _price(name, meter, price) for meter, price in prices.items()}
        for name, prices in usd_per_mtok.items()
    }
    for name in imagined:
        router.catalog.check(name, param=name)
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
