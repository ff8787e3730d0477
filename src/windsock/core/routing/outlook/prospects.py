"""What a route would get at each wish: cost against success, with where it stands today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt

import numpy as np

from windsock.core.model.decisions import ArmFacts, WeightTable
from windsock.core.model.requests import DEFAULT_TASK, RouteRequest
from windsock.core.policies.objectives import QUALITIES, Floor, on_floor
from windsock.core.policies.protocol import Frontier
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.rungs import Rung
from windsock.core.policies.views import CellView
from windsock.core.routing.router import Router

MOST_TASKS = 12
"""Tasks of a route that are looked at, those with most of its traffic."""

VALUES = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 1e4, 1e5)
"""What a success may be worth, in what one of the reference costs; 0 is the cheapest."""

MOST_FLOORS = 6
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Between two floors: the smallest that gives no more than MOST_FLOORS."""

SURE = 1.6449
"""Standard deviations of a 90 % interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What one wish would give.

    kind            today, quality, value, floor or deployment (asked for everything)
    name            economy to max, V in dollars, the floor, or the deployment
    value_usd       V, dollars per success; None where there is none
    usd, success    expected of one request
    error           standard deviation of `success` by what is not known
    is_held         False for a floor that is not certain
    share           of the traffic that it can serve
    weights         by deployment or cascade
    """

    kind: str
    name: str
    usd: float
    success: float
    error: float
    value_usd: float | None = None
    is_held: bool = True
    share: float = 1.0
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellProspects:
    """Those of one task.

    share       of the traffic of all that are looked at
    rewards     discounted, behind the beliefs in its candidates
    """

    task: str
    share: float
    rewards: float
    prospects: tuple[Prospect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The tasks of a route that are looked at, with most of its traffic.

    reference       the single deployment by which `quality` measures; None without a ladder
    incumbent       what the owner named as used today, if anything
    tasks           of the route, also those that are not looked at
    """

    cells: tuple[tuple[CellView, WeightTable, Frontier | None], ...]
    reference: Reference | None
    incumbent: str | None
    tasks: int


def seen_of(router: Router, namespace: str, route_name: str, task: str | None, now: float) -> Seen:
    """What there is to look at. Looking changes nothing.

    task    the one, None for all that requests were seen of; raises  UnknownRoute
    """
    route = router.resolve(RouteRequest(model=route_name))
    known = [c for c in router.tables.cells() if c[:2] == (namespace, route.name)]
    name = task or (known[0].name if known else DEFAULT_TASK)
    asked, views = router.tables.views(route, namespace, name, now, {})
    if task is not None:
        views = [view for view in views if view.cell == asked.cell]
    busy = sorted(views, key=lambda view: (-view.share, view.cell))[:MOST_TASKS]
    frontiers = [route.policy.frontier(views, view, now) for view in busy]
    tables = [router.table(namespace, route_name, view.cell.name, now) for view in busy]
    references = [found.reference for found in frontiers if found and found.reference]
    return Seen(
        cells=tuple(zip(busy, tables, frontiers, strict=True)),
        reference=references[0] if references else None,
        incumbent=route.policy.incumbent,
        tasks=len(views),
    )


def measure_of(router: Router, namespace: str, route_name: str, now: float) -> str | None:
    """The deployment that a route is measured by: its incumbent, else its reference; None if none.

    raises  UnknownRoute
    """
    route = router.resolve(RouteRequest(model=route_name))
    if route.policy.incumbent is not None:
        return route.policy.incumbent
    known = [c for c in router.tables.cells() if c[:2] == (namespace, route.name)]
    name = known[0].name if known else DEFAULT_TASK
    view, views = router.tables.views(route, namespace, name, now, {})
    found = route.policy.frontier(views, view, now) if view.deployments else None
    return found.reference.deployment if found and found.reference else None


def prospects_of(seen: Seen) -> Iterator[CellProspects]:
    """One task after the other; each takes some milliseconds, and others may turn between two."""
    total = sum(view.share for view, _, _ in seen.cells) or 1.0
    grid = _Grid.of(seen)
    for view, table, frontier in seen.cells:
        found = [_today(table), *map(_alone, table.arms)]
        if frontier is not None:
            found += grid.prospects(frontier)
        yield CellProspects(
            task=view.cell.name,
            share=view.share / total,
            rewards=sum(arm.effective_samples for arm in table.arms),
            prospects=tuple(found),
        )


def over_route(cells: Sequence[CellProspects]) -> list[Prospect]:
    """The same over all traffic: each wish at every task; who serves some tasks only, by those."""
    parts: dict[tuple[str, str], list[tuple[float, Prospect]]] = {}
    for cell in cells:
        for each in cell.prospects:
            parts.setdefault((each.kind, each.name), []).append((cell.share, each))
    return [_together(each) for each in parts.values()]


def _together(parts: Sequence[tuple[float, Prospect]]) -> Prospect:
    share = sum(part for part, _ in parts) or 1.0
    weights: dict[str, float] = {}
    for part, each in parts:
        for name, weight in each.weights.items():
            weights[name] = weights.get(name, 0.0) + part * weight / share
    values = {each.value_usd for _, each in parts}
    return replace(
        parts[0][1],
        usd=sum(part * each.usd for part, each in parts) / share,
        success=sum(part * each.success for part, each in parts) / share,
        error=sqrt(sum((part * each.error) ** 2 for part, each in parts)) / share,
        value_usd=values.pop() if len(values) == 1 else None,
        is_held=all(each.is_held for _, each in parts),
        share=min(1.0, share),
        weights=weights,
    )


def _today(table: WeightTable) -> Prospect:
    arms = table.arms
    return Prospect(
        kind="today",
        name="today",
        usd=table.usd,
        success=sum(arm.weight * arm.success_mean for arm in arms),
        error=sqrt(sum((arm.weight * _error(arm)) ** 2 for arm in arms)),
        value_usd=table.value_usd,
        weights=dict(zip(table.deployments, table.weights, strict=True)),
    )


def _alone(arm: ArmFacts) -> Prospect:
    return Prospect(
        kind="deployment",
        name=arm.deployment,
        usd=arm.expected_usd,
        success=arm.success_mean,
        error=_error(arm),
        weights={arm.deployment: 1.0},
    )


def _error(arm: ArmFacts) -> float:
    return (arm.success_high - arm.success_low) / 2 / SURE


@dataclass(frozen=True, slots=True)
class _Grid:
    """The wishes that are tried: the same at every task of a route."""

    values: tuple[float, ...]
    floors: tuple[float, ...]

    @classmethod
    def of(cls, seen: Seen) -> _Grid:
        parts = [(view.share, found.ladder.arms) for view, _, found in seen.cells if found]
        if not parts or seen.reference is None:
            return cls((), ())
        total = sum(share for share, _ in parts) or 1.0
        low = sum(share * float(arms.mean[arms.usd.argmin()]) for share, arms in parts) / total
        high = sum(share * float(arms.mean.max()) for share, arms in parts) / total
        measure = seen.reference.likely_usd_per_success
        values = (each * measure for each in VALUES)
        return cls(tuple(float(f"{value:.3g}") for value in values), _floors(low, high))

    def prospects(self, frontier: Frontier) -> Iterator[Prospect]:
        reference, ladder = frontier.reference, frontier.ladder
        for value in self.values:
            yield _at(frontier, ladder.at(value), "value", f"{value:g}")
        if reference is None:
            return
        for name, factor in QUALITIES.items():
            value = factor * reference.likely_usd_per_success
            yield _at(frontier, ladder.at(value), "quality", name)
        cap = reference.most_usd_per_success
        for success in self.floors:
            floor = Floor(success=success, caution=1.0, most_usd=cap)
            chosen = on_floor(ladder, floor)
            is_held = not chosen.note
            yield replace(_at(frontier, chosen.rung, "floor", f"{success:g}"), is_held=is_held)


def _floors(low: float, high: float) -> tuple[float, ...]:
    """Round floors above what the cheapest gives, and one that nobody reaches."""
    step = next((step for step in STEPS if (high - low) / step < MOST_FLOORS), STEPS[-1])
    first, last = ceil(low / step + 1e-9), ceil(high / step)
    return tuple(min(1.0, round(i * step, 2)) for i in range(first, last + 1))


def _at(frontier: Frontier, rung: Rung, kind: str, name: str) -> Prospect:
    weights = zip(frontier.names, rung.weights.tolist(), strict=True)
    return Prospect(
        kind=kind,
        name=name,
        usd=rung.usd,
        success=rung.success,
        error=rung.error,
        value_usd=rung.value_usd if np.isfinite(rung.value_usd) else None,
        weights={arm: weight for arm, weight in weights if weight > 0},
    )
