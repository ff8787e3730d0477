"""A price that nobody announced shows in the bills; what is usual of them raises nothing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from windsock.core.evidence.bill_monitor import BillDrift, BillWatch


def bills(watch: BillWatch, factor: float, count: int, spread: float = 0.0, seed: int = 0):
    """So many bills `factor` times the expected, give or take; the first drift found and when."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        found = watch.observe(0.002 * factor * math.exp(spread * rng.standard_normal()), 0.002)
        if found is not None:
            return i + 1, found
    return None


def used(spread: float = 0.0, count: int = 500, usual: float = 1.0) -> BillWatch:
    watch = BillWatch()
    assert bills(watch, usual, count, spread, seed=1) is None
    return watch


@pytest.mark.parametrize("usual", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.5])
def test_what_is_usual_of_a_deployment_raises_nothing(usual: float, spread: float) -> None:
    assert bills(used(spread, usual=usual), usual, 500, spread, seed=2) is None


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0, 5.0])
def test_a_change_is_found_within_twenty_bills_and_measured(factor: float) -> None:
    found = bills(used(0.1), factor, 100, 0.1, seed=3)
    assert found is not None
    after, drift = found
    assert after <= 20
    assert (drift.factor > 1.0) is (factor > 1.0)
    assert drift.statistic > 8.0


@pytest.mark.parametrize("factor", [0.5, 2.0, 5.0])
def test_a_change_from_bills_that_hardly_vary_is_measured(factor: float) -> None:
    found = bills(used(0.02), factor, 100, 0.02, seed=3)
    assert found is not None
    after, drift = found
    assert drift.factor == pytest.approx(factor, rel=0.1)
    assert drift.bills <= after + 2


def test_a_large_change_is_found_sooner_than_a_small_one() -> None:
    small, large = (bills(used(0.5), factor, 1000, 0.5, seed=4) for factor in (1.3, 5.0))
    assert small is not None and large is not None
    assert large[0] <= 10 < small[0] <= 300
    assert small[1].factor == pytest.approx(1.3, rel=0.2)


def test_one_wild_bill_is_no_change() -> None:
    watch = used(0.1)
    assert watch.observe(2.0, 0.002) is None
    assert bills(watch, 1.0, 200, 0.1, seed=5) is None


def test_a_rounded_cent_is_no_change_where_bills_never_varied() -> None:
    assert bills(used(0.0), 1.001, 1000) is None


@pytest.mark.parametrize(("billed", "expected"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, -1.0)])
def test_what_is_no_amount_is_not_judged(billed: float, expected: float) -> None:
    watch = used()
    before = watch.to_state()
    assert watch.observe(billed, expected) is None
    assert watch.to_state() == before


def test_twenty_bills_say_what_is_usual_and_nobody_is_judged_before() -> None:
    watch = BillWatch()
    for i in range(20):
        assert watch.observe(0.01 if i % 2 else 0.001, 0.002) is None
    assert bills(BillWatch(), 7.0, 200) is None, "a lasting ratio is the usual one"


def test_after_an_alarm_what_is_usual_is_learnt_anew() -> None:
    watch = used(0.1)
    assert bills(watch, 2.0, 100, 0.1, seed=6) is not None
    assert watch.to_state() == BillWatch().to_state()
    assert bills(watch, 2.0, 500, 0.1, seed=7) is None


def test_a_watch_goes_on_after_a_restart() -> None:
    watch, again = used(0.1), BillWatch()
    bills(watch, 1.1, 5, 0.1, seed=8)
    again.from_state(json.loads(json.dumps(watch.to_state())))
    assert again.to_state() == watch.to_state()
    one, two = (bills(each, 1.5, 100, 0.1, seed=9) for each in (watch, again))
    assert one == two
    assert one is not None and isinstance(one[1], BillDrift)


def alternating(watch: BillWatch, count: int, spread: float = 0.1) -> BillWatch:
    """Bills that lie by turns over and under the expected."""
    for i in range(count):
        assert watch.observe(0.002 * math.exp(spread if i % 2 else -spread), 0.002) is None
    return watch


def test_dear_requests_and_cheap_ones_make_one_ratio() -> None:
    watch = BillWatch()
    for i in range(500):
        expected = 0.001 * (1 + i % 50)
        assert watch.observe(1.5 * expected, expected) is None


def test_what_is_usual_is_the_mean_of_the_bills_seen() -> None:
    watch = BillWatch()
    logs = [0.5, -0.25, 0.125, 0.0, 1.0]
    for ratio in logs:
        watch.observe(0.002 * math.exp(ratio), 0.002)
    count, mean, square, _ = watch.to_state()
    assert count == 5
    assert mean == pytest.approx(sum(logs) / 5)
    assert square == pytest.approx(sum(ratio * ratio for ratio in logs) / 5)


def test_the_twenty_first_bill_is_the_first_that_is_judged() -> None:
    for count, is_judged in ((19, False), (20, True)):
        watch = alternating(BillWatch(), count)
        watch.observe(0.01, 0.002)
        sums = watch.to_state()[-1]
        assert any(count for _, count, _ in sums) is is_judged


def test_what_twenty_bills_say_is_doubted_more_than_what_five_hundred_do() -> None:
    early, late = (bills(alternating(BillWatch(), count), math.exp(0.3), 50) for count in (20, 500))
    assert early is not None and late is not None
    assert late[0] <= 5
    assert 40 <= early[0] <= 50


def test_what_is_usual_may_lie_far_from_the_expected() -> None:
    even, dear = (bills(used(0.1, usual=usual), 1.25 * usual, 100, 0.1, 3) for usual in (1.0, 3.0))
    assert even is not None and dear is not None
    assert dear[0] == even[0]


@pytest.mark.parametrize("factor", [1 / 1.4, 1.4])
def test_a_small_change_in_wild_bills_is_found_in_either_direction(factor: float) -> None:
    found = bills(used(0.5), factor, 1000, 0.5, seed=4)
    assert found is not None
    assert found[0] <= 200
    assert found[1].factor == pytest.approx(factor, rel=0.25)
