"""A price laid out by size, service tier and hour, each line as a request would pay it."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import START, quote
from windsock.core.model.ticks import Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.price_table import price_lines, sizes, spells
from windsock.core.pricing.schedule import flat_prices

NOON = 1_790_078_400.0  # 2026-09-22 12:00 UTC, a Tuesday


def usd(**prices: float) -> dict[Meter, Decimal]:
    return {Meter(name): Decimal(str(each)) for name, each in prices.items()}


NIGHT = Window(start_minute=990, end_minute=30, usd_per_mtok=usd(input=0.5, output=2))
LONG = Tier(min_prompt_tokens=200_000, usd_per_mtok=usd(input=2, output=6))


def test_a_plain_price_is_one_line() -> None:
    (line,) = price_lines(quote(), [quote()], NOON)
    assert (line.from_prompt_tokens, line.service_tier, line.open_windows) == (0, None, ())
    assert line.usd_per_mtok == quote().usd_per_mtok
    assert set(line.feed_by_meter.values()) == {"sheet"}


def test_sizes_tiers_and_hours_are_all_multiplied_out() -> None:
    whole = quote(tiers=(LONG,), windows=(NIGHT,), service_tiers={"flex": usd(input=0.5, output=2)})
    lines = {
        (line.service_tier, line.open_windows, line.from_prompt_tokens): line.usd_per_mtok
        for line in price_lines(whole, [whole], NOON)
    }
    assert len(lines) == 2 * 2 * 2
    assert lines[None, (), 200_001][Meter.INPUT] == 2
    assert lines["flex", (), 200_001][Meter.INPUT] == 1
    assert lines["flex", (0,), 200_001][Meter.INPUT] == Decimal("0.5")


def test_a_bound_from_which_on_a_price_holds_begins_a_token_earlier() -> None:
    both = quote(tiers=(LONG, Tier(min_prompt_tokens=128_000, is_strict=False, usd_per_mtok={})))
    assert sizes(both) == [0, 128_000, 200_001]


def test_hours_that_never_meet_are_no_line_together() -> None:
    weekend = Window(
        days=frozenset({6, 7}), start_minute=0, end_minute=1440, usd_per_mtok=usd(input=0.1)
    )
    work = Window(
        days=frozenset({1, 2, 3, 4, 5}), start_minute=540, end_minute=1020,
        usd_per_mtok=usd(input=3),
    )  # fmt: skip
    assert list(spells(quote(windows=(weekend, work)), NOON)) == [(), (0,), (1,)]


def test_a_window_of_all_hours_leaves_no_line_outside_it() -> None:
    always = Window(start_minute=0, end_minute=1440, usd_per_mtok=usd(input=0.1))
    assert list(spells(quote(windows=(always,)), NOON)) == [(0,)]


def test_each_meter_and_term_names_the_feed_that_states_it() -> None:
    base = quote()
    more = quote(
        feed="map", service_tiers={"flex": usd(input=0.5, output=2)}, tiers=(LONG,),
        usd_per_mtok={**base.usd_per_mtok, **usd(cache_read=0.1)},
    )  # fmt: skip
    in_force = quote(
        usd_per_mtok=more.usd_per_mtok, service_tiers=more.service_tiers, tiers=more.tiers
    )
    lines = {
        (line.service_tier, line.from_prompt_tokens): line.feed_by_meter
        for line in price_lines(in_force, [base, more], NOON)
    }
    assert lines[None, 0] == {
        Meter.INPUT: "sheet", Meter.OUTPUT: "sheet", Meter.CACHE_READ: "map",
    }  # fmt: skip
    assert lines["flex", 0][Meter.INPUT] == "map"
    assert lines[None, 200_001][Meter.OUTPUT] == "map"


def test_what_nobody_says_any_more_has_no_source() -> None:
    (line,) = price_lines(quote(usd=2), [quote(usd=3)], NOON)
    assert set(line.feed_by_meter.values()) == {None}


windows = st.builds(
    Window,
    days=st.frozensets(st.integers(1, 7), min_size=1),
    start_minute=st.integers(0, 1439),
    end_minute=st.integers(0, 1440),
    timezone=st.sampled_from(["UTC", "Asia/Shanghai", "America/New_York"]),
    usd_per_mtok=st.just(usd(input=0.5)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(windows, max_size=3), st.floats(START, START + 4e7))
def test_whatever_the_hour_the_price_of_a_request_is_one_of_the_lines(stated, at) -> None:
    whole = quote(windows=tuple(stated), tiers=(LONG,), service_tiers={"flex": usd(input=0.5)})
    lines = price_lines(whole, [whole], at)
    for tier in (None, "flex"):
        for tokens in (0, 200_000, 200_001):
            steps = [*sizes(whole), 10**12]
            size = next(low for low, high in pairwise(steps) if low <= tokens < high)
            paid = flat_prices(whole, at, prompt_tokens=tokens, service_tier=tier)
            shown = [
                line.usd_per_mtok
                for line in lines
                if (line.service_tier, line.from_prompt_tokens) == (tier, size)
            ]
            assert paid in shown
