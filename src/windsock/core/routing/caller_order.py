"""The caller's own order: `provider.order`, `provider.sort` and `models`, as OpenRouter's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import RouteRequest

if TYPE_CHECKING:
    from windsock.core.routing.router import Router


def in_callers_order(
    router: Router, request: RouteRequest, table: WeightTable, now: float
) -> tuple[WeightTable, tuple[str, ...]]:
    """The table and the fallback queue where the caller named an order."""
    wishes = request.preferences
    ranked = sorted(
        zip(table.deployments, table.arms, strict=True), key=lambda pair: -pair[1].weight
    )
    names = [name for name, _ in ranked]
    if wishes.order or wishes.sort:
        names = _sorted_by_wish(router, request, table, names, now)
        one_hot = tuple(float(name == names[0]) for name in table.deployments)
        table = router.tables.variant(table, one_hot, "in the caller's order")
    for model in request.models:
        route = router.routes.get(model)
        names += route.candidates if route else router.catalog.serving(model)
    if not (wishes.order or wishes.sort or request.models):
        return table, ()
    return table, tuple(dict.fromkeys(names))


def _sorted_by_wish(
    router: Router, request: RouteRequest, table: WeightTable, names: list[str], now: float
) -> list[str]:
    wishes = request.preferences
    if wishes.sort == "price":
        usd = {arm.deployment: arm.expected_usd for arm in table.arms}
        names = sorted(names, key=lambda name: usd[name])
    elif wishes.sort in ("latency", "throughput"):
        p50 = {name: router.health.latency(name, now).p50_s for name in names}
        names = sorted(names, key=lambda name: (p50[name] is None, p50[name] or 0.0))
    rank = {wish: i for i, wish in enumerate(wishes.order)}
    last = len(rank)
    provider = router.catalog.deployments
    return sorted(
        names,
        key=lambda name: min(rank.get(name, last), rank.get(provider[name].provider, last)),
    )
