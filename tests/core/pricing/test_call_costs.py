"""What one call costs: by its size, its tier, its use, and the moment at which it began."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.builders import CHEAP, START, answered, quote
from windsock.core.model.calls import Attempt, AttemptReason
from windsock.core.model.ticks import Tier
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.call_costs import call_cost_usd

MILLION = 1_000_000


def cost(usage: Usage | None, at: float = START, **facts: Any) -> Decimal | None:
    """Dollars of a call that began at `at`, from a book with tiers of size and of service."""
    book = PriceBook()
    sized = Tier(min_prompt_tokens=MILLION, usd_per_mtok={Meter.INPUT: Decimal(3)})
    fast = {"priority": {Meter.INPUT: Decimal(2)}}
    book.restore(
        [
            quote(usd=1.0, tiers=(sized,), service_tiers=fast),
            quote(usd=10.0, seen_at=START + 60.0),
        ]
    )
    attempt = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST, started_at=at)
    return call_cost_usd(answered(attempt, usage=usage, **facts), book)


@pytest.mark.parametrize(("tokens", "usd"), [(MILLION, 1), (2 * MILLION, 6)])
def test_a_call_is_priced_by_the_size_of_its_prompt(tokens: int, usd: int) -> None:
    assert cost(Usage(input_tokens=tokens)) == usd


def test_a_call_is_priced_by_the_tier_in_which_it_was_served() -> None:
    assert cost(Usage(input_tokens=MILLION), service_tier="priority") == 2
    assert cost(Usage(input_tokens=MILLION), service_tier="standard") == 1


def test_a_call_is_priced_at_the_moment_it_began() -> None:
    assert cost(Usage(input_tokens=MILLION), START + 59.0, latency_s=600.0) == 1
    assert cost(Usage(input_tokens=MILLION), START + 60.0) == 10


def test_a_call_before_any_price_costs_nobody_knows_what_and_one_without_use_nothing() -> None:
    assert cost(Usage(input_tokens=MILLION), START - 1.0) is None
    assert cost(None, START - 1.0) == 0
    billed = Decimal("0.5")
    assert cost(Usage(input_tokens=MILLION), START - 1.0, billed_usd=billed) == billed
