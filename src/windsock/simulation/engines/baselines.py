"""Policies that only a simulator can have: they look at the truth, or at a clock on a wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.units import Meter, to_float
from windsock.core.policies.baselines import Rules
from windsock.core.policies.objectives import Objective
from windsock.core.policies.protocol import BasePolicy, Weighing
from windsock.core.policies.restraint.reference import Offer, reference_of
from windsock.core.policies.views import CellView
from windsock.simulation.world.traffic import REALTIME
from windsock.simulation.world.world import World

WEEK_S = 7 * 86_400.0
EVALUATED = 200
"""Prompts on which every deployment is tried when the rules are tuned anew."""

P95 = 1.45
"""The 95th percentile of a call's pace, which is even in 0.5..1.5."""

MOMENTS = 200
"""Moments at which hindsight looks at the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAim:
    """What a route is after, by the true rates and prices of its world.

    floor   that is held where a success has no worth of its own
    """

    world: World
    objective: Objective
    floor: float

    def worth_usd(self, *moments: float) -> float | None:
        """What a success is worth, on average over moments; None where the objective has no say.

        A wish for quality is measured by the reference's true success and price.
        """
        if not self.objective.is_priced:
            return None
        return fmean(self._worth_usd(at) for at in moments)

    def shares(
        self, rates: Sequence[float], usd: Sequence[float], *moments: float
    ) -> tuple[float, ...]:
        """The best of a task: of the greatest net benefit if a success has a worth, not below the
        task's floor; else the mixture of the least cost per success that meets the floor."""
        worth = self.worth_usd(*moments)
        if worth is None:
            return best_mixture(rates, usd, self.floor)
        net, least = best_net(rates, usd, worth), self.objective.quality_floor or 0.0
        return net if rates[net.index(1.0)] >= least else best_mixture(rates, usd, least)

    def _worth_usd(self, at: float) -> float:
        if self.objective.quality is None:
            return self.objective.worth_usd(None)
        return self.objective.worth_usd(reference_of(self._offers(at), self.objective.incumbent))

    def _offers(self, at: float) -> list[Offer]:
        world = self.world
        return [
            Offer(name, world.quality(name, task, at), world.usd(name, task, at), kind.share)
            for task, kind in world.scenario.tasks.items()
            for name in world.names
            if world.exists(name, at)
        ]


class Oracle(BasePolicy):
    """Knows every true quality and every true price at once: no policy can do better on average."""

    name = "oracle"

    def __init__(self, aim: TrueAim) -> None:
        self._aim = aim
        self._world = aim.world

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """The true best mixture of this moment."""
        world, task = self._world, view.cell.task
        names = in_time(world, view, now)
        rates = [world.quality(name, task, now) for name in names]
        usd = [world.usd(name, task, now) for name in names]
        by_name = dict(zip(names, self._aim.shares(rates, usd, now), strict=True))
        return Weighing(weights=tuple(by_name.get(name, 0.0) for name in view.deployments))


class Hindsight(BasePolicy):
    """The best fixed choice per task, chosen when all is over, by the same measure as the oracle's.

    Of all deployments that keep to the ceiling of a real-time route.
    """

    name = "hindsight"

    def __init__(self, aim: TrueAim) -> None:
        self._aim = aim
        self._world = aim.world
        self._best: dict[Cell, str] = {}

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the task's best fixed choice, which is made at the first look."""
        if view.cell not in self._best:
            self._best[view.cell] = self._chosen(view, now)
        return _only(view, self._best[view.cell])

    def preview(self, views: Sequence[CellView] | None, view: CellView, now: float) -> Weighing:
        """The same, and no choice is kept."""
        return _only(view, self._best.get(view.cell) or self._chosen(view, now))

    def _chosen(self, view: CellView, now: float) -> str:
        world, task = self._world, view.cell.task
        names = in_time(world, view, now)
        moments = np.linspace(world.starts_at, world.ends_at, MOMENTS, endpoint=False).tolist()
        usd = [sum(world.usd(name, task, at) for at in moments) / MOMENTS for name in names]
        rates = [
            sum(world.is_up(name, at) * world.quality(name, task, at) for at in moments) / MOMENTS
            for name in names
        ]
        shares = self._aim.shares(rates, usd, *moments)
        return names[shares.index(max(shares))]


class CheapestOnTheMap(BasePolicy):
    """Least input + output price of a token, by a price map read at start: LiteLLM's cost routing.

    https://docs.litellm.ai/docs/routing (lowest cost), whose map is loaded when the proxy starts.
    """

    name = "litellm_cost"

    def __init__(self, world: World) -> None:
        prices = {name: world.prices(name, world.starts_at) for name in world.names}
        self._sum = {
            name: to_float(price[Meter.INPUT] + price[Meter.OUTPUT])
            for name, price in prices.items()
        }

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the one of the least price on the map."""
        return _only(view, min(view.deployments, key=lambda name: self._sum[name]))


class RetunedRules(BasePolicy):
    """Rules that somebody tunes anew every week, on an evaluation of every deployment.

    Per task the best by the oracle's measure, at that day's prices and the success measured.
    """

    name = "rules_weekly"
    is_contextual = True

    def __init__(self, aim: TrueAim) -> None:
        self._aim = aim
        self._world = aim.world
        self._week = -1
        self._rules = Rules({}, aim.world.scenario.rivals.otherwise)

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to this week's rule."""
        week = int((now - self._world.starts_at) // WEEK_S)
        if week != self._week:
            self._week = week
            self._rules = Rules(self._tuned(week), self._world.scenario.rivals.otherwise)
        return self._rules.weigh(view, now, request)

    def _tuned(self, week: int) -> dict[str, str]:
        """The table of a week, or what was written once before the first evaluation."""
        world = self._world
        if week == 0:
            return dict(world.scenario.rivals.rules)
        at = world.starts_at + week * WEEK_S
        chance: Any = np.random.default_rng([world.scenario.seed, world.seed, week])
        names = [name for name in world.names if world.exists(name, at)]
        return {task: self._best(task, names, at, chance) for task in world.scenario.tasks}

    def _best(self, task: str, names: Sequence[str], at: float, chance: Any) -> str:
        world, worth = self._world, self._aim.worth_usd(at)
        usd = [world.usd(name, task, at) for name in names]
        rates = [
            chance.binomial(EVALUATED, world.quality(name, task, at)) / EVALUATED for name in names
        ]
        if worth is not None:
            return names[best_net(rates, usd, worth).index(1.0)]
        good = [k for k in range(len(names)) if rates[k] >= self._aim.floor]
        best = min(good, key=lambda k: usd[k]) if good else rates.index(max(rates))
        return names[best]


def best_mixture(rates: Sequence[float], usd: Sequence[float], floor: float) -> tuple[float, ...]:
    """Shares of the cheapest way per success to reach the floor with at most two arms."""
    arms = range(len(rates))
    best = max(arms, key=lambda k: (rates[k], -usd[k]))
    if rates[best] < floor:
        return tuple(float(k == best) for k in arms)
    options: list[tuple[float, tuple[tuple[int, float], ...]]] = [
        (usd[k] / rates[k], ((k, 1.0),)) for k in arms if rates[k] >= floor
    ]
    for low in arms:
        for high in arms:
            if rates[low] < floor < rates[high]:
                share = (floor - rates[low]) / (rates[high] - rates[low])
                cost = share * usd[high] + (1 - share) * usd[low]
                options.append((cost / floor, ((high, share), (low, 1 - share))))
    shares = dict(min(options)[1])
    return tuple(shares.get(k, 0.0) for k in arms)


def best_net(rates: Sequence[float], usd: Sequence[float], worth_usd: float) -> tuple[float, ...]:
    """All to the arm of the greatest worth x success - cost."""
    net = [worth_usd * rate - cost for rate, cost in zip(rates, usd, strict=True)]
    return tuple(float(k == net.index(max(net))) for k in range(len(net)))


def in_time(world: World, view: CellView, now: float) -> tuple[str, ...]:
    """Who truly keeps to the ceiling of a real-time route; all if none does or there is none."""
    live = world.scenario.realtime
    if live is None or view.cell.route != REALTIME:
        return view.deployments
    kept = [
        name
        for name in view.deployments
        if P95 * world.first_token_s(name, now) <= live.max_latency_ms / 1000
    ]
    return tuple(kept) or view.deployments


def _only(view: CellView, wanted: str) -> Weighing:
    """All to one, or to the cheapest while it is out."""
    names = view.deployments
    index = names.index(wanted) if wanted in names else int(np.argmin(view.usd))
    return Weighing(weights=tuple(float(k == index) for k in range(len(names))))
