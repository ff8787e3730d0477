"""What the frontier answers with. Money is USD of one request."""

from __future__ import annotations

from pydantic import Field

from windsock.core.policies.restraint.reference import Reference
from windsock.core.routing.outlook.prospects import SURE, CellProspects, Prospect
from windsock.service.control.schemas.base import Answer

LEAST_SHOWN = 0.0005
"""Weights below are left out."""


class ProspectView(Answer):
    """What one wish would give."""

    kind: str = Field(description="today, quality, value, floor or deployment")
    name: str = Field(description="economy to max, dollars per success, the floor, the deployment")
    value_usd: float | None = Field(description="V: what a success is worth there")
    usd_per_request: float
    success: float = Field(description="expected, by what is believed now")
    success_interval: tuple[float, float] = Field(description="90 % credible interval")
    is_held: bool = Field(description="false for a floor that is not certain")
    traffic_share: float = Field(description="of the traffic that it can serve")
    weights: dict[str, float]

    @classmethod
    def of(cls, each: Prospect) -> ProspectView:
        """As it is believed."""
        reach = SURE * each.error
        return cls(
            kind=each.kind,
            name=each.name,
            value_usd=each.value_usd,
            usd_per_request=each.usd,
            success=each.success,
            success_interval=(max(0.0, each.success - reach), min(1.0, each.success + reach)),
            is_held=each.is_held,
            traffic_share=each.share,
            weights={name: w for name, w in each.weights.items() if w >= LEAST_SHOWN},
        )


class TaskView(Answer):
    """One task, and its part of the traffic of those that are shown."""

    task: str
    traffic_share: float
    rewards: float = Field(description="discounted, behind the beliefs in its candidates")
    prospects: list[ProspectView]

    @classmethod
    def of(cls, cell: CellProspects) -> TaskView:
        """As it is believed."""
        found = [ProspectView.of(each) for each in cell.prospects]
        return cls(task=cell.task, traffic_share=cell.share, rewards=cell.rewards, prospects=found)


class ReferenceView(Answer):
    """The deployment by which `quality` measures what a success costs."""

    deployment: str
    success: float
    usd_per_success: float
    likely_usd_per_success: float = Field(
        description="at whoever may be the reference, by their chances: the measure of `quality`"
    )

    @classmethod
    def of(cls, found: Reference | None) -> ReferenceView | None:
        """None where there is none."""
        if found is None:
            return None
        return cls(
            deployment=found.deployment,
            success=found.success,
            usd_per_success=found.usd_per_success,
            likely_usd_per_success=found.likely_usd_per_success,
        )


class FrontierView(Answer):
    """Cost against success of one route, over its traffic and task by task."""

    route: str
    incumbent: str | None
    reference: ReferenceView | None
    tasks: int = Field(description="of the route; at most 12 are shown, those with most traffic")
    over_route: list[ProspectView]
    by_task: list[TaskView]


class FrontierAnswer(Answer):
    """One view a route."""

    data: list[FrontierView]
