"""What a weight table tells of its candidates and cascades, besides their weights."""

from __future__ import annotations

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.model.decisions import ArmFacts, CascadeFacts
from windsock.core.model.units import Meter
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.views import CellView
from windsock.core.pricing.prices_in_force import PricesInForce
from windsock.core.routing.weights.moment import Moment


def arms_of(
    view: CellView, weighing: Weighing, beliefs: Beliefs, book: PricesInForce, moment: Moment
) -> tuple[ArmFacts, ...]:
    """A line for each candidate of a weight table."""
    summaries = beliefs.summaries(view.cell, view.deployments)
    limits = weighing.limits or ((),) * len(weighing.weights)
    lines = zip(view.deployments, weighing.weights, view.asked_usd, summaries, limits, strict=True)
    return tuple(_arm(*line, book, moment) for line in lines)


def _arm(
    name: str,
    weight: float,
    usd: float,
    belief: BeliefSummary,
    limits: tuple[str, ...],
    book: PricesInForce,
    moment: Moment,
) -> ArmFacts:
    quote, age_s = moment.quoted(name)
    flat = moment.prices(name) or {}
    return ArmFacts(
        deployment=name,
        weight=weight,
        success_mean=belief.mean,
        success_low=belief.low,
        success_high=belief.high,
        effective_samples=belief.effective_samples,
        expected_usd=usd,
        input_usd_per_mtok=flat.get(Meter.INPUT),
        output_usd_per_mtok=flat.get(Meter.OUTPUT),
        quote_feed=quote.feed if quote else None,
        quote_seen_at=quote.seen_at if quote else None,
        price_age_s=age_s,
        limits=(
            *limits,
            *("stale price",) * book.is_stale(age_s),
            *("provisional price",) * moment.standing(name).is_provisional,
        ),
    )


def cascades_of(view: CellView, weighing: Weighing | None) -> tuple[CascadeFacts, ...] | None:
    """None under a policy that does not weigh cascades."""
    if view.compounds is None or weighing is None or weighing.cascading is None:
        return None
    return tuple(
        compound.facts(weight)
        for compound, weight in zip(view.compounds, weighing.cascading, strict=True)
    )
