"""What the inspection calls answer with. Money is USD; prices are USD per million units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from windsock.core.model.decisions import (
    ArmFacts,
    CascadeFacts,
    Decision,
    Outcome,
    Shift,
    WeightTable,
)
from windsock.core.model.ticks import Quote
from windsock.core.model.units import MTOK


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


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
    prior: str | None = Field(None, description="whose public figures the prior leans on; now only")

    @classmethod
    def of(cls, arm: ArmFacts) -> CandidateView:
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
                input_usd_per_mtok=_number(arm.input_usd_per_mtok),
                output_usd_per_mtok=_number(arm.output_usd_per_mtok),
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

    @classmethod
    def of(cls, facts: CascadeFacts) -> CascadeView:
        return cls.model_validate(asdict(facts))


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
    weights: dict[str, float]
    candidates: list[CandidateView]
    ruled_out: dict[str, str]
    cascades: list[CascadeView] = []
    segment: str | None = Field(None, description="what a learnt segment holds, in words")
    ladder: list[RungView] | None = None

    @classmethod
    def of(cls, table: WeightTable) -> WeightsView:
        return cls(
            namespace=table.cell.namespace,
            route=table.cell.route,
            task=table.cell.task,
            policy=table.policy,
            version=table.version,
            at=table.at,
            value_usd=table.value_usd,
            note=table.note,
            weights=dict(zip(table.deployments, table.weights, strict=True)),
            candidates=[CandidateView.of(arm) for arm in table.arms],
            ruled_out=dict(table.ruled_out),
            cascades=[CascadeView.of(facts) for facts in table.cascades or ()],
        )


class WeightsAnswer(Answer):
    data: list[WeightsView]


class PriceView(Answer):
    """The price book's line for one deployment."""

    deployment: str
    is_priced: bool
    reason: str | None = Field(description="why it has no price, if it has none")
    feed: str | None = None
    feed_model: str | None = None
    quoted_at: float | None = None
    seen_at: float | None = None
    age_s: float | None = None
    is_stale: bool = False
    uncertainty: float | None = None
    usd_per_mtok: dict[str, float] = {}
    has_tiers: bool = False
    has_windows: bool = False


class PricesAnswer(Answer):
    data: list[PriceView]


class HistoryView(Answer):
    """One accepted quote."""

    deployment: str
    feed: str
    feed_model: str
    quoted_at: float | None
    seen_at: float
    usd_per_mtok: dict[str, float]

    @classmethod
    def of(cls, quote: Quote) -> HistoryView:
        return cls(
            deployment=quote.deployment,
            feed=quote.feed,
            feed_model=quote.feed_model,
            quoted_at=quote.quoted_at,
            seen_at=quote.seen_at,
            usd_per_mtok=numbers(quote.usd_per_mtok),
        )


class HistoryAnswer(Answer):
    data: list[HistoryView]


class HeldView(Answer):
    """A quote that is not believed yet."""

    deployment: str
    feed: str
    reason: str
    since: float
    polls: int
    usd_per_mtok: dict[str, float]


class QuarantineAnswer(Answer):
    data: list[HeldView]


class Ruling(Answer):
    """Which held quote to release or to drop."""

    deployment: str
    feed: str


class RulingAnswer(Answer):
    events: list[dict[str, Any]]


class DeploymentView(Answer):
    """Health of one deployment from live traffic and from status feeds."""

    deployment: str
    provider: str
    model: str
    state: str = Field(description="closed (in use), open (cooling down) or half_open (probing)")
    why_out: str | None
    cooldown_until: float | None
    reported: str
    p50_first_byte_ms: float | None
    p95_first_byte_ms: float | None
    latency_samples: int
    successes: int
    failures: int
    uptime: float | None
    capabilities: dict[str, Any]


class DeploymentsAnswer(Answer):
    data: list[DeploymentView]


class PastRate(Answer):
    """How often a deployment was right at a task, over how many prompts."""

    task: str
    deployment: str
    success: float = Field(ge=0, le=1, allow_inf_nan=False)
    count: float = Field(gt=0, allow_inf_nan=False)


class Lesson(Answer):
    """Beliefs to start from. strength: most rewards that one rate may count for."""

    route: str
    results: list[PastRate] = Field(min_length=1)
    strength: float = Field(default=50.0, gt=0, allow_inf_nan=False)


class LessonAnswer(Answer):
    lesson: int
    taught: int


class AlarmView(Answer):
    """A belief that an alarm has changed, and that can be put back."""

    route: str
    deployment: str
    mode: str = Field(description="doubt, lost, or steady after a change of the served model")
    statistic: float = Field(description="CUSUM of losses since the alarm")
    tasks: list[str]


class AlarmsAnswer(Answer):
    data: list[AlarmView]


class Undo(Answer):
    """Which alarm to take back."""

    route: str
    deployment: str


class WhatIf(Answer):
    """Prices to imagine, USD per million units, by deployment and meter."""

    prices: dict[str, dict[str, float]]
    route: str | None = None
    task: str | None = None


class WhatIfView(Answer):
    route: str
    task: str
    weights_now: dict[str, float]
    weights_then: dict[str, float]
    usd_per_request_now: float
    usd_per_request_then: float
    requests_per_day: float | None
    daily_bill_now_usd: float | None
    daily_bill_then_usd: float | None


class WhatIfAnswer(Answer):
    data: list[WhatIfView]


def numbers(prices: Mapping[Any, Decimal]) -> dict[str, float]:
    return {str(meter): float(price) for meter, price in prices.items()}


def usd_per_unit(price: Decimal | None) -> str | None:
    """OpenRouter's shape: a decimal string, USD per single token."""
    return None if price is None else format((price / MTOK).normalize(), "f")


def shift_view(shift: Shift) -> dict[str, Any]:
    return {
        "event": shift.kind,
        "deployment": shift.deployment,
        "at": shift.at,
        **{name: _plain(value) for name, value in shift.facts.items()},
    }


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def decision_facts(found: Outcome | Decision) -> dict[str, Any]:
    """A decision as it is exported: everything anyone's off-policy evaluation needs."""
    decision = found.decision if isinstance(found, Outcome) else found
    facts: dict[str, Any] = {
        "decision_id": decision.id,
        "number": decision.number,
        "at": decision.at,
        "route": decision.cell.route,
        "task": decision.cell.task,
        "is_task_guessed": decision.is_task_guessed,
        "requested_model": decision.requested_model,
        "deployment": decision.deployment,
        "propensity": decision.propensity,
        "escalates_to": decision.escalates_to,
        "table_version": decision.table_version,
        "prompt_tokens": decision.prompt_tokens,
    }
    if isinstance(found, Outcome):
        facts |= {
            "served": found.served,
            "ok": found.ok,
            "cost_usd": float(found.cost_usd),
            "finished_at": found.finished_at,
            "attempts": [
                {
                    "deployment": result.attempt.deployment,
                    "reason": result.attempt.reason.value,
                    "kind": result.kind.value,
                    "status": result.status,
                    "latency_s": result.latency_s,
                }
                for result in found.results
            ],
        }
    return facts
