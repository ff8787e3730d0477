"""Which statement of a price a bill speaks for."""

from __future__ import annotations

from windsock.core.model.ticks import Quote
from windsock.core.pricing.comparison import Bill
from windsock.core.pricing.consensus.timeline import PriceTimeline
from windsock.core.pricing.facets.effective import EffectivePrices


def backed_quote(
    bill: Bill,
    effective: EffectivePrices,
    deployment: str,
    timeline: PriceTimeline,
    now: float,
    *,
    is_doubted: bool = False,
) -> Quote | None:
    """The statement that a bill brings into force or proves; None if it does neither.

    A bill that fits the price in force confirms it, and proves it where it is provisional or
    doubted and the bill is one of base prices. One that does not fit may be that of another
    statement, held or outvoted.

    is_doubted      comparable models cost so much more that its share is bounded
    """
    within = timeline.rules.bill_within
    current = effective.of(deployment, timeline, bill.at)
    if current is not None and bill.fits(current, within):
        timeline.confirm(now)
        believed = timeline.in_force(bill.at)
        is_open = timeline.standing.is_provisional or is_doubted
        is_open = is_open and believed is timeline.in_force(now)
        return believed if is_open and bill.is_standard else None
    held = [each.quote for each in timeline.held.values() if not each.is_final]
    direct = [quote for quote in timeline.statements.values() if not quote.is_indirect]
    for quote in (*held, *direct):
        if bill.backs(effective.billed(deployment, timeline, quote), now, within):
            return quote
    return None
