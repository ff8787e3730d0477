"""Recurring hours and validity, at the minute before and after each switch."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import START, quote
from windsock.core.model.ticks import Tier, Window
from windsock.core.model.units import Meter
from windsock.core.pricing.schedule import flat_prices, is_open, next_boundary, next_moment

CHEAP = {Meter.INPUT: Decimal("0.1")}
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
STEP_IN_MARCH = int(datetime(2026, 3, 5, 12, tzinfo=UTC).timestamp() - NEW_YEAR) // 300
STEP_IN_OCTOBER = int(datetime(2026, 11, 1, 6, tzinfo=UTC).timestamp() - NEW_YEAR) // 300


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
@example(179, 240, frozenset({7}), "America/New_York", STEP_IN_MARCH)
@example(90, 120, frozenset({7}), "America/New_York", STEP_IN_OCTOBER)
def test_nothing_changes_before_the_next_boundary(start, end, days, zone, step) -> None:
    each = window(start, end, days=days, timezone=zone)
    now = NEW_YEAR + 300 * step
    until = next_boundary(each, now)
    moments = [now + 450 * i for i in range(1, 200) if now + 450 * i < until]
    if until < math.inf:
        moments += [until - 3600, until - 60, until - 1]
        assert is_open(each, until) is not is_open(each, now)
    assert {is_open(each, moment) for moment in moments if moment >= now} <= {is_open(each, now)}


@pytest.mark.parametrize(
    ("hours", "asked", "expected"),
    [
        ((179, 240), "2026-03-05T12:00:00", "2026-03-08T07:00:00"),  # 02:59 is skipped
        ((179, 240), "2026-03-08T07:00:00", "2026-03-08T08:00:00"),
        ((130, 170), "2026-03-02T12:00:00", "2026-03-15T06:10:00"),  # no such hour on the 8th
        ((90, 120), "2026-10-30T12:00:00", "2026-11-01T05:30:00"),
        ((90, 120), "2026-11-01T05:30:00", "2026-11-01T06:00:00"),  # 01:59 goes back to 01:00
        ((90, 120), "2026-11-01T06:00:00", "2026-11-01T06:30:00"),
        ((90, 120), "2026-11-01T06:30:00", "2026-11-01T07:00:00"),
    ],
)
def test_a_boundary_in_a_skipped_or_repeated_hour(hours, asked: str, expected: str) -> None:
    sundays = window(*hours, days=frozenset({7}), timezone="America/New_York")
    assert next_boundary(sundays, at(asked)) == at(expected)


ALL_DAYS = frozenset(range(1, 8))
SPANS = [(150, 210), (179, 240), (90, 120), (105, 115), (1380, 95), (0, 0), (0, 1440), (119, 121)]


@pytest.mark.parametrize(
    ("zone", "first_day"),
    [
        ("America/New_York", "2026-03-06"),
        ("America/New_York", "2026-10-30"),
        ("Europe/Berlin", "2026-03-27"),
        ("Europe/Berlin", "2026-10-23"),
        ("Australia/Lord_Howe", "2026-04-03"),
        ("Australia/Lord_Howe", "2026-10-02"),
        ("Asia/Shanghai", "2026-03-06"),
        ("UTC", "2026-03-06"),
        ("Pacific/Apia", "2011-12-28"),
    ],
)
@pytest.mark.parametrize("span", SPANS)
def test_boundaries_are_the_minutes_at_which_the_wall_clock_says_so(zone, first_day, span) -> None:
    """Minute by minute over five days around a change of the clock, or a day that is skipped."""
    start = at(f"{first_day}T00:00:00")
    minutes = [start + 60 * i for i in range(5 * 1440)]
    for days in (ALL_DAYS, frozenset({7}), frozenset({5, 6})):
        each = window(*span, days=days, timezone=zone)
        says = [_wall_says(each, moment, ZoneInfo(zone)) for moment in minutes]
        assert [is_open(each, moment) for moment in minutes] == says
        changes = [
            m for m, now, was in zip(minutes[1:], says[1:], says, strict=False) if now != was
        ]
        found, moment = [], start
        while (moment := next_boundary(each, moment)) <= minutes[-1]:
            found.append(moment)
        assert found == changes
        for moment, change in zip([start, *changes], changes, strict=False):
            assert next_boundary(each, (moment + change) / 2) == change
            assert next_boundary(each, change - 0.5) == change


def _wall_says(each: Window, moment: float, zone: ZoneInfo) -> bool:
    """The rule in words: a window that opened on this day or the day before has not closed yet."""
    wall = datetime.fromtimestamp(moment, zone)
    minute, weekday = wall.hour * 60 + wall.minute, wall.isoweekday()
    length = (each.end_minute - each.start_minute) % 1440 or 1440
    since_opening = (minute - each.start_minute, minute + 1440 - each.start_minute)
    days = (weekday, 7 if weekday == 1 else weekday - 1)
    return any(
        day in each.days and 0 <= since < length
        for day, since in zip(days, since_opening, strict=True)
    )


def test_validity_is_a_moment_of_change() -> None:
    dated = quote(valid_from=START + 10, valid_until=START + 20)
    assert next_moment(dated, START) == START + 10
    assert next_moment(dated, START + 10) == START + 20
    assert next_moment(dated, START + 20) == math.inf


def test_hours_sizes_and_service_tiers_multiply() -> None:
    big = Tier(min_prompt_tokens=1000, usd_per_mtok={Meter.OUTPUT: Decimal(9)})
    night = window(0, 60)
    full = quote(usd=1.0, tiers=(big,), windows=(night,), service_tiers={
        "flex": {Meter.INPUT: Decimal("0.5"), Meter.OUTPUT: Decimal(2)}
    })  # fmt: skip
    midnight, noon = at("2026-11-21T00:30:00"), at("2026-11-21T12:00:00")
    small = flat_prices(full, noon, service_tier="flex")
    assert (small[Meter.INPUT], small[Meter.OUTPUT]) == (Decimal("0.5"), Decimal(2))
    large = flat_prices(full, midnight, prompt_tokens=1001, service_tier="flex")
    assert (large[Meter.INPUT], large[Meter.OUTPUT]) == (Decimal("0.05"), Decimal("4.5"))
