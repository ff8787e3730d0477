"""Size, service tier and hour at once: terms multiply, and a combination that is stated wins."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START, quote
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.schedule import flat_prices

IN, OUT, READ, WRITE, HOUR = (
    Meter.INPUT,
    Meter.OUTPUT,
    Meter.CACHE_READ,
    Meter.CACHE_WRITE,
    Meter.CACHE_WRITE_1H,
)
NIGHT = datetime(2026, 11, 20, 23, tzinfo=UTC).timestamp()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def usd(**prices: float | str) -> dict[Meter, Decimal]:
    return {Meter(name): Decimal(str(price)) for name, price in prices.items()}


GPT = quote(
    usd_per_mtok=usd(input=2.5, output=15, cache_read=0.25),
    tiers=(Tier(min_prompt_tokens=272_000, usd_per_mtok=usd(input=5, output=22.5)),),
    service_tiers={
        "flex": usd(input=1.25, output=7.5),
        "priority": usd(input=5, output=30, cache_read=0.5),
    },
)
"""gpt-5.4 (developers.openai.com/api/docs/pricing): twice input above 272,000, flex at half."""

CLAUDE = quote(
    usd_per_mtok=usd(input=3, output=15, cache_read=0.3, cache_write=3.75, cache_write_1h=6),
    tiers=(Tier(min_prompt_tokens=200_000, usd_per_mtok=usd(input=6, output=22.5)),),
    service_tiers={"batch": usd(input=1.5, output=7.5)},
)
"""claude-sonnet-4-5 (platform.claude.com/docs/en/about-claude/pricing): all modifiers stack."""


@pytest.mark.parametrize(
    ("priced", "size", "tier", "expected"),
    [
        (GPT, 1000, None, usd(input=2.5, output=15, cache_read=0.25)),
        (GPT, 1000, "flex", usd(input=1.25, output=7.5, cache_read=0.125)),
        (GPT, 300_000, None, usd(input=5, output=22.5, cache_read=0.5)),
        (GPT, 300_000, "flex", usd(input=2.5, output=11.25, cache_read=0.25)),
        (GPT, 300_000, "priority", usd(input=10, output=45, cache_read=1)),
        (GPT, 300_000, "default", usd(input=5, output=22.5, cache_read=0.5)),
        (
            CLAUDE,
            300_000,
            None,
            usd(input=6, output=22.5, cache_read=0.6, cache_write=7.5, cache_write_1h=12),
        ),
        (
            CLAUDE,
            300_000,
            "batch",
            usd(input=3, output=11.25, cache_read=0.3, cache_write=3.75, cache_write_1h=6),
        ),
    ],
)
def test_size_and_service_tier_multiply(priced, size, tier, expected) -> None:
    assert flat_prices(priced, NOON, prompt_tokens=size, service_tier=tier) == expected


def test_a_combination_that_a_feed_states_wins_over_the_product() -> None:
    stated = Tier(min_prompt_tokens=272_000, usd_per_mtok=usd(input=2.4), service_tier="flex")
    both = quote(
        usd_per_mtok=GPT.usd_per_mtok, tiers=(*GPT.tiers, stated), service_tiers=GPT.service_tiers
    )
    flex = flat_prices(both, NOON, prompt_tokens=300_000, service_tier="flex")
    assert flex == usd(input=2.4, output=11.25, cache_read=0.25)
    assert flat_prices(both, NOON, prompt_tokens=300_000)[IN] == 5
    assert flat_prices(both, NOON, prompt_tokens=300_000, service_tier="priority")[IN] == 10


def test_an_hour_multiplies_with_size_and_tier() -> None:
    night = Window(start_minute=1320, end_minute=360, usd_per_mtok=usd(input=1.25, output=7.5))
    priced = quote(
        usd_per_mtok=GPT.usd_per_mtok,
        tiers=GPT.tiers,
        service_tiers=GPT.service_tiers,
        windows=(night,),
    )
    assert flat_prices(priced, NIGHT)[IN] == Decimal("1.25")
    assert flat_prices(priced, NIGHT, prompt_tokens=300_000)[IN] == Decimal("2.5")
    flex = flat_prices(priced, NIGHT, prompt_tokens=300_000, service_tier="flex")
    assert flex == usd(input=1.25, output=5.625, cache_read=0.25)


def test_an_hour_for_large_prompts_states_their_price_whole() -> None:
    night = Window(
        start_minute=1320, end_minute=360, min_prompt_tokens=200_000, usd_per_mtok=usd(input=0.9)
    )
    priced = quote(
        usd_per_mtok=usd(input=0.6, output=2.2),
        tiers=(Tier(min_prompt_tokens=200_000, usd_per_mtok=usd(input=1.2, output=4.4)),),
        windows=(night,),
    )
    assert flat_prices(priced, NIGHT, prompt_tokens=300_000) == usd(input=0.9, output=4.4)
    assert flat_prices(priced, NIGHT, prompt_tokens=1000)[IN] == Decimal("0.6")


def test_a_meter_of_its_own_under_a_term_keeps_what_the_term_says() -> None:
    thinking = quote(
        usd_per_mtok=usd(input=1, output=4),
        tiers=(Tier(min_prompt_tokens=1000, usd_per_mtok=usd(output=8, reasoning=10)),),
    )
    assert flat_prices(thinking, START, prompt_tokens=2000) == usd(input=1, output=8, reasoning=10)


PRICES = st.decimals("0.01", "100", places=2)


@given(base=PRICES, sized=PRICES, served=PRICES, factor=st.integers(2, 9))
def test_scaling_every_price_scales_what_is_billed(base, sized, served, factor) -> None:
    def priced(by: int):
        return quote(
            usd_per_mtok={IN: base * by, OUT: base * 4 * by, READ: base * by / 10},
            tiers=(Tier(min_prompt_tokens=10, usd_per_mtok={IN: sized * by}),),
            service_tiers={"flex": {IN: served * by}},
        )

    one, many = (
        flat_prices(priced(by), START, prompt_tokens=11, service_tier="flex") for by in (1, factor)
    )
    for meter in (IN, OUT, READ):
        assert float(many[meter]) == pytest.approx(float(one[meter]) * factor)


def test_fast_is_priority_where_a_list_knows_only_the_older_name() -> None:
    def served(**tiers: dict[Meter, Decimal]) -> Quote:
        return quote(service_tiers=tiers)

    double, triple = ({m: k * usd for m, usd in quote().usd_per_mtok.items()} for k in (2, 3))
    assert flat_prices(served(priority=double), START, service_tier="fast") == double
    assert flat_prices(served(priority=double, fast=triple), START, service_tier="fast") == triple
    plain = quote().usd_per_mtok
    assert flat_prices(served(fast=triple), START, service_tier="priority") == plain
