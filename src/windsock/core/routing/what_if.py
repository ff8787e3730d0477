"""Which way traffic would turn under other prices, with nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from math import isclose
from operator import mul
from typing import Any

from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Meter
from windsock.core.policies.objectives import Objective
from windsock.core.policies.protocol import Policy, Weighing
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.core.routing.weights.costs import ImaginedPrices
from windsock.errors import BadRequest

UNMOVED = 0.001
"""A weight that changes by less stays where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What an objective is imagined to ask for; None leaves it as it is.

    quality_floor   least success of every task, 0..1; 0 is none
    route_quality_floor     the same over all traffic of the route
    quality         one of QUALITIES, what a success is worth
    usd_per_day, usd_per_request    a budget's amount
    by_floor        the cheapest above the floors, whatever the route aims at else
    """

    quality_floor: float | None = None
    route_quality_floor: float | None = None
    quality: str | None = None
    usd_per_day: float | None = None
    usd_per_request: float | None = None
    by_floor: bool = False

    def stated(self) -> dict[str, Any]:
        """Those that are imagined, but for `by_floor`."""
        return {
            name: value
            for name, value in asdict(self).items()
            if value is not None and name != "by_floor"
        }


AS_IT_AIMS = Aims()


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfResult:
    """Weights by deployment, and dollars and success expected of one request, now and then.

    success_now, success_then   0..1; None for one turn of a conversation
    note_then   what the objective could not be given
    """

    weights_now: dict[str, float]
    weights_then: dict[str, float]
    usd_now: float
    usd_then: float
    success_now: float | None = None
    success_then: float | None = None
    note_then: str = ""


def what_if(
    router: Router,
    namespace: str,
    route_name: str,
    task: str,
    usd_per_mtok: Mapping[str, Mapping[str, float]],
    now: float,
    aims: Aims = AS_IT_AIMS,
) -> WhatIfResult:
    """The weights of a cell as they are and as they would be under these prices and aims.

    usd_per_mtok    by deployment and meter; meters left out keep their price
    raises          BadRequest on an unknown deployment, meter, price or aim, UnknownRoute
    """
    imagined = _imagined(router, usd_per_mtok)
    route = router.resolve(RouteRequest(model=route_name))
    policy = _under(route, aims)
    table = router.table(namespace, route_name, task, now)
    view, views = router.tables.views(route, namespace, task, now, imagined)
    then = policy.preview(views, view, now) if view.deployments else Weighing(weights=())
    means = [_mean(*router.beliefs.posterior(view.cell, name)) for name in view.deployments]
    moves_nothing = view.deployments == table.deployments and all(
        isclose(w, was, abs_tol=UNMOVED) for w, was in zip(then.weights, table.weights, strict=True)
    )
    by_weight = zip(table.weights, table.deployments, strict=True)
    leads = max(by_weight, default=(0.0, ""))[1] in usd_per_mtok
    return WhatIfResult(
        weights_now=dict(zip(table.deployments, table.weights, strict=True)),
        weights_then=dict(zip(view.deployments, then.weights, strict=True)),
        usd_now=table.usd,
        usd_then=sum(map(mul, then.weights, view.usd)) if then.usd is None else then.usd,
        success_now=sum(arm.weight * arm.success_mean for arm in table.arms),
        success_then=sum(w * mean for w, mean in zip(then.weights, means, strict=True)),
        note_then=then.note or (_why_nothing(policy.aims, aims, leads) if moves_nothing else ""),
    )


def _mean(a: float, b: float) -> float:
    return a / (a + b)


def _under(route: Route, aims: Aims) -> Policy:
    """The route's policy, or as it would weigh under other aims; raises BadRequest."""
    stated, objective = aims.stated(), route.policy.aims
    if not (stated or aims.by_floor):
        return route.policy
    if objective is None:
        named = ", ".join(stated) or "by_floor"
        raise BadRequest(
            f"{named}: route {route.name!r} weighs by {route.policy.name!r}, which aims at nothing;"
            " leave it out",
            param=next(iter(stated), "by_floor"),
        )
    _check(stated, objective, route.name)
    imagined = replace(objective, **stated)
    if aims.by_floor:
        if not imagined.has_floor:
            raise BadRequest(
                f"by_floor: route {route.name!r} has no floor; imagine a quality_floor",
                param="by_floor",
            )
        imagined = replace(imagined, kind="quality_floor", quality=None, usd_per_success=None)
    return route.policy.under(imagined)


def _why_nothing(objective: Objective | None, aims: Aims, leads: bool) -> str:
    """What to ask instead, where what is imagined moves nothing.

    leads   another price of who gets most is imagined
    """
    if objective is None:
        return ""
    if leads and objective.kind == "quality" and not aims.stated():
        return (
            "a wish for quality counts a success in multiples of what one costs at the reference, "
            "and moves with its price; usd_per_success bounds it in dollars"
        )
    if objective.kind != "budget" and (aims.usd_per_day or aims.usd_per_request):
        return (
            f"beside the objective {objective.kind!r} a budget only stops a day's requests; to see "
            "one that chooses: windsock simulate --from-log --set objective=budget"
        )
    is_floor = aims.quality_floor is not None or aims.route_quality_floor is not None
    if not (is_floor and objective.is_priced):
        return ""
    wish = f"quality = {objective.quality!r}" if objective.quality else "the worth of a success"
    return f"{wish} gives as much as this floor anyway; by_floor shows the floor alone"


def _check(stated: Mapping[str, Any], objective: Objective, route: str) -> None:
    if "quality" in stated and objective.kind != "quality":
        raise BadRequest(
            f"quality: route {route!r} has the objective {objective.kind!r}; imagine its "
            "quality_floor instead",
            param="quality",
        )
    if {"usd_per_day", "usd_per_request"} <= {*stated, *_budget(objective)}:
        raise BadRequest(
            f"a budget is per day or per request; route {route!r} would have both",
            param=next(name for name in stated if name.startswith("usd_per")),
        )


def _budget(objective: Objective) -> list[str]:
    """Names of the amounts that an objective has."""
    names = ("usd_per_day", "usd_per_request")
    return [name for name in names if getattr(objective, name) is not None]


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
        router.catalog.check(name, param=f"prices.{name}")
    return {
        name: {_meter(meter): _price(name, meter, price) for meter, price in prices.items()}
        for name, prices in usd_per_mtok.items()
    }


def _meter(name: str) -> Meter:
    try:
        return Meter(name)
    except ValueError:
        known = ", ".join(Meter)
        raise BadRequest(f"{name!r} is not a meter; known are {known}", param="prices") from None


def _price(deployment: str, meter: str, price: float) -> Decimal:
    value = Decimal(str(price))
    if not value.is_finite() or value < 0:
        param = f"prices.{deployment}.{meter}"
        raise BadRequest(f"{deployment} {meter}: {price} is not a price", param=param)
    return value
