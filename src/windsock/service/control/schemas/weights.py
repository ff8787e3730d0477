"""What the inspection calls answer with. Money is USD; prices are USD per million units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from windsock.core.model.decisions import ArmFacts, CascadeFacts, PromptSizes, WeightTable
from windsock.core.routing.outlook.further_success import Stretch, further_success
from windsock.core.routing.what_if import Aims
from windsock.service.control.schemas.asked import DeploymentName, Name, Usd
from windsock.service.control.schemas.base import Answer, number
from windsock.service.control.schemas.knowing import CostView
from windsock.service.control.schemas.known import Basis, CheckView, SourceView


class QuoteView(Answer):
    """A price in force: who said so, when, and how long ago a feed last confirmed it."""

    feed: str | None
    seen_at: float | None
    age_s: float | None
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None


class CandidateView(Answer):
    """One deployment that may be drawn."""

    deployment: str
    weight: float = Field(description="exact probability that the next such request goes here")
    success_mean: float
    success_interval: tuple[float, float] = Field(description="90 % credible interval")
    effective_samples: float
    expected_usd: float = Field(description="one such request at current prices")
    price: QuoteView
    limits: list[str]
    feedback_rate: float | None = Field(None, description="rewards per recent answer; now only")
    drift: float | None = Field(
        None, description="part of success_mean that the last rewards of all tasks add; now only"
    )
    check: CheckView | None = Field(
        None, description="what declared checks are worth, where answers were also judged; now only"
    )
    prior: str | None = Field(None, description="whose public figures the prior leans on; now only")
    basis: Basis | None = Field(None, description="what most of its evidence is; now only")
    sources: list[SourceView] | None = Field(
        None, description="who says what of it, and what that counts for; now only"
    )
    knowing: list[CostView] | None = Field(
        None, description="what knowing it cost in the last seven days; now only"
    )

    @classmethod
    def of(cls, arm: ArmFacts) -> CandidateView:
        """As the table has it; what is known only now is left out."""
        return cls(
            deployment=arm.deployment,
            weight=arm.weight,
            success_mean=arm.success_mean,
            success_interval=(arm.success_low, arm.success_high),
            effective_samples=arm.effective_samples,
            expected_usd=arm.expected_usd,
            price=QuoteView(
                feed=arm.quote_feed,
                seen_at=arm.quote_seen_at,
                age_s=arm.price_age_s,
                input_usd_per_mtok=number(arm.input_usd_per_mtok),
                output_usd_per_mtok=number(arm.output_usd_per_mtok),
            ),
            limits=list(arm.limits),
        )


class RungView(Answer):
    """One rung of the price-quality ladder."""

    value_usd: float | None = Field(description="V, dollars per success; null is without bound")
    expected_usd: float
    expected_success: float
    weights: dict[str, float]


class CascadeView(Answer):
    """What "ask `deployment`, then maybe `to`" would do, and whether it is used."""

    deployment: str
    to: str
    weight: float = Field(description="chance that a request is served so")
    success_mean: float
    expected_usd: float
    escalated: float = Field(description="share of requests asked again")
    unsure: float = Field(description="share of answers without a confidence, all asked again")
    wrong_found: float
    right_passed: float
    judged: float = Field(description="judged answers by which the check is measured")
    gain: float = Field(
        description="success beyond a plain mixture of the two at the same cost; used above 0"
    )
    second: str | None = Field(
        description="who is asked beside `deployment` where their agreement is what counts; then "
        "the mixture is of any two, and it is used where `gain` is above `gain_error`"
    )
    gain_error: float | None = Field(description="standard error of `gain`, where it is measured")

    @classmethod
    def of(cls, facts: CascadeFacts) -> CascadeView:
        """As the table has it."""
        return cls.model_validate(asdict(facts))


class StretchView(Answer):
    """More success, by sending more to one deployment."""

    success_from: float
    success_to: float = Field(description="where all goes there")
    usd_per_1000_per_point: float = Field(
        description="dollars that 1,000 requests cost more for each hundredth of success"
    )
    deployment: str = Field(description='or the cascade "cheap > strong"')

    @classmethod
    def of(cls, each: Stretch) -> StretchView:
        """As beliefs have it."""
        return cls(
            success_from=each.success_from,
            success_to=each.success_to,
            usd_per_1000_per_point=each.usd_per_point,
            deployment=each.deployment,
        )


class SizeView(Answer):
    """Prompts of one class of size."""

    from_tokens: int = Field(description="estimated, as requests are before they are sent")
    below_tokens: int
    share: float = Field(description="of the requests of the task")

    @classmethod
    def of(cls, size: PromptSizes) -> SizeView:
        """As tables tell it."""
        return cls(from_tokens=size.from_tokens, below_tokens=size.below_tokens, share=size.share)


class WeightsView(Answer):
    """The weights of one route and task."""

    namespace: str
    route: str
    task: str
    policy: str
    version: int
    at: float
    value_usd: float | None = Field(description="V: what a success was worth in this solution")
    note: str
    decided_by: str = Field("", description="what chose the weights, and what moved them")
    size: SizeView | None = Field(
        None, description="prompts that these weights are for; null: all sizes together"
    )
    weights: dict[str, float]
    candidates: list[CandidateView]
    ruled_out: dict[str, str]
    cascades: list[CascadeView] = Field(default_factory=list)
    segment: str | None = Field(None, description="what a learnt segment holds, in words")
    ladder: list[RungView] | None = None
    further: list[StretchView] = Field(
        default_factory=list, description="what more success would cost, cheapest first"
    )

    @classmethod
    def of(cls, table: WeightTable) -> WeightsView:
        """A table of any moment, without ladder and segment."""
        return cls(
            namespace=table.cell.namespace,
            route=table.cell.route,
            task=table.cell.name,
            policy=table.policy,
            version=table.version,
            at=table.at,
            value_usd=table.value_usd,
            note=table.note,
            decided_by=table.decided_by,
            size=SizeView.of(table.size) if table.size else None,
            weights=dict(zip(table.deployments, table.weights, strict=True)),
            candidates=[CandidateView.of(arm) for arm in table.arms],
            ruled_out=table.reasons,
            cascades=[CascadeView.of(facts) for facts in table.cascades or ()],
            further=[StretchView.of(each) for each in further_success(table)],
        )


class WeightsAnswer(Answer):
    """One view a route and task, those with most evidence; others: how many more there are."""

    data: list[WeightsView]
    others: int


Floor = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
"""Least success."""

MOST_IMAGINED = 1000
"""Deployments whose prices are imagined at once."""


class WhatIf(Answer):
    """Prices to imagine, USD per million units, by deployment and meter, and other aims."""

    prices: dict[DeploymentName, dict[Name, Usd]] = Field({}, max_length=MOST_IMAGINED)
    quality_floor: Floor | None = Field(None, description="of every task; 0 is none")
    route_quality_floor: Floor | None = Field(None, description="over all traffic of the route")
    quality: Literal["economy", "balanced", "high", "max"] | None = None
    usd_per_day: Usd | None = Field(None, description="a budget's amount")
    usd_per_request: Usd | None = Field(None, description="a budget's amount")
    by_floor: bool = Field(False, description="the cheapest above the floors, and no other aim")
    route: DeploymentName | None = None
    task: Name | None = None
    conversation: Name | None = Field(
        None, description="the next turn of this one, by the name that its decisions tell"
    )

    def aims(self) -> Aims:
        """Those that are imagined."""
        return Aims(
            quality_floor=self.quality_floor,
            route_quality_floor=self.route_quality_floor,
            quality=self.quality,
            usd_per_day=self.usd_per_day,
            usd_per_request=self.usd_per_request,
            by_floor=self.by_floor,
        )


class WhatIfView(Answer):
    """Weights and expected dollars as they are and as they would be."""

    route: str
    task: str
    weights_now: dict[str, float]
    weights_then: dict[str, float]
    usd_per_request_now: float
    usd_per_request_then: float
    success_now: float | None = Field(description="expected of one request")
    success_then: float | None
    note_then: str = Field(description="what the objective could not be given")
    requests_per_day: float | None
    daily_bill_now_usd: float | None
    daily_bill_then_usd: float | None


class WhatIfAnswer(Answer):
    """One view a route and task."""

    data: list[WhatIfView]
