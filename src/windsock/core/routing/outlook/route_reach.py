"""Whether the floor over all traffic of a route can be reached, at best at each of its tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from scipy import special

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import DEFAULT_TASK, Cell
from windsock.core.routing.outlook.floor_reach import Reach, reach_of
from windsock.core.routing.outlook.further_success import Stretch, further_success
from windsock.core.routing.router import Router

GRID = np.linspace(0.0, 1.0, 201)
"""Of success, over which the best of several beliefs is integrated."""

ALL_TASKS = ""
"""Stands for the task where a floor is one of the whole route."""

Shared = tuple[float, WeightTable]
"""A part of the route's traffic, and its table."""


def route_reach(parts: Sequence[Shared], floor: float | None, beliefs: Beliefs) -> Reach | None:
    """How far a route can go if each task is given to the best; None without floor or candidate.

    The chance that this is enough takes the best of all beliefs of a task, also of those of which
    little is known, and their sum over the tasks as normal.
    """
    parts = [(share, table) for share, table in parts if table.arms and share > 0]
    if floor is None or not parts:
        return None
    total = sum(share for share, _ in parts)
    found = [(share / total, *_best(table, beliefs), table) for share, table in parts]
    mean = sum(share * each for share, each, _, _ in found)
    error = sqrt(sum(share**2 * variance for share, _, variance, _ in found))
    arms = [(share, arm) for share, _, _, table in found for arm in table.arms]
    known = [
        (share, max(table.arms, key=lambda arm: arm.success_mean)) for share, *_, table in found
    ]
    success = sum(share * arm.weight * arm.success_mean for share, arm in arms)
    return Reach(
        cell=Cell(parts[0][1].cell.namespace, parts[0][1].cell.route, ALL_TASKS),
        floor=floor,
        success=success,
        reachable=sum(share * arm.success_mean for share, arm in known),
        best="the best at each task",
        rewards=sum(share * arm.effective_samples for share, arm in known),
        chance=float(special.ndtr((mean - floor) / max(error, 1e-9))),
        further=tuple(_together([(share, table) for share, *_, table in found], success)),
    )


def _best(table: WeightTable, beliefs: Beliefs) -> tuple[float, float]:
    """(mean, variance) of the success of the best candidate of a task, whoever it is."""
    below = np.ones_like(GRID)
    for arm in table.arms:
        below *= special.betainc(*beliefs.posterior(table.cell, arm.deployment), GRID)
    for cascade in table.cascades or ():
        below *= cascade.success_mean <= GRID
    mean = 1.0 - float(np.trapezoid(below, GRID))
    square = 1.0 - float(np.trapezoid(2.0 * GRID * below, GRID))
    return mean, max(0.0, square - mean * mean)


def _together(parts: Sequence[Shared], success: float) -> Iterator[Stretch]:
    """What more costs where it is cheapest next, whatever the task."""
    steps = [
        (share, table.cell.name, each) for share, table in parts for each in further_success(table)
    ]
    for share, task, each in sorted(steps, key=lambda step: step[2].usd_per_point):
        reached = success + share * (each.success_to - each.success_from)
        yield replace(each, success_from=success, success_to=reached,
                      deployment=f"{each.deployment} at {task}")  # fmt: skip
        success = reached


def reaches(
    router: Router, changed: Collection[Cell], now: float
) -> Iterator[tuple[Cell, Reach | None]]:
    """How far these cells and their routes can go; None where no floor is asked for."""
    for cell in changed:
        route = router.routes.get(cell.route)
        floor = route.policy.quality_floor if route is not None else None
        table = router.tables.shown(cell)
        yield cell, reach_of(table, floor, router.beliefs) if table is not None else None
    for namespace, name in dict.fromkeys(cell[:2] for cell in changed):
        yield Cell(namespace, name, ALL_TASKS), _of_route(router, namespace, name, now)


def _of_route(router: Router, namespace: str, name: str, now: float) -> Reach | None:
    route = router.routes.get(name)
    aims = route.policy.aims if route is not None else None
    if route is None or aims is None or aims.route_quality_floor is None:
        return None
    cells = [cell for cell in router.tables.cells() if cell[:2] == (namespace, name)]
    first = cells[0].name if cells else DEFAULT_TASK
    _, views = router.tables.views(route, namespace, first, now, {})
    shown = ((view.share, router.tables.shown(view.cell)) for view in views)
    parts = [(share, table) for share, table in shown if table is not None]
    return route_reach(parts, aims.route_quality_floor, router.beliefs)
