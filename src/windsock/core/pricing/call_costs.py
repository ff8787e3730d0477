"""What one call costs: one rule for the service, its streams, simulations and re-reckoned logs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Protocol

from windsock.core.model.calls import CallResult
from windsock.core.model.units import MTOK, Counts, Meter, Prices, Usage, cost_usd
from windsock.core.pricing.rules import DEFAULT_RULES

BILL_FACTOR = 5
"""How many times dearer or cheaper than reckoned a bill may be and be believed."""

MOST_USD_PER_SEARCH = Decimal("0.05")
"""The dearest search sold; Perplexity's and OpenRouter's are 0.005 to 0.022."""


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
    """Dollars of one call: its use at our price, or the provider's bill where that is plausible.

    The price is that of the moment at which the call began, whatever has become of it since. A
    call that used nothing costs 0; one whose use has no price is None, for nobody knows, unless a
    plausible bill says it.
    """
    usage, billed = result.usage, result.billed_usd
    if usage is None:
        return None if billed else Decimal(0)
    prices = _prices(result, usage, source)
    reckoned = None if prices is None else known_cost_usd(usage.counts(), prices)
    if billed and is_plausible_bill(billed, usage, prices or {}, reckoned):
        return billed
    return reckoned


def with_judged_bill(result: CallResult, source: PriceSource) -> CallResult:
    """A call with what its bill is held against, and whether it is doubted; as it is without one.

    A bill of 0 says nothing, and is none.
    """
    usage, billed = result.usage, result.billed_usd
    if usage is None or billed is None or billed <= 0:
        return result
    prices = _prices(result, usage, source)
    counted = None if prices is None else known_cost_usd(usage.counts(), prices)
    is_plausible = is_plausible_bill(billed, usage, prices or {}, counted)
    return replace(result, counted_usd=counted, is_bill_doubted=not is_plausible)


def _prices(result: CallResult, usage: Usage, source: PriceSource) -> Prices | None:
    """Those that held for a call."""
    return source.prices(
        result.attempt.deployment,
        result.attempt.started_at,
        prompt_tokens=usage.prompt_tokens,
        service_tier=result.service_tier,
    )


def is_plausible_bill(
    billed_usd: Decimal, usage: Usage, prices: Prices, reckoned_usd: Decimal | None
) -> bool:
    """True if a bill may be what the call cost.

    Between a fifth and five times what was reckoned: wider than any service tier, discount or
    silent change of price but the rarest (0.5 to 2.5), narrower than a slip of currency (6.5) or
    unit (10). Where nothing could be reckoned, within what is a price of a token at all
    (`GuardRules`). A bill of 0 says nothing, for gateways that know no price write it.

    prices      that held for the call; searches without one may have cost what the dearest do
    """
    if billed_usd <= 0:
        return False
    fees = 0 if Meter.WEB_SEARCH in prices else usage.searches * MOST_USD_PER_SEARCH
    if reckoned_usd is not None:
        least, most = reckoned_usd / BILL_FACTOR, reckoned_usd * BILL_FACTOR + fees
    else:
        tokens = usage.prompt_tokens + usage.completion_tokens
        least = DEFAULT_RULES.least_usd_per_mtok * tokens / MTOK
        most = DEFAULT_RULES.most_usd_per_mtok * tokens / MTOK + fees
    return least <= billed_usd <= most


def known_cost_usd(counts: Counts, prices: Prices) -> Decimal | None:
    """Dollars for these units at these prices; None if one of their meters has no price."""
    try:
        return cost_usd(counts, prices)
    except KeyError:
        return None
