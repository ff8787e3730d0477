"""A floor over all traffic of a route: one value of a success for every task of it.

A floor per task buys its last points where they are dearest. One V over the route buys each where
it is cheapest, so that the same success over all traffic costs less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.budgets.solver import Allocation, Demand
from windsock.core.policies.frontier import Ladder, prepare
from windsock.core.policies.objectives import KNOWN, Chosen, Floor
from windsock.core.policies.restraint.bisection import first_true
from windsock.core.policies.rungs import Rung, rung_values


def held_over_route(claims: Sequence[Demand], floor: Floor) -> Allocation:
    """The lowest mixture of two values of V at which the traffic of all cells keeps a floor.

    claims  a cell each; shares need not sum to 1
    floor   over all of them; V is no higher than its `most_usd`
    """
    share = np.array([claim.share for claim in claims])
    share /= share.sum()
    values = _values(claims, floor.most_usd)

    def sure(rungs: Sequence[Rung]) -> float:
        success = float(share @ [rung.success for rung in rungs])
        error = float(np.linalg.norm(share * [rung.error for rung in rungs]))
        return success - floor.caution * max(0.0, error - KNOWN)

    def exactly(index: int) -> float:
        prepare((claim.ladder, float(values[index])) for claim in claims)
        return sure([claim.rung(float(values[index])) for claim in claims])

    def roughly(index: int) -> float:
        return sure([claim.ladder.rough(float(values[index]), values) for claim in claims])

    near = first_true(len(values), lambda index: roughly(index) >= floor.aim)
    high = first_true(len(values), lambda index: exactly(index) >= floor.aim, near=near)
    if high == len(values):
        top = float(values[-1])
        return _missed(floor, top, float(share @ [claim.rung(top).success for claim in claims]))
    low = max(0, high - 1)
    under, over = exactly(low), exactly(high)
    part = min(1.0, max(0.0, (floor.aim - under) / (over - under))) if over > under else 0.0
    return Allocation(low_usd=float(values[low]), high_usd=float(values[high]), share=part)


def lifted(held: Allocation, ladder: Ladder, chosen: Chosen) -> Chosen:
    """What was chosen for a cell, or the route's V where that delivers more."""
    notes = "; ".join(dict.fromkeys(filter(None, (chosen.note, held.note))))
    rung = held.rung(ladder)
    gained = held.without_looks(ladder).success - chosen.rung.success
    no_more = gained < 0 if held.looked_usd is not None else gained <= 0
    if rung.value_usd <= chosen.rung.value_usd or no_more:
        return replace(chosen, note=notes)
    return Chosen(rung=rung, note=notes, by="route_floor")


def _values(claims: Sequence[Demand], most_usd: float) -> FloatArray:
    """Values of V to look at: the ladder's, up to the most that a success may cost."""
    values = rung_values(np.concatenate([claim.ladder.arms.usd for claim in claims]))
    kept = values[values < most_usd]
    return kept if len(kept) == len(values) else np.append(kept, most_usd)


def _missed(floor: Floor, top_usd: float, success: float) -> Allocation:
    """V at the top; where even what is expected there lies below the floor, with a few looks."""
    is_below = success < floor.success
    why = "is out of reach" if is_below else "is not certain yet"
    note = (
        f"route quality floor {floor.success:g} {why} at what a success may cost, "
        f"expected success of the route is {success:.3f}"
    )
    return Allocation(
        low_usd=top_usd,
        high_usd=top_usd,
        share=0.0,
        note=note,
        looked_usd=floor.looked_usd if is_below else None,
    )
