"""What a cell is measured by: the route's reference, its incumbent, what a success may cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.policies.budgets.solver import LEAST_USD, Demand
from windsock.core.policies.cascade_weights import arm_names
from windsock.core.policies.floor_deficit import FloorDeficit, raised
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor, Objective, floor_of
from windsock.core.policies.restraint.incumbent import Incumbent
from windsock.core.policies.restraint.reference import (
    Offer,
    Reference,
    reference_of,
)
from windsock.core.policies.views import CellView, busiest


@dataclass(frozen=True, slots=True)
class Measures:
    """Reads an objective, the beliefs and who served; keeps nothing."""

    objective: Objective
    beliefs: Beliefs
    served: FloorDeficit

    def reference(self, cells: Sequence[CellView]) -> Reference | None:
        """The deployment by which is measured what a success may cost; None if nothing is."""
        if not self.objective.has_floor and self.objective.quality is None:
            return None
        return self.standard(cells)

    def standard(self, cells: Sequence[CellView]) -> Reference | None:
        """The same whatever the objective; None where everything is free.

        Of the busiest cells of the route together: the worth of a success is one for all of them.
        """
        offers = [offer for view in busiest(cells) for offer in self._offers(view)]
        return reference_of(offers, self.objective.incumbent)

    def _offers(self, view: CellView) -> Iterator[Offer]:
        pairs = self.beliefs.posteriors(view.cell, view.deployments)
        for name, usd, (a, b) in zip(view.deployments, view.prudent_usd, pairs, strict=True):
            mean = a / (a + b)
            yield Offer(
                deployment=name,
                success=mean,
                usd=usd if usd > LEAST_USD else 0.0,
                share=view.share,
                error=sqrt(mean * (1 - mean) / (a + b + 1)),
            )

    def worth_usd(self, reference: Reference | None) -> float:
        """What a success is worth where the objective says so; 0 where it does not."""
        return self.objective.worth_usd(reference)

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

    def floor(self, ladder: Ladder, view: CellView, reference: Reference | None) -> Floor | None:
        """The floor of a cell, raised by what its last requests got too little.

        At most half of the way to the best arm: the nearer to it, the dearer a success.
        """
        floor = floor_of(self.objective)
        if floor is None:
            return None
        success = dict(zip(arm_names(view), ladder.arms.mean.tolist(), strict=True))
        most = max(0.0, 0.5 * (max(success.values()) - floor.success))
        return replace(
            floor,
            owed=min(most, self.served.raise_by(view.cell, floor.success, success)),
            most_usd=self._most_usd(reference),
            likely_usd=reference.likely_most_usd_per_success if reference else 0.0,
        )

    def demand(self, view: CellView, ladder: Ladder, reference: Reference | None) -> Demand:
        """What a cell asks where one V is looked for over several."""
        floor = self.floor(ladder, view, reference)
        return Demand(ladder=ladder, share=view.share, floor=floor)

    def route_floor(
        self, cells: Sequence[tuple[CellView, Ladder]], reference: Reference | None
    ) -> Floor | None:
        """The floor over all traffic of these cells, raised by what it got too little."""
        least = self.objective.route_quality_floor
        if least is None:
            return None
        shares = sum(view.share for view, _ in cells)
        best = owed = 0.0
        for view, ladder in cells:
            success = dict(zip(arm_names(view), ladder.arms.mean.tolist(), strict=True))
            best += view.share / shares * max(success.values())
            owed += view.share / shares * self.served.missed(view.cell, least, success)
        return Floor(
            success=least,
            caution=self.objective.caution,
            owed=min(max(0.0, 0.5 * (best - least)), raised(owed)),
            most_usd=self._most_usd(reference),
            likely_usd=reference.likely_most_usd_per_success if reference else 0.0,
        )

    def _most_usd(self, reference: Reference | None) -> float:
        """V that a floor may ask for at most."""
        cap = reference.most_usd_per_success if reference else np.inf
        return max(cap, self.worth_usd(reference))
