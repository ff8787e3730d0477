"""Whether a quality floor can be reached at all, and the events of its becoming out of reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from scipy import special

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.decisions import WeightTable
from windsock.core.model.events import Event, EventKind
from windsock.core.model.requests import Cell
from windsock.core.policies.restraint.search import OUT
from windsock.core.routing.outlook.further_success import Stretch, further_success

WITHIN = 0.5
"""A floor that was out of reach is so until the chance that somebody reaches it is above this."""

KNOWN = 20.0
"""Rewards of the best candidate: with fewer a floor is merely not certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a cell can go toward its floor.

    floor, reachable, success   0..1: asked for, of the best candidate, of the weights of now
    best            the candidate, or a cascade "cheap > strong"
    rewards         discounted, behind the belief in it
    chance          that one candidate at least reaches the floor, as beliefs have it
    further         what each further point would cost
    """

    cell: Cell
    floor: float
    success: float
    reachable: float
    best: str
    rewards: float
    chance: float
    further: tuple[Stretch, ...]

    @property
    def is_out_of_reach(self) -> bool:
        """True if surely nobody reaches it; what is merely unknown is not."""
        return self.rewards >= KNOWN and self.chance < OUT


def reach_of(table: WeightTable, floor: float | None, beliefs: Beliefs) -> Reach | None:
    """How far the candidates of a table can go; None without a floor or a candidate."""
    if floor is None or not table.arms:
        return None
    short, offers = 1.0, []
    for arm in table.arms:
        a, b = beliefs.posterior(table.cell, arm.deployment)
        short *= float(special.betainc(a, b, min(1.0, max(0.0, floor))))
        offers.append((arm.success_mean, arm.effective_samples, arm.deployment))
    for cascade in table.cascades or ():
        short *= cascade.success_mean < floor
        offers.append((cascade.success_mean, cascade.judged, cascade.arm))
    reachable, rewards, best = max(offers)
    return Reach(
        cell=table.cell,
        floor=floor,
        success=sum(arm.weight * arm.success_mean for arm in table.arms),
        reachable=reachable,
        best=best,
        rewards=rewards,
        chance=1.0 - short,
        further=tuple(further_success(table)),
    )


@dataclass(slots=True)
class FloorWatch:
    """Tells once that a floor is out of reach, and once that it is no more."""

    _told: dict[Cell, float] = field(default_factory=dict)

    def restore(self, newest_first: Iterable[Event]) -> None:
        """What was told before this start, so that it is not told again."""
        seen: set[Cell] = set()
        for event in newest_first:
            facts = event.facts
            cell = Cell.read(*(str(facts[name]) for name in ("namespace", "route", "task")))
            if cell not in seen and event.kind is EventKind.FLOOR_OUT_OF_REACH:
                self._told.setdefault(cell, float(str(facts["floor"])))
            seen.add(cell)

    def check(self, cell: Cell, reach: Reach | None, now: float) -> Iterator[Event]:
        """What is to be told of a cell; `reach` is None where it has no floor any more."""
        told = self._told.get(cell)
        if reach is not None and reach.is_out_of_reach and told != reach.floor:
            self._told[cell] = reach.floor
            yield _event(EventKind.FLOOR_OUT_OF_REACH, reach, now)
        elif told is not None and (reach is None or _has_ended(reach, told)):
            del self._told[cell]
            if reach is not None:
                yield _event(EventKind.FLOOR_WITHIN_REACH, reach, now)


def _has_ended(reach: Reach, told: float) -> bool:
    return reach.chance > WITHIN or (reach.floor != told and not reach.is_out_of_reach)


def _event(kind: EventKind, reach: Reach, now: float) -> Event:
    cell, is_out = reach.cell, kind is EventKind.FLOOR_OUT_OF_REACH
    facts: dict[str, object] = {
        "namespace": cell.namespace,
        "route": cell.route,
        "task": cell.name,
        "floor": reach.floor,
        "reachable": round(reach.reachable, 4),
        "best": reach.best,
        "success": round(reach.success, 4),
        "rewards": round(reach.rewards, 1),
    }
    if is_out:
        facts["further"] = [stretch_facts(each) for each in reach.further]
    return Event(kind=kind, deployment="", at=now, facts=facts)


def stretch_facts(each: Stretch) -> dict[str, object]:
    """As events and answers have it; money to four digits."""
    return {
        "success_from": round(each.success_from, 4),
        "success_to": round(each.success_to, 4),
        "usd_per_1000_per_point": float(f"{each.usd_per_point:.4g}"),
        "deployment": each.deployment,
    }
