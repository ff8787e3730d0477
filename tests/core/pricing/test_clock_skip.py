"""Recurring hours where the clock skips an hour, or shows one twice; and minutes near that."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import CHEAP, MID, deployment, quote, request, router
from tests.core.pricing.test_schedule import at, window
from windsock.core.model.ticks import Window
from windsock.core.pricing.schedule import is_open, next_boundary

NEW_YORK = "America/New_York"
SUNDAY = frozenset({7})
MINUTE_S = 60.0
FEW_DAYS_S = 4 * 86_400.0
CHANGES = {
    NEW_YORK: ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/St_Johns": ("2026-03-08T05:30", "2026-11-01T04:30"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Santiago": ("2026-04-05T03:00", "2026-09-06T04:00"),
}
"""When clocks change, in UTC: by an hour, by half an hour, at the half hour, at midnight."""


def truly_next(each: Window, after: float) -> float:
    """The next full minute at which it is no longer what it is now, within a few days."""
    moment = (after // MINUTE_S + 1) * MINUTE_S
    while moment < after + FEW_DAYS_S:
        if is_open(each, moment) is not is_open(each, after):
            return moment
        moment += MINUTE_S
    return math.inf


@given(
    st.sampled_from([(zone, change) for zone, both in CHANGES.items() for change in both]),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.frozensets(st.integers(1, 7), min_size=1),
    st.integers(-3 * 1440, 180),
)
@example((NEW_YORK, "2026-03-08T07:00"), 158, 200, frozenset({6}), -1405)
@example(("America/Santiago", "2026-09-06T04:00"), 30, 120, SUNDAY, -4000)
@example(("America/St_Johns", "2026-03-08T05:30"), 150, 210, SUNDAY, -4000)
def test_no_boundary_within_days_of_a_clock_change_is_passed_over(
    change, start, end, days, minutes
) -> None:
    zone, moment = change
    each = window(start, end, days=days, timezone=zone)
    after = at(moment) + MINUTE_S * minutes
    assert after < next_boundary(each, after) <= truly_next(each, after)


def test_a_request_is_decided_by_the_price_of_the_window_that_the_clock_skipped_into() -> None:
    """CHEAP is fifty times as dear from 02:59 to 04:00 on Sundays; nobody asks for three days."""
    asked, jump = at("2026-03-05T00:00:00"), at("2026-03-08T07:00:00")
    wind = router(prices={}, deployments=(deployment(CHEAP), deployment(MID)))
    peak = {meter: 50 * usd for meter, usd in quote(CHEAP).usd_per_mtok.items()}
    dear = Window(start_minute=179, end_minute=240, days=SUNDAY, timezone=NEW_YORK,
                  usd_per_mtok=peak)  # fmt: skip
    for name, windows in ((CHEAP, (dear,)), (MID, ())):
        wind.absorb(quote(name, usd=1.0, seen_at=asked, windows=windows, feed="config"), asked)
    expected = []
    for now in (asked, jump + 60):
        arms = {arm.deployment: arm for arm in wind.open(request(), now).table.arms}
        expected.append(arms[CHEAP].expected_usd / arms[MID].expected_usd)
    assert expected == pytest.approx([1.0, 50.0])
