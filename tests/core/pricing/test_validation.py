"""What is believed at once, what waits and for what, and what is no price."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import quote
from windsock.core.model.ticks import Quote, Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.comparison import alike, says_less, weighted_median
from windsock.core.pricing.plausibility import suspicion
from windsock.core.pricing.rules import GuardRules
from windsock.core.pricing.validation import (
    Doubt,
    Evidence,
    invalid_reason,
    off_unit_usd,
    shrunk,
    without_vain_zeros,
)

RULES = GuardRules()
NIGHT = {"start_minute": 990, "end_minute": 30}


def stated(usd_in: str, usd_out: str, cached: str = "", **facts) -> Quote:
    prices = {Meter.INPUT: Decimal(usd_in), Meter.OUTPUT: Decimal(usd_out)}
    if cached:
        prices[Meter.CACHE_READ] = Decimal(cached)
    return quote(usd_per_mtok=prices, **facts)


def doubt(last: Quote, now: Quote, **ground) -> Doubt | None:
    return suspicion(now, Evidence(last=last, **ground), RULES)


LAST = stated("2", "8", "0.5")


@pytest.mark.parametrize("price", ["NaN", "sNaN", "Infinity", "-Infinity", "-1", "-0.000001"])
def test_what_is_no_number_or_negative_is_no_price_in_any_meter(price: str) -> None:
    assert invalid_reason(stated(price, "8"), RULES)
    assert invalid_reason(stated("2", "8", price), RULES)
    window = Window(**NIGHT, usd_per_mtok={Meter.INPUT: Decimal(price)})
    assert invalid_reason(replace(LAST, windows=(window,)), RULES)
    assert invalid_reason(
        replace(LAST, service_tiers={"flex": {Meter.INPUT: Decimal(price)}}), RULES
    )


@pytest.mark.parametrize(
    ("usd_in", "usd_out"),
    [("0", "8"), ("2", "0"), ("0", "0"), ("0.0009", "8"), ("1001", "8"), ("1e-12", "1e-12")],
)
def test_zero_without_a_reason_and_prices_off_the_band_are_no_prices(usd_in, usd_out) -> None:
    assert invalid_reason(stated(usd_in, usd_out), RULES)


def test_zero_with_a_reason_is_a_price() -> None:
    assert invalid_reason(stated("0", "0", zero_reason="local"), RULES) is None


def test_other_currencies_and_missing_meters_are_no_prices() -> None:
    reason = "stated in CNY, not in USD; [currencies.CNY] states no rate"
    assert invalid_reason(stated("2", "8", currency="CNY"), RULES) == reason
    assert invalid_reason(quote(usd_per_mtok={Meter.INPUT: Decimal(1)}), RULES)
    picture = {**LAST.usd_per_mtok, Meter.IMAGE: Decimal(11_000_000)}
    assert invalid_reason(quote(usd_per_mtok=picture), RULES)


def test_zeros_in_lesser_meters_mean_that_no_price_was_stated() -> None:
    prices = {**stated("2", "8", "0").usd_per_mtok, Meter.REASONING: Decimal(0)}
    cleaned = without_vain_zeros(quote(usd_per_mtok={**prices, Meter.IMAGE: Decimal(0)}))
    assert set(cleaned.usd_per_mtok) == {Meter.INPUT, Meter.OUTPUT, Meter.IMAGE}
    free = quote(usd_per_mtok=prices, zero_reason="local")
    assert without_vain_zeros(free) is free


@pytest.mark.parametrize("factor", ["0.5", "0.7", "1.3", "2", "4", "5"])
def test_moves_between_half_and_five_times_are_believed_at_once(factor: str) -> None:
    times = Decimal(factor)
    assert doubt(LAST, stated(str(2 * times), str(8 * times))) is None


@pytest.mark.parametrize(("factor", "polls"), [("6", 2), ("30", 2), ("0.49", 3), ("0.025", 3)])
def test_larger_falls_need_more_polls_than_larger_rises(factor: str, polls: int) -> None:
    found = doubt(LAST, stated(str(2 * Decimal(factor)), str(8 * Decimal(factor))))
    assert found is not None
    assert found.polls == polls


@pytest.mark.parametrize("factor", ["0.1", "0.0105", "10", "100", "0.15", "6.9", "0.019", "60"])
def test_unit_slips_other_currencies_and_absurd_moves_wait_for_proof(factor: str) -> None:
    found = doubt(stated("9", "36"), stated(str(9 * Decimal(factor)), str(36 * Decimal(factor))))
    assert found is not None
    assert found.polls is None


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (stated("0.5", "8", "0.5"), "input is priced like cached input"),
        (stated("2", "0.5"), "output"),
        (stated("2.1", "2.1"), "output is priced like input"),
        (stated("2", "0.8"), "output is priced far below input, or far above it"),
        (stated("0.2", "8"), "far above"),
        (stated("2", "80"), "far above"),
    ],
)
def test_a_price_in_anothers_place_waits_for_proof(now: Quote, reason: str) -> None:
    found = doubt(LAST, now)
    assert found is not None
    assert found.polls is None
    assert reason in found.reason


def test_a_fall_in_one_meter_hides_behind_no_other() -> None:
    assert doubt(LAST, stated("0.8", "8")) is not None
    assert doubt(LAST, stated("2", "3.5")) is not None
    assert doubt(LAST, stated("2", "8", "0.2")) is not None


def test_a_cheap_window_or_tier_is_a_fall_too() -> None:
    night = Window(**NIGHT, usd_per_mtok=stated("0.5", "2").usd_per_mtok)
    found = doubt(LAST, replace(LAST, windows=(night,)))
    assert found == Doubt("falls to 0.25 of the last price at once", 3)
    half = Window(**NIGHT, usd_per_mtok=stated("1", "4").usd_per_mtok)
    assert doubt(LAST, replace(LAST, windows=(half,))) is None


def test_a_window_or_tier_far_from_the_base_price_waits_for_proof() -> None:
    tier = Tier(min_prompt_tokens=1, usd_per_mtok={Meter.INPUT: Decimal("0.1")})
    found = doubt(LAST, replace(LAST, tiers=(tier,)))
    assert found is not None
    assert found.polls is None


def test_many_small_falls_in_a_day_are_measured_against_its_first_price() -> None:
    assert doubt(stated("1.2", "4.8"), stated("0.9", "3.6"), anchor=LAST) is not None


def test_what_others_keep_denying_needs_twelve_polls_and_time() -> None:
    found = doubt(LAST, stated("0.6", "2.4"), is_contradicted=True)
    assert found is not None
    assert (found.polls, found.seconds) == (12, 2_700)


LESSER = {
    Meter.CACHE_READ: "0.2",
    Meter.CACHE_WRITE: "2.5",
    Meter.CACHE_WRITE_1H: "4",
    Meter.REASONING: "8",
    Meter.AUDIO_INPUT: "20",
    Meter.AUDIO_OUTPUT: "40",
    Meter.IMAGE: "5000",
    Meter.REQUEST: "5000",
    Meter.WEB_SEARCH: "10000",
    Meter.WEB_SEARCH_LOW: "6000",
    Meter.WEB_SEARCH_MEDIUM: "10000",
    Meter.WEB_SEARCH_HIGH: "14000",
    Meter.AUDIO_CACHED: "2",
    Meter.INPUT_SECOND: "100",
    Meter.OUTPUT_SECOND: "100000",
    Meter.CACHE_STORAGE: "4.5",
    Meter.INPUT_CHARACTER: "30",
}
FULL = quote(
    usd_per_mtok={**LAST.usd_per_mtok, **{m: Decimal(usd) for m, usd in LESSER.items()}},
    tiers=(
        Tier(
            min_prompt_tokens=128_000,
            usd_per_mtok={Meter.INPUT: Decimal(4), Meter.OUTPUT: Decimal(12)},
        ),
    ),
    service_tiers={
        "flex": {Meter.INPUT: Decimal(1), Meter.OUTPUT: Decimal(4)},
        "priority": {Meter.INPUT: Decimal(4), Meter.OUTPUT: Decimal(16)},
    },
)


@pytest.mark.parametrize(("before", "now"), [("0.22", "0.072"), ("2.65", "0.99")])
def test_a_model_whose_input_and_output_cost_about_the_same_may_fall_to_one_price(
    before: str, now: str
) -> None:
    found = doubt(stated(before, str(Decimal(before) * Decimal("1.5"))), stated(now, now))
    assert found is not None
    assert found.polls == RULES.fall_polls


@pytest.mark.parametrize("times", ["0.01", "100"])
@pytest.mark.parametrize("meter", Meter)
def test_a_hundred_times_more_or_less_in_one_meter_is_never_released_by_polls(meter, times) -> None:
    prices = {**FULL.usd_per_mtok, meter: FULL.usd_per_mtok[meter] * Decimal(times)}
    found = doubt(FULL, replace(FULL, usd_per_mtok=prices))
    assert found is not None
    assert found.polls is None
    if meter in LESSER:
        assert found.cautious == FULL


@pytest.mark.parametrize("times", ["0.01", "0.11", "9", "100"])
@pytest.mark.parametrize("place", ["tier", "flex", "priority"])
def test_sizes_and_service_tiers_are_guarded_as_the_base_is(place, times) -> None:
    def off(prices):
        return {meter: usd * Decimal(times) for meter, usd in prices.items()}

    if place == "tier":
        spoilt = replace(
            FULL, tiers=(replace(FULL.tiers[0], usd_per_mtok=off(FULL.tiers[0].usd_per_mtok)),)
        )
    else:
        tiers = {**FULL.service_tiers, place: off(FULL.service_tiers[place])}
        spoilt = replace(FULL, service_tiers=tiers)
    assert doubt(FULL, spoilt) is not None


@pytest.mark.parametrize("bound", [128, 1280, 12_800, 1_280_000, 12_800_000])
def test_a_size_of_another_order_waits_for_proof(bound) -> None:
    found = doubt(FULL, replace(FULL, tiers=(replace(FULL.tiers[0], min_prompt_tokens=bound),)))
    assert found is not None
    assert found.polls is None


def test_a_size_that_moves_to_another_that_is_sold_is_believed() -> None:
    moved = replace(FULL, tiers=(replace(FULL.tiers[0], min_prompt_tokens=200_000),))
    assert doubt(FULL, moved) is None


def test_a_lesser_meter_in_doubt_does_not_keep_the_rest_from_being_believed() -> None:
    prices = {**FULL.usd_per_mtok, Meter.INPUT: Decimal("1.8"), Meter.REASONING: Decimal("0.08")}
    found = doubt(FULL, replace(FULL, usd_per_mtok=prices))
    assert found is not None
    assert found.cautious is not None
    assert found.cautious.usd_per_mtok == {**FULL.usd_per_mtok, Meter.INPUT: Decimal("1.8")}


def test_a_first_listing_is_taken_without_its_odd_meters() -> None:
    prices = {
        **LAST.usd_per_mtok,
        Meter.CACHE_READ: Decimal(200),
        Meter.REQUEST: Decimal(9_000_000),
    }
    found = suspicion(quote(usd_per_mtok=prices), Evidence(), RULES)
    assert found is not None
    assert found.cautious is not None
    assert found.cautious.usd_per_mtok[Meter.CACHE_READ] == 3
    assert found.cautious.usd_per_mtok[Meter.REQUEST] == 100_000


def test_a_first_price_dearer_than_anything_sold_waits_for_proof() -> None:
    assert suspicion(stated("500", "500"), Evidence(), RULES) is not None
    assert suspicion(stated("150", "600"), Evidence(), RULES) is None


def test_the_end_of_a_free_offer_is_believed_at_once_and_its_start_is_not() -> None:
    free = stated("0", "0", zero_reason="promo")
    assert doubt(free, stated("2", "8")) is None
    found = doubt(LAST, free)
    assert found == Doubt("becomes free")


def test_float_noise_is_no_move() -> None:
    assert alike(stated("0.4", "1.04"), stated("0.39999999999999997", "1.0399999999999998"), RULES)
    assert not alike(stated("0.4", "1.04"), stated("0.4", "1.05"), RULES)
    night = Window(**NIGHT, usd_per_mtok=stated("1", "4").usd_per_mtok)
    late = replace(night, end_minute=60)
    assert not alike(replace(LAST, windows=(night,)), replace(LAST, windows=(late,)), RULES)


def test_a_plain_price_that_holds_in_some_window_says_less_not_otherwise() -> None:
    peak = Window(start_minute=60, end_minute=240, usd_per_mtok=stated("4", "16").usd_per_mtok)
    fuller = replace(LAST, windows=(peak,))
    assert says_less(stated("2", "8"), fuller, RULES)
    assert says_less(stated("4", "16"), fuller, RULES)
    assert not says_less(stated("3", "12"), fuller, RULES)


def test_the_weighted_median_takes_the_dearer_side_of_a_tie() -> None:
    one, two, three = Decimal(1), Decimal(2), Decimal(3)
    assert weighted_median([(one, 0.5), (two, 0.5)]) == two
    assert weighted_median([(one, 0.9), (two, 0.3), (three, 0.3)]) == one
    assert weighted_median([(three, 0.6), (one, 0.7), (two, 0.8)]) == two


def test_a_feed_that_shrank_by_more_than_half_is_refused() -> None:
    assert shrunk(1000, 499)
    assert not shrunk(1000, 500)
    assert not shrunk(0, 0)
    assert shrunk(1000, 899, GuardRules(least_share=0.9))


@pytest.mark.parametrize(
    ("usd", "rows", "middle"),
    [
        ("0.5", 100, None),
        ("0.075", 20, None),  # the least of any public list with as many prices
        ("5", 20, None),  # the most
        ("0.075", 19, None),
        ("75", 20, "75"),
        ("75", 19, None),
        ("500", 100, "500"),
        ("0.005", 20, "0.005"),
        ("0.0000005", 100, "0.0000005"),
    ],
)
def test_a_list_in_another_unit_is_known_by_its_middle(
    usd: str, rows: int, middle: str | None
) -> None:
    zeros = [Decimal(0), Decimal(-1), Decimal("NaN")] * rows
    found = off_unit_usd([Decimal(usd)] * rows + zeros)
    assert found == (None if middle is None else Decimal(middle))
