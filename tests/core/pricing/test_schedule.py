"""Recurring hours and validity, at the minute before and after each switch."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import START, quote
from windsock.core.model.ticks import Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.schedule import flat_prices, is_open, next_boundary, next_moment

CHEAP = {Meter.INPUT: Decimal("0.1")}


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def window(start: int, end: int, **facts) -> Window:
    return Window(start_minute=start, end_minute=end, usd_per_mtok=CHEAP, **facts)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-20T21:59:59", False),
        ("2026-11-20T22:00:00", True),
        ("2026-11-21T05:59:59", True),
        ("2026-11-21T06:00:00", False),
        ("2026-11-21T22:00:00", False),
        ("2026-11-22T05:00:00", False),
    ],
)
def test_a_night_of_friday_ends_on_saturday(when: str, expected: bool) -> None:
    assert is_open(window(1320, 360, days=frozenset({5})), at(when)) is expected


def test_equal_ends_are_a_whole_day() -> None:
    weekend = window(0, 0, days=frozenset({6, 7}))
    assert not is_open(weekend, at("2026-11-20T23:59:59"))
    assert is_open(weekend, at("2026-11-21T00:00:00"))
    assert is_open(weekend, at("2026-11-22T23:59:59"))
    assert not is_open(weekend, at("2026-11-23T00:00:00"))


def test_hours_and_days_count_in_the_windows_own_zone() -> None:
    shanghai = window(540, 720, days=frozenset({1}), timezone="Asia/Shanghai")
    assert not is_open(shanghai, at("2026-11-23T00:59:59"))
    assert is_open(shanghai, at("2026-11-23T01:00:00"))
    assert is_open(shanghai, at("2026-11-23T03:59:59"))
    assert not is_open(shanghai, at("2026-11-23T04:00:00"))
    early = window(0, 60, days=frozenset({1}), timezone="Asia/Shanghai")
    assert is_open(early, at("2026-11-22T16:30:00"))


def test_a_window_moves_with_the_clock_change_of_its_zone() -> None:
    berlin = window(480, 540, timezone="Europe/Berlin")
    assert is_open(berlin, at("2026-10-24T06:00:00"))
    assert not is_open(berlin, at("2026-10-26T06:00:00"))
    assert is_open(berlin, at("2026-10-26T07:00:00"))


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2026-08-21T00:00:00", "2026-08-21T01:00:00"),
        ("2026-08-21T01:00:00", "2026-08-21T04:00:00"),
        ("2026-08-21T04:00:00", "2026-08-24T01:00:00"),
    ],
)
def test_the_next_boundary_skips_days_without_the_window(after: str, expected: str) -> None:
    peak = window(60, 240, days=frozenset({1, 2, 3, 4, 5}))
    assert next_boundary(peak, at(after)) == at(expected)


def test_a_window_without_days_never_changes() -> None:
    assert next_boundary(window(0, 60, days=frozenset()), START) == math.inf


@given(
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.frozensets(st.integers(1, 7)),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York"]),
    st.integers(0, 366 * 24 * 12),
)
def test_nothing_changes_before_the_next_boundary(start, end, days, zone, step) -> None:
    each = window(start, end, days=days, timezone=zone)
    now = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + 300 * step
    until = next_boundary(each, now)
    moments = [now + 450 * i for i in range(1, 200) if now + 450 * i < until]
    if until < math.inf:
        moments.append(until - 1)
    assert {is_open(each, moment) for moment in moments if moment >= now} <= {is_open(each, now)}


def test_validity_is_a_moment_of_change() -> None:
    dated = quote(valid_from=START + 10, valid_until=START + 20)
    assert next_moment(dated, START) == START + 10
    assert next_moment(dated, START + 10) == START + 20
    assert next_moment(dated, START + 20) == math.inf


def test_hours_win_over_sizes_and_sizes_over_service_tiers() -> None:
    big = Tier(min_prompt_tokens=1000, usd_per_mtok={Meter.OUTPUT: Decimal(9)})
    night = window(0, 60)
    full = quote(usd=1.0, tiers=(big,), windows=(night,), service_tiers={
        "flex": {Meter.INPUT: Decimal("0.5"), Meter.OUTPUT: Decimal(2)}
    })  # fmt: skip
    midnight, noon = at("2026-11-21T00:30:00"), at("2026-11-21T12:00:00")
    small = flat_prices(full, noon, service_tier="flex")
    assert (small[Meter.INPUT], small[Meter.OUTPUT]) == (Decimal("0.5"), Decimal(2))
    large = flat_prices(full, midnight, prompt_tokens=1001, service_tier="flex")
    assert (large[Meter.INPUT], large[Meter.OUTPUT]) == (Decimal("0.1"), Decimal(9))
