"""How success of a deployment at a task is known: what is told of it everywhere."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from pydantic import Field

from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.evidence.how_known import HowKnown
from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router
from windsock.service.control.reporting.knowing import Costs
from windsock.service.control.schemas.base import Answer
from windsock.service.control.schemas.knowing import CostView
from windsock.service.control.schemas.known import (
    Basis,
    CheckView,
    PartView,
    SourceView,
    basis_of,
    part_views,
    source_views,
)


class EvidenceView(Answer):
    """What is known of one deployment at one task of a route, and by what."""

    route: str
    task: str
    deployment: str
    basis: Basis = Field(
        description="what most of its evidence is, by the rewards that each kind counts for; "
        "`judged`: labels, and proxies beside them; `proxies alone`: a judge or a check, and no "
        "label; `lessons`: past evaluations; `mere answers`: nobody judged, answers came"
    )
    success_mean: float
    success_interval: tuple[float, float] = Field(description="90 % credible interval")
    effective_samples: float = Field(description="rewards' worth of evidence that is remembered")
    answers: float = Field(description="recent ones")
    judged: float = Field(description="of them, those that somebody judged")
    answer_counts: float = Field(description="rewards that a mere answer counts for")
    keys: int = Field(description="that have judged it")
    sources: list[SourceView]
    knowing: list[CostView] | None = Field(
        description="what knowing it cost, by way to know; null: the store does not tell"
    )
    check: CheckView | None = Field(description="what its declared checks are worth, if known")
    checks: list[PartView] = Field(description="each check by name, where labels tell")
    prior: str | None = Field(description="whose public figures the prior leans on")


def cells_of(router: Router, namespace: str) -> list[Cell]:
    """Cells that were asked for since the start, or that something is known of."""
    opened = {cell for cell in router.tables.cells() if cell.namespace == namespace}
    known = {
        Cell.read(namespace, route, task)
        for route in router.routes
        for task in router.beliefs.tasks(namespace, route)
    }
    return sorted(opened | known)


async def most_known(
    router: Router,
    namespace: str,
    is_asked: Callable[[Cell, str], bool],
    most: int,
    knowing: Costs,
) -> tuple[list[EvidenceView], int]:
    """As many of those that are asked for as have the most evidence, and how many there are.

    Cells by the hundred let requests go between. knowing: what that has cost.
    """
    places: list[tuple[Cell, str]] = []
    for cell in cells_of(router, namespace):
        places += [(cell, name) for name in _candidates(router, cell) if is_asked(cell, name)]
        await asyncio.sleep(0)
    places.sort(key=lambda place: -router.beliefs.evidence(*place))
    names: dict[Cell, list[str]] = {}
    for cell, name in places[:most]:
        names.setdefault(cell, []).append(name)
    views: dict[tuple[Cell, str], EvidenceView] = {}
    for cell, chosen in names.items():
        views |= {(cell, view.deployment): view for view in _views(router, cell, chosen, knowing)}
        await asyncio.sleep(0)
    return [views[place] for place in places[:most]], len(places)


def _candidates(router: Router, cell: Cell) -> Iterable[str]:
    route = router.routes.get(cell.route)
    return route.deployments if route else router.catalog.serving(cell.route)


def _views(router: Router, cell: Cell, names: Sequence[str], knowing: Costs) -> list[EvidenceView]:
    known = [router.operator.how_known(cell, name) for name in names]
    summaries = router.beliefs.summaries(cell, names)
    costs = [knowing.at(cell, name) for name in names]
    found = zip(names, known, summaries, costs, strict=True)
    return [_view(router, cell, *each) for each in found]


def _view(
    router: Router,
    cell: Cell,
    name: str,
    known: HowKnown,
    belief: BeliefSummary,
    costs: list[CostView] | None,
) -> EvidenceView:
    lean = router.beliefs.published.lean(cell.name, name)
    return EvidenceView(
        route=cell.route,
        task=cell.name,
        deployment=name,
        basis=basis_of(known, belief, is_lent=lean is not None),
        success_mean=belief.mean,
        success_interval=(belief.low, belief.high),
        effective_samples=belief.effective_samples,
        answers=known.answers,
        judged=known.rewards,
        answer_counts=known.answer_counts,
        keys=known.keys,
        sources=source_views(known),
        knowing=costs,
        check=CheckView.of(known),
        checks=part_views(known),
        prior=lean.source if lean else None,
    )
