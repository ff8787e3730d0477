"""One reproducible draw per decision, and the decision it makes.

The generator is splitmix64 (Steele, Lea & Flood, OOPSLA 2014) used as a hash of
(seed, decision number, attempt number): any logged decision can be re-drawn alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b

from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.requests import DEFAULT_TASK, RouteRequest

MASK = 0xFFFFFFFFFFFFFFFF
STRIDE = 0x9E3779B97F4A7C15
ATTEMPTS = 64
"""Numbers kept apart for the attempts of one decision."""


def uniform(seed: int, number: int, attempt: int) -> float:
    """A number in [0, 1), 53 bits, the same for the same arguments.

    attempt  0 for the first draw of a decision; below 64
    """
    z = (seed * 0xD1342543DE82EF95 + (number * ATTEMPTS + attempt + 1) * STRIDE) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return float((z ^ (z >> 31)) >> 11) * 1.1102230246251565e-16


def draw(cumulative: Sequence[float], u: float) -> int:
    """Index of the arm whose share of the cumulative weights holds `u`; u in [0, 1).

    cumulative  (arms,), not empty, ascending
    """
    return bisect_right(cumulative, u * cumulative[-1], 0, len(cumulative) - 1)


class DecisionIds:
    """Names of decisions that nobody without the seed can guess; 24 hexadecimal digits."""

    __slots__ = ("_keyed",)

    def __init__(self, seed: int) -> None:
        key = (seed & ((1 << 256) - 1)).to_bytes(32, "little")
        self._keyed = blake2b(digest_size=12, key=key)

    def of(self, number: int) -> str:
        """The name of this decision, always the same; number is 64 bits at most."""
        name = self._keyed.copy()  # taking in the key costs more than the number
        name.update(number.to_bytes(8, "little"))
        return name.hexdigest()


def arm_within(table: WeightTable, index: int, u: float) -> tuple[float, str | None]:
    """Propensity of the arm that `u` draws, and whom it may escalate to.

    The first part of a deployment's share belongs to its cascade, if it has one.
    """
    name, weight = table.deployments[index], table.weights[index]
    before = table.cumulative[index - 1] if index else 0.0
    for cascade in table.cascades or ():
        if cascade.deployment == name and cascade.weight > 0.0:
            if u * table.cumulative[-1] - before < cascade.weight:
                return cascade.weight, cascade.to
            return weight - cascade.weight, None
    return weight, None


class DecisionDraws:
    """Decisions by number, drawn from tables of weights; `number` is that of the next one."""

    __slots__ = ("_ids", "_seed", "number")

    def __init__(self, seed: int, first_number: int) -> None:
        self._seed = seed
        self._ids = DecisionIds(seed)
        self.number = first_number

    def decide(
        self, request: RouteRequest, table: WeightTable, now: float, *, may_cascade: bool
    ) -> Decision:
        """The next draw, from a table that is not empty."""
        number = self.number
        self.number += 1
        mark = uniform(self._seed, number, 0)
        index = draw(table.cumulative, mark)
        propensity, escalates_to = table.weights[index], None
        if may_cascade:
            propensity, escalates_to = arm_within(table, index, mark)
        return Decision(
            number=number,
            id=self._ids.of(number),
            at=now,
            cell=table.cell,
            table_version=table.version,
            deployment=table.deployments[index],
            propensity=propensity,
            draw=mark,
            requested_model=request.model,
            prompt_tokens=request.prompt_tokens,
            key_id=request.key_id,
            features=request.features,
            is_task_guessed=request.task == DEFAULT_TASK and table.cell.task != DEFAULT_TASK,
            escalates_to=escalates_to,
            known_as=request.known_as,
        )
