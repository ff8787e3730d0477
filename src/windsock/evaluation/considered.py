"""One logged decision beside what another router makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal

from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.exclusions import OF_THE_REQUEST
from windsock.core.model.rewards import Feedback
from windsock.core.model.units import to_float


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    weight: float
    success: float
    usd: float


@dataclass(slots=True)
class Considered:
    """A logged decision, and what the new router makes of it.

    cost_usd    as logged; repriced_usd what the same calls cost at the new prices
    is_cost_known   both are; else the row is left out in the end
    taken       the arm: a deployment, or "cheap > strong" where the answer might escalate
    arms, weights   the new split; success and usd its beliefs of each, in that order
    chances     logged probabilities, in that order; None where the logged table is not kept
    unseen      part of the new split that the log can say nothing of
    reward      mean of what was reported, None until then
    """

    decision: Decision
    cost_usd: float
    repriced_usd: float
    taken: str
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    success: tuple[float, ...]
    usd: tuple[float, ...]
    chances: tuple[float, ...] | None
    unseen: float
    reward: float | None = None
    is_cost_known: bool = True
    said: dict[tuple[str, str, str | None], Feedback] = field(default_factory=dict)

    @property
    def weight_taken(self) -> float:
        """Of what was taken, in the new split."""
        return self.of_taken(self.weights)

    def of_taken(self, values: tuple[float, ...]) -> float:
        """The value of what was taken; 0 if the new router would not have considered it."""
        return values[self.arms.index(self.taken)] if self.taken in self.arms else 0.0


def row_of(
    entry: Outcome | Decision, decision: Decision, table: WeightTable, logged: WeightTable | None
) -> Considered | None:
    """None where no candidate of `table`, the new one, could have served the request.

    logged  the table that it was drawn from; None where that is not kept
    """
    arms = _arms_of(table, _barred(logged))
    total = sum(arm.weight for arm in arms)
    if not total:
        return None
    names = tuple(arm.name for arm in arms)
    weights = tuple(arm.weight / total for arm in arms)
    chances = _chances(names, logged)
    spent = entry.cost_usd if isinstance(entry, Outcome) else Decimal(0)
    cost = 0.0 if spent is None else to_float(spent)
    return Considered(
        decision=decision,
        cost_usd=cost,
        repriced_usd=cost,
        is_cost_known=spent is not None,
        taken=" > ".join(filter(None, (decision.deployment, decision.escalates_to))),
        arms=names,
        weights=weights,
        success=tuple(arm.success for arm in arms),
        usd=tuple(arm.usd for arm in arms),
        chances=chances,
        unseen=0.0
        if chances is None
        else sum(weight for weight, chance in zip(weights, chances, strict=True) if not chance),
    )


def _arms_of(table: WeightTable, barred: frozenset[str]) -> list[_Arm]:
    """Deployments and cascades, each with its own part of the weights."""
    found: dict[str, _Arm] = {
        arm.deployment: _Arm(arm.deployment, arm.weight, arm.success_mean, arm.expected_usd)
        for arm in table.arms
        if arm.deployment not in barred
    }
    for facts in table.cascades or ():
        plain = found.get(facts.deployment)
        if plain is not None and facts.weight > 0:
            found[plain.name] = replace(plain, weight=max(0.0, plain.weight - facts.weight))
            found[facts.arm] = _Arm(facts.arm, facts.weight, facts.success_mean, facts.expected_usd)
    return list(found.values())


def _chances(names: tuple[str, ...], logged: WeightTable | None) -> tuple[float, ...] | None:
    if logged is None:
        return None
    chance = {arm.name: arm.weight for arm in _arms_of(logged, frozenset())}
    return tuple(chance.get(name, 0.0) for name in names)


def _barred(logged: WeightTable | None) -> frozenset[str]:
    """Deployments that this very request ruled out."""
    if logged is None:
        return frozenset()
    return frozenset(
        name for name, reason in logged.ruled_out.items() if reason.code in OF_THE_REQUEST
    )
