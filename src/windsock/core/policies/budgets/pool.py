"""One budget, and all that spend from it: every route that shares it stands at the same V.

Equal V is what splits money best: were it lower on one route than on another, a dollar moved from
the first to the second would buy more successes (the multiplier of the joint linear programme).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from windsock.core.policies.budgets.pacing import DayPacer, Pacer, RequestPacer
from windsock.core.policies.budgets.solver import Allocation, Demand, allocate
from windsock.core.policies.objectives import Objective

TRAFFIC_HALF_LIFE_S = 3600.0
"""After which a request counts half in how much traffic a route is expected to bring."""

LEAST_TRAFFIC = 1e-3
"""Part of all traffic that a spender without requests is taken to bring."""

SpenderKey = tuple[str, str]
"""(namespace, route)."""


@dataclass(slots=True)
class Spender:
    """One spender: what it last claimed, and its recent requests as of `at`."""

    claims: tuple[Demand, ...] = ()
    requests: float = 0.0
    at: float = 0.0

    def traffic(self, now: float) -> float:
        """Recent requests, those of TRAFFIC_HALF_LIFE_S ago counting half."""
        return self.requests * float(2.0 ** (min(0.0, self.at - now) / TRAFFIC_HALF_LIFE_S))

    def observe(self, requests: float, now: float) -> None:
        """So many requests more, at `now`."""
        at = max(now, self.at)
        self.requests = self.traffic(at) + requests
        self.at = at


@dataclass(slots=True)
class BudgetPool:
    """A pacer, and one V for all cells of all that spend from it."""

    pacer: Pacer
    paid: Allocation | None = None
    _parts: dict[SpenderKey, Spender] = field(default_factory=dict)

    def spend(self, spender: SpenderKey, usd: float, now: float, requests: float = 1.0) -> None:
        """So many requests have cost `usd` together."""
        self.pacer.spend(usd, now, requests)
        self._parts.setdefault(spender, Spender()).observe(requests, now)

    def solve(self, spender: SpenderKey, claims: Sequence[Demand], now: float) -> Allocation:
        """Take in what a spender wants now, and choose the rung for all."""
        self._parts.setdefault(spender, Spender()).claims = tuple(claims)
        self.paid = self._allocated(self._parts, now)
        return self.paid

    def preview(self, spender: SpenderKey, claims: Sequence[Demand], now: float) -> Allocation:
        """What `solve` would choose; nothing is taken in."""
        known = self._parts.get(spender, Spender())
        wanted = Spender(tuple(claims), known.requests, known.at)
        return self._allocated({**self._parts, spender: wanted}, now)

    def under(self, objective: Objective) -> BudgetPool:
        """What would be allotted under another amount, all spenders and their spending the same."""
        pool = purse_of(objective)
        if pool is None or type(pool.pacer) is not type(self.pacer):
            return pool or self
        pool.pacer.from_state(self.pacer.to_state())
        pool._parts = dict(self._parts)
        return pool

    def _allocated(self, parts: Mapping[SpenderKey, Spender], now: float) -> Allocation:
        traffic = {name: part.traffic(now) for name, part in parts.items()}
        least = LEAST_TRAFFIC * (sum(traffic.values()) or 1.0)
        return allocate(
            [
                claim.times(max(least, traffic[name]))
                for name, part in parts.items()
                for claim in part.claims
            ],
            self.pacer.allowance(now).usd,
        )


def purse_of(objective: Objective) -> BudgetPool | None:
    """A budget of its own for one route, if it has one."""
    if objective.usd_per_request is not None:
        return BudgetPool(RequestPacer(objective.usd_per_request))
    if objective.usd_per_day is not None:
        return BudgetPool(DayPacer(objective.usd_per_day))
    return None
