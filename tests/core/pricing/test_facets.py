"""One base, and each meter and term from the best feed that agrees on it; contracts on top."""

import itertools
from decimal import Decimal

import pytest

from tests.builders import CHEAP, START, quote
from windsock.core.model.ticks import Quote, Tier
from windsock.core.model.units import Meter, Usage
from windsock.core.pricing.book import PriceBook
from windsock.core.pricing.facets.contract import Adjustment

HOUR, DAY = 3600.0, 86_400.0


def usd(**prices: float | str) -> dict[Meter, Decimal]:
    return {Meter(name): Decimal(str(price)) for name, price in prices.items()}


BASE = quote(feed="leader", trust=0.9, usd_per_mtok=usd(input=2.5, output=15, cache_read=0.25))
FLEX = quote(
    feed="map",
    trust=0.6,
    usd_per_mtok=usd(input=2.5, output=15, cache_read=0.3, cache_write=3, web_search=10_000),
    service_tiers={"flex": usd(input=1.25, output=7.5)},
    tiers=(Tier(min_prompt_tokens=272_000, usd_per_mtok=usd(input=5, output=22.5)),),
)
OTHER = quote(
    feed="other",
    trust=0.5,
    usd_per_mtok=usd(input=2.5, output=15, cache_write=2.9),
    service_tiers={"flex": usd(input=1.2), "batch": usd(input=1.25, output=7.5)},
)
APART = quote(
    feed="apart",
    trust=0.8,
    usd_per_mtok=usd(input=2, output=12, reasoning=30),
    service_tiers={"priority": usd(input=4, output=24)},
)


def book_of(*quotes: Quote, now: float = START) -> PriceBook:
    book = PriceBook()
    for each in quotes:
        book.absorb(each, now)
    return book


@pytest.mark.parametrize("order", list(itertools.permutations([BASE, FLEX, OTHER])))
def test_facets_come_from_the_best_feed_that_agrees_whatever_the_order(order) -> None:
    book = book_of(*order)
    prices = book.prices(CHEAP, START)
    assert {m: prices[m] for m in (Meter.INPUT, Meter.OUTPUT)} == usd(input=2.5, output=15)
    assert prices[Meter.CACHE_WRITE] == 3
    assert prices[Meter.WEB_SEARCH] == 10_000
    flex = book.prices(CHEAP, START, service_tier="flex")
    assert (flex[Meter.INPUT], flex[Meter.OUTPUT]) == (Decimal("1.25"), Decimal("7.5"))
    assert book.prices(CHEAP, START, service_tier="batch")[Meter.INPUT] == Decimal("1.25")
    long = book.prices(CHEAP, START, prompt_tokens=300_000, service_tier="flex")
    assert long[Meter.INPUT] == Decimal("2.5")


def test_a_feed_with_another_base_completes_nothing() -> None:
    book = book_of(BASE, APART)
    assert Meter.REASONING not in book.prices(CHEAP, START)
    assert book.prices(CHEAP, START, service_tier="priority")[Meter.INPUT] == Decimal("2.5")


def test_the_words_of_the_feed_in_force_always_stand() -> None:
    assert book_of(BASE, FLEX).prices(CHEAP, START)[Meter.CACHE_READ] == Decimal("0.25")


@pytest.mark.parametrize(
    "facts",
    [
        {"usd_per_mtok": usd(input=2.5, output=15, reasoning="0.15")},
        {"usd_per_mtok": usd(input=2.5, output=15, cache_write=300)},
        {"usd_per_mtok": usd(input=2.5, output=15, request=9_000_000)},
        {"usd_per_mtok": usd(input=2.5, output=15), "service_tiers": {"flex": usd(input="0.02")}},
    ],
)
def test_a_facet_that_can_hardly_be_true_is_not_taken_over(facts) -> None:
    book = book_of(BASE, quote(feed="map", trust=0.6, **facts))
    assert book.prices(CHEAP, START) == BASE.usd_per_mtok
    assert book.prices(CHEAP, START, service_tier="flex") == BASE.usd_per_mtok


def test_a_facet_learnt_later_moves_weights_and_not_what_was_billed_before() -> None:
    book = book_of(BASE)
    version = book.version
    later = START + HOUR
    book.absorb(quote(feed="map", trust=0.6, seen_at=later, usd_per_mtok=FLEX.usd_per_mtok), later)
    assert book.changed_since(version, [CHEAP])
    used = Usage(cache_write_tokens=1_000_000)
    assert book.cost_usd(CHEAP, used, START + 1) == Decimal("2.500001") - Decimal("0.000001")
    assert book.cost_usd(CHEAP, used, later) == 3


def test_a_fall_of_the_base_leaves_facets_of_the_old_one_behind() -> None:
    book = book_of(BASE, FLEX)
    later = START + HOUR
    fallen = quote(feed="leader", trust=0.9, seen_at=later, usd_per_mtok=usd(input=2, output=12))
    book.absorb(fallen, later)
    assert book.prices(CHEAP, later) == fallen.usd_per_mtok
    assert book.prices(CHEAP, later, service_tier="flex") == fallen.usd_per_mtok


def test_a_contract_follows_the_feed_and_a_bill_of_it_confirms_the_list() -> None:
    book = book_of(BASE)
    book.adjust({CHEAP: [Adjustment(reason="discount", share=Decimal("-0.15"), source="2026")]})
    assert book.prices(CHEAP, START) == usd(input=2.125, output=12.75, cache_read=0.2125)
    later = START + HOUR
    book.absorb(
        quote(feed="leader", trust=0.9, seen_at=later, usd_per_mtok=usd(input=2, output=12)), later
    )
    assert book.prices(CHEAP, later) == usd(input=1.7, output=10.2)
    used = Usage(input_tokens=1_000_000)
    assert book.confirm_bill(CHEAP, used, Decimal("1.7"), later, later + DAY) == []
    assert book.status(CHEAP, later + DAY).age_s == 0


def test_adjustments_multiply_and_the_owners_own_price_is_billed_as_it_stands() -> None:
    fees = [
        Adjustment(reason="regional_uplift", share=Decimal("0.1")),
        Adjustment(reason="gateway_fee", share=Decimal("0.05")),
    ]
    listed, own = book_of(BASE), book_of(quote(feed="config", trust=1.0))
    for book in (listed, own):
        book.adjust({CHEAP: fees})
    assert listed.prices(CHEAP, START)[Meter.INPUT] == Decimal("2.8875")
    assert own.prices(CHEAP, START)[Meter.INPUT] == 1


SEARCHED = quote(
    feed="map",
    trust=0.6,
    usd_per_mtok=usd(
        input=3, output=15, web_search=10_000, web_search_low=6_000, web_search_high=14_000
    ),
)
A_REQUEST = quote(
    feed="other", trust=0.5, usd_per_mtok=usd(input=3, output=15, request=14_000, reasoning=15)
)


@pytest.mark.parametrize("order", [(SEARCHED, A_REQUEST), (A_REQUEST, SEARCHED)])
def test_a_fee_that_two_lists_name_otherwise_is_billed_once(order) -> None:
    book = book_of(*order)
    used = Usage(low_web_searches=1)
    assert book.cost_usd(CHEAP, used, START) == Decimal("0.006")
    assert book.cost_usd(CHEAP, Usage(medium_web_searches=1), START) == Decimal("0.01")
    assert book.prices(CHEAP, START)[Meter.REASONING] == 15


@pytest.mark.parametrize("is_reversed", [False, True])
def test_bounds_one_token_apart_are_one_and_begin_where_the_exact_list_says(is_reversed) -> None:
    long = usd(input=5, output=30)
    above = quote(
        feed="map", trust=0.6, usd_per_mtok=usd(input=2.5, output=15),
        tiers=(Tier(min_prompt_tokens=200_000, usd_per_mtok=long),
               Tier(min_prompt_tokens=200_000, usd_per_mtok=usd(input=2), service_tier="flex")),
        service_tiers={"flex": usd(input=1.25, output=7.5)},
    )  # fmt: skip
    exact = quote(
        feed="other", trust=0.5, usd_per_mtok=usd(input=2.5, output=15),
        tiers=(Tier(min_prompt_tokens=199_999, usd_per_mtok={**long, **usd(cache_write=6)}),),
    )  # fmt: skip
    book = book_of(*((exact, above) if is_reversed else (above, exact)))

    def at(size: int, tier: str | None = None) -> dict[Meter, Decimal]:
        return book.prices(CHEAP, START, prompt_tokens=size, service_tier=tier)

    assert at(199_999) == usd(input=2.5, output=15)
    assert at(200_000) == usd(input=5, output=30, cache_write=6)
    assert at(200_000, "flex")[Meter.INPUT] == 2
