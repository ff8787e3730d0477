"""Everything a scenario can be run with, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from importlib.util import find_spec

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Policy
from windsock.core.policies.registry import POLICIES, PolicyParts
from windsock.core.pricing.rules import DEFAULT_RULES, GuardRules
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.errors import ConfigError
from windsock.simulation.engines.baselines import (
    CheapestOnTheMap,
    Hindsight,
    Oracle,
    RetunedRules,
    TrueAim,
)
from windsock.simulation.engines.paretobandit import INSTALL, PARETOBANDIT, ParetoBandit
from windsock.simulation.world.conditions import RouteGoal
from windsock.simulation.world.world import World

ORACLE_FLOOR = 0.85

CREDULOUS = GuardRules(
    least_usd_per_mtok=Decimal(0),
    max_rise=1e6,
    max_fall=0.0,
    deepest_fall=0.0,
    highest_rise=1e6,
    least_output_ratio=0.0,
    most_output_ratio=1e6,
    slip_tolerance=0.0,
    fx_ratios=(0.0, 0.0),
    alone_ratios=(1.0, 1e6),
    service_ratios=(0.0, 1e6),
    tier_tokens=(0, 10**9),
    provisional_share=1.0,
)
"""Believes what any feed says last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """make          the policy of one route, from the world, the route's aim and shared beliefs
    cascade         asks again below a confidence
    heeds_latency   keeps to the ceiling of the real-time route
    hears           learns of prices after the start
    guard           which quotes it believes
    router          (seed) -> a router that is made elsewhere, in place of one with that policy
    needs           a module that an extra brings; empty: none
    """

    make: Callable[[World, RouteGoal, Beliefs], Policy]
    cascade: Cascade | None = None
    heeds_latency: bool = False
    hears: bool = True
    guard: GuardRules = DEFAULT_RULES
    router: Callable[[int], Router] | None = None
    needs: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether what it needs is there."""
        return not self.needs or find_spec(self.needs) is not None


def contenders(world: World) -> dict[str, Contender]:
    """`windsock` first, then itself without price feeds and without doubts; the oracle last."""
    scenario = world.scenario
    rivals, aim = scenario.rivals, scenario.route
    again = None
    if rivals.escalate_below is not None:
        again = Cascade(escalate_below=rivals.escalate_below, to=(rivals.flagship,))
    own = aim.cascade
    ours = Cascade(escalate_below=own.escalate_below, to=own.to) if own else None
    windsock = Contender(
        make=lambda _, aim, beliefs: PriceAware(beliefs, objective(aim)),
        cascade=ours,
        heeds_latency=True,
    )

    def baseline(name: str) -> Contender:
        return Contender(make=lambda world, _, beliefs: POLICIES[name](_parts(world, beliefs)))

    return {
        "windsock": windsock,
        "deaf": replace(windsock, hears=False),
        "credulous": replace(windsock, guard=CREDULOUS),
        "flagship": baseline("flagship"),
        "cheapest": baseline("cheapest"),
        "rules": replace(baseline("rules"), cascade=again),
        "rules_weekly": Contender(make=lambda world, aim, _: RetunedRules(true_aim(world, aim))),
        "round_robin": baseline("round_robin"),
        "litellm_cost": Contender(make=lambda world, *_: CheapestOnTheMap(world)),
        "inverse_square_price": baseline("inverse_square_price"),
        "epsilon_greedy": baseline("epsilon_greedy"),
        "plain_thompson": baseline("plain_thompson"),
        "success_per_cost": baseline("success_per_cost"),
        "paretobandit": Contender(
            make=lambda world, aim, _: ParetoBandit(world, floor_of(aim)), needs=PARETOBANDIT
        ),
        "hindsight": Contender(make=lambda world, aim, _: Hindsight(true_aim(world, aim))),
        "oracle": Contender(make=lambda world, aim, _: Oracle(true_aim(world, aim))),
    }


DEFAULT = ("windsock", "flagship", "cheapest", "rules", "oracle")
EVERY = "all"


def chosen(world: World, names: Sequence[str] | None) -> dict[str, Contender]:
    """The policies asked for, in order, or `all` that are installed.

    raises  ConfigError on an unknown name, or one that needs what is not installed
    """
    known = contenders(world)
    wanted = list(names or DEFAULT)
    if wanted == [EVERY]:
        wanted = [name for name, each in known.items() if each.is_installed]
    for name in wanted:
        if name not in known:
            raise ConfigError(f"no policy is named {name!r}; known are {', '.join(known)}, all")
        if not known[name].is_installed:
            raise ConfigError(f"the policy {name!r} needs a package; {INSTALL}")
    return {name: known[name] for name in wanted}


def left_out(world: World, names: Sequence[str] | None) -> list[str]:
    """Those of `all` that need what is not installed."""
    if list(names or ()) != [EVERY]:
        return []
    return [name for name, each in contenders(world).items() if not each.is_installed]


def _parts(world: World, beliefs: Beliefs) -> PolicyParts:
    """What baselines are told of a scenario."""
    rivals, aim = world.scenario.rivals, world.scenario.route
    return PolicyParts(
        beliefs=beliefs,
        objective=objective(aim),
        flagship=rivals.flagship,
        otherwise=rivals.otherwise,
        deployment_by_task=rivals.rules,
        short_tokens=rivals.short_tokens,
    )


def objective(aim: RouteGoal) -> Objective:
    """What a scenario's route is after, in the router's terms."""
    return Objective(
        kind=aim.objective,
        quality=aim.quality if aim.objective == "quality" else None,
        incumbent=aim.incumbent,
        quality_floor=aim.quality_floor,
        route_quality_floor=aim.route_quality_floor,
        usd_per_success=aim.usd_per_success,
        usd_per_request=aim.usd_per_request,
        usd_per_day=aim.usd_per_day,
        explore=aim.explore,
    )


def true_aim(world: World, aim: RouteGoal) -> TrueAim:
    """The same for those who know the truth."""
    return TrueAim(world=world, objective=objective(aim), floor=floor_of(aim))


def floor_of(aim: RouteGoal) -> float:
    """The floor that rivals are held to where the scenario states none."""
    stated = (aim.quality_floor, aim.route_quality_floor, ORACLE_FLOOR)
    return next(floor for floor in stated if floor is not None)
