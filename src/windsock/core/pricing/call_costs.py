"""What one call costs: one rule for the service, its streams, simulations and re-reckoned logs."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from windsock.core.model.calls import CallResult
from windsock.core.model.units import Counts, Prices, cost_usd


class PriceSource(Protocol):
    """Who knows what was billed at a moment: the price book, or the world of a simulation."""

    def prices(
        self,
        deployment: str,
        at: float,
        /,
        *,
        prompt_tokens: int = 0,
        service_tier: str | None = None,
    ) -> Prices | None:
        """Flat prices by meter for one request at this hour and of this size."""


def call_cost_usd(result: CallResult, source: PriceSource) -> Decimal | None:
    """Dollars of one call: as billed where its provider says so, else its use at our price.

    The price is that of the moment at which the call began, whatever has become of it since. A
    call that used nothing costs 0; one whose use has no price is None, for nobody knows.
    """
    if result.billed_usd is not None:
        return result.billed_usd
    usage = result.usage
    if usage is None:
        return Decimal(0)
    prices = source.prices(
        result.attempt.deployment,
        result.attempt.started_at,
        prompt_tokens=usage.prompt_tokens,
        service_tier=result.service_tier,
    )
    return None if prices is None else known_cost_usd(usage.counts(), prices)


def known_cost_usd(counts: Counts, prices: Prices) -> Decimal | None:
    """Dollars for these units at these prices; None if one of their meters has no price."""
    try:
        return cost_usd(counts, prices)
    except KeyError:
        return None
