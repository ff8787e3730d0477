"""What is worked out once for all cells that are looked at together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from windsock.core.policies.budgets.solver import Allocation
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.views import CellView


@dataclass(slots=True)
class Known:
    """What cells that are solved together share: ladders, and what a success is measured by."""

    ladders: dict[tuple[Hashable, ...], Ladder] = field(default_factory=dict)
    reference: Reference | None = None
    held: Allocation | None = None


@dataclass(slots=True)
class Look(Known):
    """What previews of the same views share, and what the budget would pay."""

    views: Sequence[CellView] | None = None
    paid: Allocation | None = None
