"""How a deployment's price stands: what is in force, how old, how sure, what is held back."""

from __future__ import annotations

from dataclasses import dataclass

from windsock.core.model.ticks import Quote
from windsock.core.pricing.timeline import PriceTimeline
from windsock.core.pricing.validation import Held

UNPRICED = "no feed quotes a price"
"""Why there is no price where nobody ever stated one."""

DAY_S = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStatus:
    """How a deployment's price stands.

    reason          why there is none, if there is none
    age_s           since a feed or a bill last confirmed it
    uncertainty     relative: what other feeds disagree by, and more with every day of age
    vanished        feeds that once listed it and no longer do
    """

    quote: Quote | None
    reason: str | None
    age_s: float | None
    is_stale: bool
    uncertainty: float
    held: tuple[Held, ...]
    vanished: tuple[str, ...] = ()


def status_of(timeline: PriceTimeline, now: float, *, billed_as: str | None) -> PriceStatus:
    """How the price of a timeline stands at `now`.

    billed_as   the deployment that answers instead, if another does
    """
    quote = timeline.in_force(now)
    age_s = timeline.age_s(quote, now)
    return PriceStatus(
        quote=quote,
        reason=None if quote else _why_unpriced(timeline, billed_as),
        age_s=age_s,
        is_stale=age_s is not None and age_s > timeline.rules.stale_s,
        uncertainty=_uncertainty(timeline, quote, age_s, now),
        held=tuple(timeline.held.values()),
        vanished=tuple(sorted(timeline.vanished)),
    )


def _uncertainty(
    timeline: PriceTimeline, quote: Quote | None, age_s: float | None, now: float
) -> float:
    if quote is None or age_s is None:
        return 1.0
    aged = age_s / DAY_S * timeline.rules.uncertainty_per_day
    return min(1.0, aged + timeline.disagreement(quote, now))


def _why_unpriced(timeline: PriceTimeline, billed_as: str | None) -> str:
    if billed_as is not None:
        return f"answers come from {billed_as}, whose price is not known"
    for held in timeline.held.values():
        return f"price held: {held.quote.feed} {held.reason}"
    return "price is not in force yet, or no longer" if timeline.accepted else UNPRICED
