"""Policies by name: for `policy = "..."` of a route, and for `simulate --policy`.

A policy is one file and one entry here. Those that look at the truth of a simulated world, or wait
for its calendar, are in `simulation.engines.contenders`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.segments import SegmentSettings
from windsock.core.policies.baselines import (
    Cheapest,
    EpsilonGreedy,
    Fixed,
    InverseSquarePrice,
    PlainThompson,
    RoundRobin,
    Rules,
    SuccessPerCost,
    Uniform,
)
from windsock.core.policies.budgets.pool import BudgetPool
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Policy
from windsock.errors import ConfigError

LIKELY_WORTH_USD = 0.01
"""What a success is worth to policies that need to be told, where nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyParts:
    """What a policy may be made of; each takes what it needs.

    flagship            the deployment of `flagship`
    deployment_by_task  the table of `rules`, with `otherwise` for tasks that are not in it
    short_tokens        larger prompts go to `otherwise`, whatever their task
    purse               a budget shared with other routes
    segments, classifies    whether segments and tasks are learnt from requests
    """

    beliefs: Beliefs
    objective: Objective
    flagship: str
    otherwise: str
    deployment_by_task: Mapping[str, str] = field(default_factory=dict)
    short_tokens: int | None = None
    purse: BudgetPool | None = None
    segments: SegmentSettings | None = None
    classifies: bool = False

    @property
    def worth_usd(self) -> float:
        """Dollars that a success is worth."""
        return self.objective.usd_per_success or LIKELY_WORTH_USD


def _price_aware(parts: PolicyParts) -> Policy:
    return PriceAware(
        parts.beliefs,
        parts.objective,
        segments=parts.segments,
        purse=parts.purse,
        classifies=parts.classifies,
    )


POLICIES: dict[str, Callable[[PolicyParts], Policy]] = {
    "price_aware": _price_aware,
    "windsock": _price_aware,
    "flagship": lambda parts: Fixed(parts.flagship),
    "cheapest": lambda _: Cheapest(),
    "uniform": lambda _: Uniform(),
    "rules": lambda parts: Rules(parts.deployment_by_task, parts.otherwise, parts.short_tokens),
    "round_robin": lambda _: RoundRobin(),
    "inverse_square_price": lambda _: InverseSquarePrice(),
    "epsilon_greedy": lambda parts: EpsilonGreedy(parts.beliefs, usd_per_success=parts.worth_usd),
    "plain_thompson": lambda parts: PlainThompson(parts.beliefs),
    "success_per_cost": lambda parts: SuccessPerCost(parts.beliefs),
}
"""`windsock` is `price_aware`, by the name that `simulate` gives it."""

BUDGETED = frozenset({"price_aware", "windsock"})
"""Those that keep to a budget."""


def policy_named(name: str, parts: PolicyParts) -> Policy:
    """A new policy of this name; raises ConfigError if there is none, naming the nearest."""
    make = POLICIES.get(name)
    if make is None:
        near = get_close_matches(name, POLICIES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(POLICIES)}"
        raise ConfigError(f"no policy is named {name!r}{hint}")
    return make(parts)
