"""What knowing success has cost, deployment by deployment and task by task, and what it bought."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from decimal import Decimal
from math import log2

from windsock.core.evidence.how_known import HowKnown
from windsock.core.model.requests import About, Cell
from windsock.core.routing.outlook.open_choice import beside_best
from windsock.core.routing.router import Router
from windsock.errors import WindsockError
from windsock.service.control.reporting.spending import Place, Spending, Spent
from windsock.service.control.schemas.knowing import CostView, KnowingView, PlacedCostView

EXPLORING = "exploring"

MOST_MADE = 64
"""Tables that are made for one answer, of cells where none stands: a few milliseconds each. Of the
others it is not said what exploring cost."""

MOST_PLACES = 200
"""Deployments at tasks that are told one by one, those with most requests: callers may name tasks
as they like. The others are told as one."""


class Costs:
    """What knowing has cost, place by place, and what that bought, as of one moment.

    spending    None: the store does not tell
    """

    def __init__(self, router: Router, spending: Spending | None, now: float) -> None:
        self._router, self._spending, self._now = router, spending, now
        self._beside: dict[Cell, Mapping[str, tuple[float, float]]] = {}
        self._made = 0

    def at(self, cell: Cell, deployment: str) -> list[CostView] | None:
        """Of a deployment at a task, by way to know; None: not known."""
        spending, router = self._spending, self._router
        if spending is None:
            return None
        spent = dict(spending.about(cell.route, About(deployment, cell.name)))
        asked = spending.served.get((cell.route, cell.name, deployment), 0)
        is_routed = asked > 0 and cell.route in router.routes
        if not spent and not is_routed:
            return []
        known = router.operator.how_known(cell, deployment)
        a, b = router.beliefs.posterior(cell, deployment)
        costs = [_cost(by, each, known, a + b + 1) for by, each in spent.items()]
        if is_routed:
            lost, explored = self._explored(cell, deployment, asked)
            cost = _cost(EXPLORING, explored, known, a + b + 1)
            costs.append(cost.model_copy(update={"lost_successes": lost}))
        return costs

    def _explored(self, cell: Cell, deployment: str, requests: int) -> tuple[float | None, Spent]:
        """Successes and dollars that its requests lost beside the best buy, as believed now."""
        if cell not in self._beside:
            self._beside[cell] = self._looked_up(cell)
        beside = self._beside[cell].get(deployment)
        if beside is None:
            return None, Spent(requests, unknown_cost=requests)
        usd, success = beside
        return requests * success, Spent(requests, Decimal(requests * usd))

    def _looked_up(self, cell: Cell) -> Mapping[str, tuple[float, float]]:
        table = self._router.tables.shown(cell)
        if table is None and self._made < MOST_MADE:
            self._made += 1
            with suppress(WindsockError):
                table = self._router.table(cell.namespace, cell.route, cell.name, self._now)
        return beside_best(table) if table else {}


async def knowing_of(
    costs: Costs, spending: Spending, namespace: str, routes: Collection[str]
) -> list[KnowingView]:
    """By route and way to know. Cells by the hundred let requests go between."""
    cells: dict[tuple[str, str], list[PlacedCostView]] = {}
    told, others = _told(spending, namespace, routes)
    for route, about in told:
        cell = Cell.read(namespace, route, about.task)
        for each in costs.at(cell, about.deployment) or ():
            cells.setdefault((route, each.by), []).append(_placed(each, about))
        await asyncio.sleep(0)
    for (route, by), spent in others.items():
        cells.setdefault((route, by), []).append(_placed(_cost(by, spent, None, 0.0), None))
    return [_of_route(*key, found, spending) for key, found in sorted(cells.items())]


def _told(
    spending: Spending, namespace: str, routes: Collection[str]
) -> tuple[list[Place], dict[tuple[str, str], Spent]]:
    """Places that are told one by one, and by route and way to know what was spent elsewhere."""
    busy = sorted(spending.places().items(), key=lambda place: (-place[1], place[0]))
    known = [
        (route, about)
        for (route, about), _ in busy
        if route in routes and not Cell.read(namespace, route, about.task).is_own
    ]
    others: dict[tuple[str, str], Spent] = {}
    for route, about in [*known[MOST_PLACES:], *((route, None) for route in routes)]:
        for by, spent in spending.about(route, about):
            others[route, by] = others.get((route, by), Spent()).plus(spent)
        asked = spending.served.get((route, about.task, about.deployment), 0) if about else 0
        if asked:
            explored = Spent(asked, unknown_cost=asked)
            others[route, EXPLORING] = others.get((route, EXPLORING), Spent()).plus(explored)
    return known[:MOST_PLACES], others


def _cost(by: str, spent: Spent, known: HowKnown | None, total: float) -> CostView:
    """known: None where it is not known about whom it was; total: 0/1 rewards of the belief."""
    says, strength = _bought(by, known) if known else (None, 0.0)
    usd = spent.known_usd
    halvings = 0.5 * log2(total / (total - strength)) if 0 < strength < total else 0.0
    return CostView(
        by=by,
        requests=spent.requests,
        cost_usd=usd,
        unknown_cost=spent.unknown_cost,
        says=says,
        usd_per_reward=_per(usd, says),
        usd_per_halving=_per(usd, halvings),
    )


def _bought(by: str, known: HowKnown) -> tuple[float | None, float]:
    """Rewards that what it brought counts for, and the same in rewards of 0 and 1."""
    if by != EXPLORING:
        word = known.words.get(by)
        return (word.say, word.strength) if word else (None, 0.0)
    labels = sum(
        heard.count * counts
        for name, (heard, counts) in known.sources.items()
        if name in known.labels
    )
    return labels, labels


def _of_route(route: str, by: str, cells: list[PlacedCostView], spending: Spending) -> KnowingView:
    """What its cells add up to; what the ledger has of it exactly."""
    usd = spending.usd_of(route, by)
    if usd is None:
        usd = _sum([each.cost_usd for each in cells])
    says = _sum([each.says for each in cells])
    return KnowingView(
        route=route,
        by=by,
        requests=sum(each.requests for each in cells),
        cost_usd=usd,
        unknown_cost=sum(each.unknown_cost for each in cells),
        says=says,
        usd_per_reward=_per(usd, says),
        lost_successes=_sum([each.lost_successes for each in cells]),
        cells=sorted(cells, key=lambda each: -(each.cost_usd or 0.0)),
    )


def _placed(cost: CostView, about: About | None) -> PlacedCostView:
    deployment, task = about or (None, None)
    return PlacedCostView(**cost.model_dump(), task=task, deployment=deployment)


def _sum(parts: list[float | None]) -> float | None:
    known = [each for each in parts if each is not None]
    return sum(known) if known else None


def _per(usd: float | None, bought: float | None) -> float | None:
    return usd / bought if usd is not None and bought else None
