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

LOOKED = 0.05
"""Of the requests, at what V may turn out to be, where the floor is missed at what V is.

V is bounded by what a success costs at the cheapest deployment that seems to do. One that is ten
times as dear, much better and not judged yet would else never be asked: in 4 of 10 runs on ZeroEval
a route stayed 6 to 9 points below its floor.
"""


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
    looks = held.share if held.note else 0.0
    for each in (rung, *rung.parts) if looks else ():
        each.value_usd = held.low_usd  # of all but the looks
    gained = (ladder.at(held.low_usd) if looks else rung).success - chosen.rung.success
    if rung.value_usd <= chosen.rung.value_usd or gained < 0 or (gained == 0 and not looks):
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
    looked = max(top_usd, floor.likely_usd) if is_below else top_usd
    why = "is out of reach" if is_below else "is not certain yet"
    note = (
        f"route quality floor {floor.success:g} {why} at what a success may cost, "
        f"expected success of the route is {success:.3f}"
    )
    share = LOOKED if looked > top_usd else 0.0
    return Allocation(low_usd=top_usd, high_usd=looked, share=share, note=note)
