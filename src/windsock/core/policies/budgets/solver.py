"""One shadow price for many cells: the highest rung that the budget pays for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.frontier import Ladder, prepare
from windsock.core.policies.objectives import Chosen, Floor, not_below
from windsock.core.policies.restraint.bisection import first_true
from windsock.core.policies.rungs import Rung, mixed, rung_values, with_looks

LEAST_USD = 1e-15
"""Below this a request is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What one cell asks of a budget.

    share       its part of the traffic; shares need not sum to 1
    fixed_usd   expected dollars of its rung, if that is not for the budget to choose
    """

    ladder: Ladder
    share: float
    floor: Floor | None = None
    fixed_usd: float | None = None

    def usd(self, value: float) -> float:
        """Expected dollars of one request at V."""
        return self.rung(value).usd if self.fixed_usd is None else self.fixed_usd

    def rung(self, value: float) -> Rung:
        """What a cell gets at V, not below its own floor."""
        return not_below(self.ladder, Chosen(rung=self.ladder.at(value)), self.floor).rung

    def rough_usd(self, value: float, along: FloatArray) -> float:
        """The same to a few percent where no floor is held, for a tenth of the time."""
        if self.fixed_usd is not None:
            return self.fixed_usd
        return self.ladder.rough(value, along).usd

    def times(self, traffic: float) -> Demand:
        """The same demand at `traffic` times the share."""
        return replace(self, share=self.share * traffic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Two adjacent values of V and the share of requests on the higher; index of the higher.

    looked_usd  V of a few looks besides; None: there are none
    """

    low_usd: float
    high_usd: float
    share: float
    index: int = 0
    note: str = ""
    looked_usd: float | None = None

    def rung(self, ladder: Ladder) -> Rung:
        """The mixture of the two rungs on a ladder, with the looks."""
        rung = self.without_looks(ladder)
        return rung if self.looked_usd is None else with_looks(rung, ladder.at(self.looked_usd))

    def without_looks(self, ladder: Ladder) -> Rung:
        """The mixture of the two rungs on a ladder."""
        return mixed(ladder.at(self.low_usd), ladder.at(self.high_usd), self.share)

    def chosen(self, ladder: Ladder, floor: Floor | None) -> Chosen:
        """The budget's rung for one cell; a floor wins over the budget and is noted."""
        chosen = Chosen(rung=self.rung(ladder), note=self.note, by="budget")
        return not_below(ladder, chosen, floor, "the quality floor costs more than the budget")


def allocate(claims: Sequence[Demand], usd: float) -> Allocation:
    """The highest mixture of rungs whose expected cost over the traffic mix is `usd`.

    Found from these claims alone: ceilings and probes let cost dip a little along the ladder, and
    a search from the last result would then remember prices that are gone.
    """
    values = rung_values(np.concatenate([claim.ladder.arms.usd for claim in claims]))
    total = sum(claim.share for claim in claims)

    def cost(value: float) -> float:
        prepare((claim.ladder, value) for claim in claims if claim.fixed_usd is None)
        return sum(claim.share * claim.usd(value) for claim in claims) / total

    def rough_cost(value: float) -> float:
        return sum(claim.share * claim.rough_usd(value, values) for claim in claims) / total

    def roughly(most: float) -> int:
        return first_true(len(values), lambda index: rough_cost(float(values[index])) > most)

    start = None
    if all(claim.floor is None for claim in claims):
        near = float(values[min(len(values) - 1, roughly(usd))])
        start = roughly(usd + rough_cost(near) - cost(near))
    low = first_true(len(values), lambda index: cost(float(values[index])) > usd, near=start)
    if low == 0:
        return Allocation(low_usd=0.0, high_usd=0.0, share=0.0, note=_too_small(usd, cost(0.0)))
    if low == len(values):
        top = float(values[-1])
        return Allocation(low_usd=top, high_usd=top, share=0.0, index=low)
    under, over = float(values[low - 1]), float(values[low])
    low_cost, high_cost = cost(under), cost(over)
    share = min(1.0, max(0.0, (usd - low_cost) / (high_cost - low_cost)))
    return Allocation(low_usd=under, high_usd=over, share=share, index=low)


def _too_small(usd: float, least: float) -> str:
    return f"the budget of ${usd:.3g} a request is below the cheapest, ${least:.3g}"
