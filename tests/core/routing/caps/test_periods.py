"""Days, weeks and months end at midnight where people live."""

from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.core.routing.caps.periods import Period, midnight, span

HOUR = 3600.0
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Chatham",
         "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Atlantic/Azores")  # fmt: skip


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("period", "zone", "now", "begins", "ends"),
    [
        ("day", "UTC", "2026-11-29 13:00", "2026-11-29 00:00", "2026-11-30 00:00"),
        ("day", "Asia/Kolkata", "2026-11-29 00:10", "2026-11-29 00:00", "2026-11-30 00:00"),
        ("week", "UTC", "2026-11-29 23:59", "2026-11-23 00:00", "2026-11-30 00:00"),
        ("week", "Europe/Berlin", "2026-11-30 00:00", "2026-11-30 00:00", "2026-12-07 00:00"),
        ("month", "UTC", "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        ("month", "America/New_York", "2028-02-29 12:00", "2028-02-01 00:00", "2028-03-01 00:00"),
    ],
)
def test_a_period_goes_from_midnight_to_midnight(
    period: Period, zone: str, now: str, begins: str, ends: str
) -> None:
    assert span(Period(period), zone, at(now, zone)) == (at(begins, zone), at(ends, zone))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("Europe/Berlin", "2026-10-26", 24),
        ("America/New_York", "2026-11-01", 25),
        ("Asia/Beirut", "2022-03-27", 23),  # its clocks go forward at midnight: there is no 00:00
        ("America/Sao_Paulo", "2018-11-04", 23),
    ],
)
def test_a_day_on_which_clocks_change_is_longer_or_shorter(zone: str, day: str, hours: int) -> None:
    begins, ends = span(Period.DAY, zone, at(f"{day} 12:00", zone))
    assert ends - begins == hours * HOUR


def test_a_month_holds_the_hour_that_its_clocks_lose() -> None:
    begins, ends = span(Period.MONTH, "Europe/Berlin", at("2026-03-15 12:00"))
    assert ends - begins == (31 * 24 - 1) * HOUR


def test_what_is_for_good_has_no_end() -> None:
    assert span(Period.TOTAL, "UTC", 0.0) == (-inf, inf)


@given(st.sampled_from(list(Period)), st.sampled_from(ZONES), st.floats(1.6e9, 2.2e9))
def test_every_moment_lies_in_one_period_and_the_next_begins_where_it_ends(
    period: Period, zone: str, now: float
) -> None:
    begins, ends = span(period, zone, now)
    assert begins <= now < ends
    if ends != inf:
        assert span(period, zone, ends)[0] == ends
        assert span(period, zone, begins) == (begins, ends)


def test_a_moment_is_told_in_its_zone() -> None:
    assert midnight("Europe/Berlin", at("2026-11-30 23:00")) == "2026-12-01 00:00 Europe/Berlin"
