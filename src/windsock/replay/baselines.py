"""Policies that only a simulator can have, and the list of rivals a scenario is run against."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from windsock.core.objective import Objective
from windsock.core.policy import CellView, Policy, PriceAware, Weighing
from windsock.core.posterior import Beliefs
from windsock.core.records import Decision, Outcome, Reward, RouteRequest
from windsock.core.rivals import (
    Cheapest,
    EpsilonGreedy,
    Fixed,
    InverseSquarePrice,
    PlainThompson,
    RoundRobin,
    Rules,
    SuccessPerCost,
)
from windsock.errors import ConfigError
from windsock.replay.world import World

Make = Callable[[World, Beliefs], Policy]


class Oracle:
    """Knows every true quality and sees every price at once: no policy can do better on average.

    Of all single deployments and mixtures of two it takes the one with the least cost per success
    that meets the floor, or the best one if none does.
    """

    name = "oracle"
    is_contextual = False

    def __init__(self, world: World, quality_floor: float) -> None:
        self._world = world
        self._floor = quality_floor

    def task_of(self, request: RouteRequest) -> str:
        return request.task

    def refresh(self, cells: Sequence[CellView], now: float) -> None:
        """Nothing to prepare."""

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        names = view.deployments
        rates = [self._world.quality(name, view.cell.task, now) for name in names]
        return Weighing(weights=best_mixture(rates, view.usd, self._floor))

    def learn(self, decision: Decision, deployment: str, reward: Reward, now: float) -> None:
        """Nothing to learn."""

    def settle(self, outcome: Outcome, now: float) -> None:
        """Nothing to settle."""

    def to_state(self) -> dict[str, Any]:
        return {}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """There is no state."""


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


def policies(world: World) -> dict[str, Make]:
    """Everything that can be run, by name; `windsock` first, the oracle last."""
    scenario = world.scenario
    aim = scenario.route
    rivals = scenario.rivals
    worth = aim.usd_per_success or 0.01
    return {
        "windsock": lambda _, beliefs: PriceAware(
            beliefs,
            Objective(
                kind=aim.objective,
                quality_floor=aim.quality_floor,
                usd_per_success=aim.usd_per_success,
                explore=aim.explore,
            ),
        ),
        "flagship": lambda _, __: Fixed(rivals.flagship),
        "cheapest": lambda _, __: Cheapest(),
        "rules": lambda _, __: Rules(rivals.rules, rivals.otherwise),
        "round_robin": lambda _, __: RoundRobin(),
        "inverse_square_price": lambda _, __: InverseSquarePrice(),
        "epsilon_greedy": lambda _, beliefs: EpsilonGreedy(beliefs, usd_per_success=worth),
        "plain_thompson": lambda _, beliefs: PlainThompson(beliefs),
        "success_per_cost": lambda _, beliefs: SuccessPerCost(beliefs),
        "oracle": lambda known, _: Oracle(known, aim.quality_floor),
    }


DEFAULT = ("windsock", "flagship", "cheapest", "rules", "oracle")


def chosen(world: World, names: Sequence[str] | None) -> dict[str, Make]:
    """The policies asked for, in order; raises ConfigError on an unknown name."""
    known = policies(world)
    wanted = names or DEFAULT
    for name in wanted:
        if name not in known:
            raise ConfigError(f"no policy is named {name!r}; known are {', '.join(known)}")
    return {name: known[name] for name in wanted}
