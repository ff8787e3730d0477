"""What a route's owner wants, and the rung of the ladder that gives it."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from windsock.core.policies.frontier import Ladder, prepare
from windsock.core.policies.restraint.reference import NEAREST, SEARCHED, Reference
from windsock.core.policies.restraint.search import out_or_uncertain
from windsock.core.policies.rungs import Rung, mixed, with_looks

KNOWN = 0.02
"""A standard error of success from which on a floor is held by the expected success alone."""

ROUGH = 1.05
"""Costs per success of rough rungs further apart than this differ."""

KINDS = ("value", "quality", "cost_per_success", "quality_floor", "budget")
"""Objectives by name."""

QUALITIES = {"economy": 10.0, "balanced": 100.0, "high": 1000.0, "max": 1e6}
"""What a success is worth, in what one of the reference costs; the last is any price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """
    kind                value, quality, cost_per_success, quality_floor or budget
    usd_per_success     what a success is worth, for `value`
    quality             one of QUALITIES, for `quality`
    incumbent           the deployment that is used today: it is left only for what is credibly a
                        better buy, and what a success costs there is the measure of all
    quality_floor       least success probability, held per task; needed by `cost_per_success`
                        (without it the least cost per success is the cheapest, whatever it
                        gets wrong) and by `quality_floor`, allowed with the others
    route_quality_floor least success over all traffic of the route, at one V for all its tasks
    usd_per_request, usd_per_day    ceiling for `budget`, one of the two; with another objective
                        usd_per_day is only the cap at which a day's requests stop
    caution             standard errors by which a floor is held on the safe side while little
                        is known; 0 holds the expected success alone
    explore             probability kept for learning
    max_share_change_per_min    1.0 is no limit
    """

    kind: str = "cost_per_success"
    usd_per_success: float | None = None
    quality: str | None = None
    incumbent: str | None = None
    quality_floor: float | None = None
    route_quality_floor: float | None = None
    usd_per_request: float | None = None
    usd_per_day: float | None = None
    caution: float = 1.0
    explore: float = 0.02
    max_share_change_per_min: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"objective {self.kind!r} is none of {', '.join(KINDS)}")
        if self.kind == "value" and self.usd_per_success is None:
            raise ValueError("objective 'value' needs usd_per_success")
        if self.kind == "quality" and self.quality not in QUALITIES:
            raise ValueError(f"objective 'quality' needs quality, one of {', '.join(QUALITIES)}")
        if self.kind == "cost_per_success" and self.quality_floor is None:
            raise ValueError(f"objective {self.kind!r} needs quality_floor")
        if self.kind == "quality_floor" and not self.has_floor:
            raise ValueError(f"objective {self.kind!r} needs quality_floor or route_quality_floor")
        if self.kind == "budget" and (self.usd_per_request is None) == (self.usd_per_day is None):
            raise ValueError("objective 'budget' needs usd_per_request or usd_per_day")
        if not 0.0 <= self.explore < 1.0:
            raise ValueError("explore must lie in 0..1, without 1")

    @property
    def has_floor(self) -> bool:
        """True if some success is to be held, per task or over the route."""
        return self.quality_floor is not None or self.route_quality_floor is not None

    @property
    def gives_value(self) -> bool:
        """True if V is given, and no floor can lift it."""
        return self.is_priced and not self.has_floor

    @property
    def is_priced(self) -> bool:
        """True if each success is worth something, however many there are."""
        return self.kind in ("value", "quality")

    def worth_usd(self, reference: Reference | None) -> float:
        """What a success is worth, dollars; 0 where nothing says so.

        reference   the deployment by which a wish for quality is measured
        """
        if self.quality is None:
            return self.usd_per_success or 0.0
        return QUALITIES[self.quality] * reference.likely_usd_per_success if reference else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The rung taken for a cell; `note` says what could not be given.

    by      what chose it: the objective, or floor, route_floor, cap (of what a success may
            cost) or search
    """

    rung: Rung
    note: str = ""
    by: str = ""

    @property
    def decided_by(self) -> str:
        """What chose the rung, and what moved its weights, in words."""
        return ", ".join(filter(None, (self.by, *self.rung.held)))


def choose(
    objective: Objective, ladder: Ladder, floor: Floor | None, worth_usd: float = 0.0
) -> Chosen:
    """The rung of one cell for every objective but the budget, which looks at all cells.

    worth_usd   what a success is worth, for those that say so
    """
    if objective.kind in ("value", "quality"):
        return not_below(ladder, Chosen(rung=ladder.at(worth_usd), by=objective.kind), floor)
    if objective.kind == "quality_floor" and floor is None:
        return Chosen(rung=ladder.at(0.0), by="route_floor")
    if floor is None:
        raise ValueError(f"objective {objective.kind!r} is not chosen cell by cell")
    if objective.kind == "quality_floor":
        return on_floor(ladder, floor)
    return least_cost_per_success(ladder, floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Least success probability, held with `caution` standard errors to spare.

    owed    raise of the floor that makes up for what was missed
    most_usd    what a success more may cost: V is no higher for the floor's sake
    likely_usd  the same by the chances of all that may be the reference
    """

    success: float
    caution: float = 0.0
    owed: float = 0.0
    most_usd: float = inf
    likely_usd: float = 0.0

    @property
    def nearest_usd(self) -> float:
        """What a success more may cost where nobody reaches the floor."""
        return NEAREST * self.most_usd

    @property
    def searched_usd(self) -> float:
        """V at which a floor that is not held is looked for."""
        return SEARCHED * self.most_usd

    @property
    def looked_usd(self) -> float | None:
        """V of looks where the floor is missed; None where it is no higher than V without them."""
        return self.likely_usd if self.likely_usd > self.most_usd else None

    @property
    def aim(self) -> float:
        """The floor with what is owed."""
        return self.success + self.owed

    def sure(self, rung: Rung) -> float:
        """What a rung surely delivers.

        What an incumbent keeps is left out: it would hold the floor for the worst of the others.
        """
        free = rung.unheld or rung
        return free.success - self.caution * max(0.0, free.error - KNOWN)

    def is_held(self, rung: Rung) -> bool:
        """True if a rung surely delivers the floor with what is owed."""
        return self.sure(rung) >= self.aim


def floor_of(objective: Objective) -> Floor | None:
    """The floor of an objective; None if it has none."""
    if objective.quality_floor is None:
        return None
    return Floor(success=objective.quality_floor, caution=objective.caution)


def not_below(ladder: Ladder, chosen: Chosen, floor: Floor | None, why: str = "") -> Chosen:
    """What was chosen, or the floor's rung where that delivers more; then `why` is noted."""
    if floor is None or floor.is_held(chosen.rung):
        return chosen
    held = on_floor(ladder, floor)
    notes = [note for note in (chosen.note, why, held.note) if note]
    return Chosen(rung=held.rung, note="; ".join(notes), by=held.by)


def on_floor(ladder: Ladder, floor: Floor) -> Chosen:
    """The lowest mixture of two adjacent rungs that surely delivers the floor.

    Above the most that a success may cost, the cheapest mixture that is expected to; where nothing
    surely delivers it, whoever may be the cheapest that does.
    """
    index = ladder.lowest(floor.is_held, beyond=floor.nearest_usd)
    return _at_lowest(ladder, floor, index)


def _at_lowest(ladder: Ladder, floor: Floor, index: int) -> Chosen:
    """`on_floor`, given the lowest rung that holds it."""
    if index == len(ladder):
        return _not_held(ladder, floor)
    high = ladder[index]
    if high.value_usd > floor.most_usd:
        return Chosen(rung=ladder.paired(floor.aim, floor.most_usd) or high, by="cap")
    if index == 0:
        return Chosen(rung=high, by="floor")
    low = ladder[index - 1]
    share = (floor.aim - floor.sure(low)) / (floor.sure(high) - floor.sure(low))
    return Chosen(rung=mixed(low, high, min(1.0, max(0.0, share))), by="floor")


def _not_held(ladder: Ladder, floor: Floor) -> Chosen:
    best = ladder.best(floor.sure)
    is_met = floor.sure(best) >= floor.success
    rung = _nearest(ladder, floor) if np.isfinite(floor.most_usd) else best
    if is_met:
        return Chosen(rung=rung, by="search")
    if rung.success < floor.success and floor.looked_usd is not None:
        rung = with_looks(rung, ladder.at(floor.looked_usd), ladder.arms.labels)
    why = out_or_uncertain(ladder.arms.a, ladder.arms.b, floor.success)
    reached = f"quality floor {floor.success:g} {why}, best expected success is"
    return Chosen(rung=rung, note=f"{reached} {best.success:.3f}", by="search")


def _nearest(ladder: Ladder, floor: Floor) -> Rung:
    """What is looked for; where the best is known, the more of it the nearer it comes, by KNOWN.

    Without that, a floor missed by a hair would be given up for the best buy, far below it.
    """
    sought = ladder.sought(floor.success, floor.nearest_usd, floor.searched_usd)
    mean, best = ladder.arms.mean, int(ladder.arms.mean.argmax())
    share = 1.0 - (floor.success - float(mean[best])) / KNOWN
    if share <= 0 or ladder.arms.spread[best] > KNOWN:
        return sought
    near = ladder.paired(min(floor.aim, float(mean[best])), floor.most_usd) or sought
    return mixed(sought, near, min(1.0, share))


def least_cost_per_success(ladder: Ladder, floor: Floor) -> Chosen:
    """The rung with the least cost per success among those above the floor.

    Success is concave in cost along the ladder with slope 1/V, so cost per success only rises
    once V exceeds it; rungs above twice that value need not be looked at. Which of the others is
    best is found roughly and decided exactly between it and its neighbours, if they come near.
    """
    near = _roughly_cheapest(ladder, ladder.roughly_lowest(floor.is_held))
    first = ladder.lowest(floor.is_held, besides=near, beyond=floor.nearest_usd)
    least = _at_lowest(ladder, floor, first)
    if least.note or first == len(ladder):
        return least
    near = _roughly_cheapest(ladder, first)
    prepare((ladder, float(ladder.values[index])) for index in near)
    rung = min([least.rung, *(ladder[index] for index in near)], key=_usd_per_success)
    return Chosen(rung=rung, by="floor" if rung is least.rung else "cost_per_success")


def _roughly_cheapest(ladder: Ladder, first: int) -> list[int]:
    """The rung from `first` on with about the least cost per success, and its neighbours."""
    rough: list[float] = []
    for value in ladder.values[first:].tolist():
        rough.append(_usd_per_success(ladder.rough(value)))
        if value > 2 * rough[-1]:
            break
    if not rough:
        return []
    at = rough.index(min(rough))
    near = range(max(0, at - 1), min(len(rough), at + 2))
    return [first + index for index in near if rough[index] <= ROUGH * rough[at]]


def _usd_per_success(rung: Rung) -> float:
    free = rung.unheld or rung
    return free.usd / max(free.success, 1e-9)
