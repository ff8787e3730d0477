"""What a cell is measured by: the route's reference, its incumbent, what a success may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.policies.cascade_weights import arm_names
from windsock.core.policies.floor_deficit import FloorDeficit
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import QUALITIES, Floor, Objective, floor_of
from windsock.core.policies.protocol import CellView, busiest
from windsock.core.policies.restraint.incumbent import Incumbent
from windsock.core.policies.restraint.reference import (
    DEAREST,
    Offer,
    Reference,
    reference_of,
)

YOUNG_SHARE = 0.3
"""Most of a task's requests that go to a deployment of which little is known."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Reads an objective, the beliefs and who served; keeps nothing."""

    objective: Objective
    beliefs: Beliefs
    served: FloorDeficit

    def reference(self, cells: Sequence[CellView]) -> Reference | None:
        """The deployment by which is measured what a success may cost; None if nothing is."""
        if self.objective.quality_floor is None and self.objective.quality is None:
            return None
        return self.standard(cells)

    def standard(self, cells: Sequence[CellView]) -> Reference | None:
        """The same whatever the objective; None where everything is free.

        Of the busiest cells of the route together: the worth of a success is one for all of them.
        """
        offers = [
            Offer(deployment=name, success=a / (a + b), usd=usd, share=view.share)
            for view in busiest(cells)
            for name, usd in zip(view.deployments, view.prudent_usd, strict=True)
            for a, b in (self.beliefs.posterior(view.cell, name),)
        ]
        return reference_of(offers, self.objective.incumbent)

    def worth_usd(self, reference: Reference | None) -> float:
        """What a success is worth where the objective says so; 0 where it does not."""
        if self.objective.quality is None:
            return self.objective.usd_per_success or 0.0
        factor = QUALITIES[self.objective.quality]
        return factor * reference.usd_per_success if reference else 0.0

    def incumbent(self, view: CellView, strength: FloatArray) -> Incumbent | None:
        """What is used today, where it can serve; with who served the cell lately.

        strength    (arms,) rewards' worth of the beliefs
        """
        name = self.objective.incumbent
        if name not in view.deployments:
            return None
        arms, counts = arm_names(view), self.served.counts(view.cell)
        return Incumbent(
            index=arms.index(name),
            served=np.array([counts.get(each, 0.0) for each in arms]),
            floor=None if self.objective.is_priced else self.objective.quality_floor,
            strength=strength,
            rewards=np.array([self.beliefs.evidence(view.cell, each) for each in arms]),
            share=view.share,
        )

    def probe(self, view: CellView) -> FloatArray | None:
        """(deployments,) least shares for a look at those in doubt; None if nobody is."""
        probes = [self.beliefs.probe(view.cell, name) for name in view.deployments]
        return np.array(probes) if any(probes) else None

    def most(self, view: CellView) -> FloatArray | None:
        """(deployments,) greatest shares of the young and of provisional prices; None if free."""
        young = [self.is_doubted(view.cell, name) for name in view.deployments]
        most = np.where(young, YOUNG_SHARE, 1.0) if not all(young) else np.ones(len(young))
        if view.most_share:
            most = np.minimum(most, view.most_share)
        return most if most.min() < 1.0 else None

    def is_doubted(self, cell: Cell, name: str) -> bool:
        """True of the young, but for those that by one standard error reach the floor here."""
        if not self.beliefs.is_young(cell, name):
            return False
        if (floor := self.objective.quality_floor) is None:
            return True
        a, b = self.beliefs.posterior(cell, name)
        mean = a / (a + b)
        return bool(mean - np.sqrt(mean * (1 - mean) / (a + b + 1)) < floor)

    def floor(self, ladder: Ladder, view: CellView, reference: Reference | None) -> Floor | None:
        """The floor of a cell, raised by what its last requests got too little.

        At most half of the way to the best arm: the nearer to it, the dearer a success.
        """
        floor = floor_of(self.objective)
        if floor is None:
            return None
        success = dict(zip(arm_names(view), ladder.arms.mean.tolist(), strict=True))
        most = max(0.0, 0.5 * (max(success.values()) - floor.success))
        cap = DEAREST * reference.usd_per_success if reference else np.inf
        cap = max(cap, self.worth_usd(reference))
        return replace(
            floor,
            owed=min(most, self.served.raise_by(view.cell, floor.success, success)),
            most_usd=cap,
        )
