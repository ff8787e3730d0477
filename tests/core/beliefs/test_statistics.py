"""Discounted sums: what is kept of rewards and of use, how it fades, merges, moves and shrinks."""

from __future__ import annotations

import json

import pytest

from windsock.core.beliefs.statistics import (
    NEVER,
    BeliefSettings,
    RewardStatistics,
    dispersion,
    pooled_dispersion,
)
from windsock.core.beliefs.token_mix import average_units, rescale_prompt, units_of
from windsock.core.model.units import MIX_METERS, PROMPT_METERS, Meter

HALF = 100.0
SETTINGS = BeliefSettings(half_life_s=HALF, evidence_cap=50.0, usage_cap=20.0)


def sums(row: RewardStatistics) -> tuple[float, float, float]:
    return row.count, row.total, row.squares


def row_of(*values: float, at: float = 0.0) -> RewardStatistics:
    row = RewardStatistics()
    for value in values:
        row.observe(value, 1.0, at, SETTINGS)
    return row


def units(*counts: float) -> list[float]:
    """Units of each meter of a mix: those given, then as many of the last."""
    return [*counts, *[counts[-1]] * (len(MIX_METERS) - len(counts))]


def test_a_reward_counts_by_its_weight_its_value_and_its_square() -> None:
    row = row_of(0.5)
    assert sums(row) == (1.0, 0.5, 0.25)
    row.observe(0.25, 2.0, 0.0, SETTINGS)
    assert sums(row) == (3.0, 1.0, 0.375)
    row.observe(0.25, -2.0, 0.0, SETTINGS)
    assert sums(row) == (1.0, 0.5, 0.25)


def test_no_more_is_taken_back_than_was_there() -> None:
    row = row_of(0.5)
    row.observe_sums(-3.0, -2.0, -1.5, 0.0, SETTINGS)
    assert sums(row) == (0.0, 0.0, 0.0)
    row.observe_sums(1.0, 3.0, 5.0, 0.0, SETTINGS)
    assert sums(row) == (1.0, 1.0, 1.0), "nor is any reward above one"


def test_a_half_life_later_all_counts_half_and_a_late_reward_as_if_it_had_come_in_time() -> None:
    row = row_of(0.5, 0.5)
    row.observe(1.0, 1.0, HALF, SETTINGS)
    assert sums(row) == pytest.approx((2.0, 1.5, 1.25))
    assert row.at == HALF
    row.observe(0.0, 1.0, 0.0, SETTINGS)
    assert sums(row) == pytest.approx((2.5, 1.5, 1.25))
    assert row.at == HALF
    assert row.age(2 * HALF, HALF) == pytest.approx(0.5)
    assert row.age(HALF, HALF) == 1.0
    assert RewardStatistics().age(HALF, HALF) == 0.0


def test_evidence_stays_below_its_cap_and_keeps_its_mean() -> None:
    row = row_of(*[0.25, 0.75] * 100)
    assert sums(row) == pytest.approx((50.0, 25.0, 25.0 * (0.0625 + 0.5625)), rel=0.02)
    row.shrink_to(10.0)
    assert row.count == pytest.approx(10.0)
    assert row.total / row.count == pytest.approx(0.5, abs=0.01)
    row.shrink_to(20.0)
    assert row.count == pytest.approx(10.0), "less is not made more"


def test_the_use_of_a_request_is_a_discounted_mean() -> None:
    row = RewardStatistics()
    row.observe_units(units(10.0, 4.0), 1.0, 0.0, SETTINGS)
    assert (row.requests, row.units) == (1.0, units(10.0, 4.0))
    row.observe_units(units(60.0, 12.0), 3.0, 0.0, SETTINGS)
    assert (row.requests, row.units) == (4.0, units(70.0, 16.0))
    row.observe_units(units(10.0, 10.0), 1.0, HALF, SETTINGS)
    assert row.requests == pytest.approx(3.0)
    assert row.units == pytest.approx(units(45.0, 18.0))
    row.observe_units(units(8.0, 8.0), 4.0, 0.0, SETTINGS)
    assert row.requests == pytest.approx(5.0)
    assert row.units == pytest.approx(units(49.0, 22.0))
    assert row.used_at == HALF
    assert row.at == NEVER, "use says nothing of success"


def test_the_use_that_is_remembered_is_that_of_the_last_requests() -> None:
    row = RewardStatistics()
    row.observe_units(units(400.0), 40.0, 0.0, SETTINGS)
    assert row.requests == 20.0
    assert row.units == pytest.approx(units(200.0))


def test_replicas_add_up_to_what_one_would_have_seen() -> None:
    one, two, whole = row_of(0.5, 1.0), row_of(0.25, at=HALF), row_of(0.5, 1.0)
    whole.observe(0.25, 1.0, HALF, SETTINGS)
    one.observe_units(units(10.0), 1.0, 0.0, SETTINGS)
    two.observe_units(units(30.0), 2.0, HALF, SETTINGS)
    one.merge(two, SETTINGS)
    assert sums(one) == pytest.approx(sums(whole))
    assert one.requests == pytest.approx(2.5)
    assert one.units == pytest.approx(units(35.0))
    before = one.to_state()
    one.merge(RewardStatistics(), SETTINGS)
    assert one.to_state() == before


def test_a_belief_is_moved_with_its_spread_and_no_further_than_certainty() -> None:
    row = row_of(*[0.0, 1.0] * 20)
    row.move(0.25, 10.0)
    assert row.count == 10.0
    assert row.total == pytest.approx(7.5)
    assert row.squares == pytest.approx(7.5), "all or nothing, as before"
    graded = row_of(*[0.5] * 40)
    phi = dispersion(*sums(graded))
    graded.move(-0.25, 100.0)
    assert graded.count == 40.0
    assert graded.squares == pytest.approx(40.0 * (0.0625 + phi * 0.25 * 0.75))
    for shift, mean in ((2.0, 0.99), (-2.0, 0.01)):
        far = row_of(0.5, 0.5)
        far.move(shift, 10.0)
        assert far.total / far.count == pytest.approx(mean)
    half = row_of(0.5)
    half.shrink_to(0.5)
    half.move(0.25, 10.0)
    assert half.total / half.count == pytest.approx(0.75)
    nothing = RewardStatistics()
    nothing.move(0.5, 10.0)
    assert sums(nothing) == (0.0, 0.0, 0.0)


def test_without_the_last_rewards_means_as_if_they_had_been_usual() -> None:
    row = row_of(*[0.5] * 10)
    copy = row.without(2.0)
    assert copy.count == 10.0
    assert copy.total == pytest.approx(3.0)
    assert row.total == 5.0, "the row itself stays"
    assert sums(RewardStatistics().without(1.0)) == (0.0, 0.0, 0.0)


def test_a_row_believes_what_another_believes_and_keeps_its_own_use() -> None:
    one, two = row_of(1.0), row_of(0.25, 0.5, at=7.0)
    one.observe_units(units(10.0), 1.0, 3.0, SETTINGS)
    one.copy_rewards(two)
    assert sums(one) == sums(two)
    assert one.at == 7.0
    assert (one.used_at, one.units) == (3.0, units(10.0))


def test_a_row_is_stored_in_an_order_that_stays_and_read_back_exactly() -> None:
    row = row_of(0.5, at=7.0)
    row.observe_units(units(10.0), 2.0, 9.0, SETTINGS)
    state = row.to_state()
    assert state == [1.0, 0.5, 0.25, 7.0, 2.0, 9.0, units(10.0)]
    again = RewardStatistics.from_state(json.loads(json.dumps(state)))
    assert again.to_state() == state
    again.observe_units(units(1.0), 1.0, 9.0, SETTINGS)
    assert row.to_state() == state, "it shares nothing with the one it was read from"
    empty = RewardStatistics().to_state()
    assert empty == [0.0, 0.0, 0.0, None, 0.0, None, None]
    fresh = RewardStatistics.from_state(json.loads(json.dumps(empty)))
    assert (fresh.at, fresh.used_at, fresh.units) == (NEVER, NEVER, None)


def test_the_dispersion_of_all_or_nothing_is_one_and_that_of_grades_less() -> None:
    assert dispersion(100.0, 50.0, 50.0) == 1.0
    assert dispersion(100.0, 50.0, 25.0) == pytest.approx(10.0 / 110.0)
    assert dispersion(100.0, 50.0, 25.0, usual=0.5) == pytest.approx(5.0 / 110.0)
    assert dispersion(10_000.0, 5000.0, 2500.0) == 0.02
    assert dispersion(0.0, 0.0, 0.0, usual=0.3) == 0.3
    assert dispersion(5.0, 5.0, 5.0, usual=0.3) == 0.3, "where all are alike nothing is known"
    assert dispersion(5.0, 1.0, 5.0) == 1.0


def test_the_dispersion_of_several_tasks_is_that_within_them() -> None:
    halves = [row_of(*[0.4, 0.6] * 20), row_of(*[0.8, 1.0] * 20), RewardStatistics()]
    within = 80 * 0.01
    spread = 40 * 0.25 + 40 * 0.09
    expected = (10.0 + 80.0 * within / spread) / 90.0
    assert pooled_dispersion(halves) == pytest.approx(expected)
    assert pooled_dispersion([row_of(0.0, 1.0)]) == 1.0
    assert pooled_dispersion([RewardStatistics()]) == 1.0


def test_a_typical_request_is_the_mean_over_all_that_were_counted() -> None:
    one, two = RewardStatistics(), RewardStatistics()
    assert average_units([one, two]) is None
    one.observe_units(units(10.0, 2.0), 1.0, 0.0, SETTINGS)
    two.observe_units(units(90.0, 3.0), 4.0, 0.0, SETTINGS)
    assert average_units([one, two, RewardStatistics()]) == pytest.approx(units(20.0, 1.0))


def test_units_stand_in_the_order_of_their_meters() -> None:
    found = units_of({Meter.OUTPUT: 3.0, Meter.INPUT: 2.0})
    assert dict(zip(MIX_METERS, found, strict=True))[Meter.INPUT] == 2.0
    assert sum(found) == 5.0


def test_a_prompt_is_scaled_in_the_proportions_it_has() -> None:
    mix = dict.fromkeys(MIX_METERS, 0.0) | {Meter.INPUT: 30.0, Meter.CACHE_READ: 10.0}
    mix[Meter.OUTPUT] = 7.0
    rescale_prompt(mix, 80.0)
    assert (mix[Meter.INPUT], mix[Meter.CACHE_READ], mix[Meter.OUTPUT]) == (60.0, 20.0, 7.0)
    empty = dict.fromkeys(MIX_METERS, 0.0)
    rescale_prompt(empty, 80.0)
    assert empty[Meter.INPUT] == 80.0
    assert sum(empty[meter] for meter in PROMPT_METERS) == 80.0


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row.observe(0.5, 2.0, 7.0, SETTINGS),
        lambda row: row.observe(0.5, 200.0, 7.0, SETTINGS),
        lambda row: row.observe_units([3.0] * len(MIX_METERS), 2.0, 7.0, SETTINGS),
        lambda row: row.merge(row_of(1.0, 0.0, at=9.0), SETTINGS),
        lambda row: row.shrink_to(1.0),
        lambda row: row.move(-0.2, 2.0),
        lambda row: row.copy_rewards(row_of(0.0, at=9.0)),
    ],
)
def test_what_was_taken_stays_and_a_changed_row_is_taken_anew(change) -> None:
    seen, unseen = row_of(1.0, 1.0, 0.0), row_of(1.0, 1.0, 0.0)
    for row in (seen, unseen):
        row.observe_units([1.0] * len(MIX_METERS), 1.0, 0.0, SETTINGS)
    taken = seen.sums()
    before = json.dumps(taken)
    change(seen)
    change(unseen)
    assert seen.sums() == unseen.sums() != taken
    assert json.dumps(taken) == before
