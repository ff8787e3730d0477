"""A route's beliefs: started from what is known elsewhere, young or not, merged, set right."""

from __future__ import annotations

import json

import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.drift.change_detection import Mode
from windsock.core.beliefs.route_beliefs import YOUNG_REWARDS
from windsock.core.beliefs.statistics import (
    BeliefSettings,
    RewardStatistics,
    moved,
    pooled_dispersion,
)
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage

CELL = Cell("default", "auto", "chat")
OTHER = CELL._replace(task="sql")
USED = Usage(input_tokens=100, cache_read_tokens=20, output_tokens=50)


def rows(beliefs: Beliefs) -> dict[tuple[str, str], list[float]]:
    """The stored sums by task and deployment."""
    (group,) = beliefs.to_state()["groups"]
    return {(task, name): fields for task, name, *fields in group["rows"]}


def judged(beliefs: Beliefs, cell: Cell, name: str, *values: float, now: float = 0.0) -> None:
    for value in values:
        beliefs.observe(cell, name, value, now=now)


def test_a_start_counts_as_so_many_rewards_of_the_usual_spread() -> None:
    beliefs = Beliefs()
    beliefs.seed(CELL, "m", 0.75, rewards=8.0, now=5.0)
    assert rows(beliefs)["chat", "m"][:4] == [8.0, 6.0, pytest.approx(6.0), 5.0]
    graded = Beliefs()
    judged(graded, OTHER, "m", *[0.4, 0.6] * 50)
    graded.seed(CELL, "m", 0.75, rewards=8.0, now=5.0)
    count, total, squares, *_ = rows(graded)["chat", "m"]
    phi = pooled_dispersion([RewardStatistics.from_state(rows(graded)["sql", "m"])])
    assert (count, total) == (8.0, 6.0)
    assert squares == pytest.approx(8.0 * (0.5625 + phi * 0.75 * 0.25))
    assert graded.summary(CELL, "m").effective_samples == pytest.approx(8.0)


def test_a_start_is_taken_back_whole() -> None:
    beliefs = Beliefs()
    judged(beliefs, CELL, "m", 1.0, 0.0)
    before = beliefs.posterior(CELL, "m")
    beliefs.seed(CELL, "m", 0.5, rewards=30.0, now=0.0)
    assert beliefs.posterior(CELL, "m") != pytest.approx(before)
    beliefs.add_to_start(CELL, "m", (-30.0, -15.0, -7.5), 0.0)
    assert beliefs.posterior(CELL, "m") == pytest.approx(before, rel=0.2)
    assert rows(beliefs)["chat", "m"][0] == pytest.approx(2.0)


def test_use_is_started_as_its_own_elsewhere_with_answers_so_much_longer() -> None:
    beliefs = Beliefs()
    beliefs.observe_usage(OTHER, "m", USED, 0.0)
    beliefs.observe_usage(OTHER, "else", Usage(input_tokens=9, output_tokens=9), 0.0)
    beliefs.seed_usage(CELL, "m", factor=3.0, requests=4.0, now=7.0)
    mix = beliefs.mix(CELL, "m")
    assert (mix[Meter.INPUT], mix[Meter.CACHE_READ], mix[Meter.OUTPUT]) == (100.0, 20.0, 150.0)
    _, _, _, at, requests, used_at, _ = rows(beliefs)["chat", "m"]
    assert (at, requests, used_at) == (None, 4.0, 7.0)
    assert beliefs.mix(OTHER, "m")[Meter.OUTPUT] == 50.0


def test_of_one_whose_use_is_not_known_none_is_started() -> None:
    beliefs = Beliefs()
    beliefs.observe_usage(OTHER, "else", USED, 0.0)
    beliefs.seed_usage(CELL, "m", factor=3.0, requests=4.0, now=7.0)
    assert ("chat", "m") not in rows(beliefs)


def test_use_is_that_of_this_task_elsewhere_and_else_that_of_anything() -> None:
    beliefs = Beliefs()
    beliefs.observe_usage(OTHER, "m", USED, 0.0)
    assert beliefs.mix(CELL, "new")[Meter.OUTPUT] == 50.0
    beliefs.observe_usage(CELL, "else", Usage(input_tokens=1, output_tokens=8), 0.0)
    assert beliefs.mix(CELL, "new")[Meter.OUTPUT] == 8.0
    assert beliefs.mix(CELL, "m")[Meter.OUTPUT] == 8.0
    assert beliefs.mix(CELL, "else", prompt_tokens=30.0)[Meter.INPUT] == 30.0


def test_young_is_who_has_little_evidence_where_another_has_much() -> None:
    beliefs = Beliefs(BeliefSettings(watches_drift=False))
    assert not beliefs.is_young(CELL, "new")
    beliefs.observe_sums(CELL, "old", 4.0 * YOUNG_REWARDS, 1.0, 1.0, now=0.0)
    assert not beliefs.is_young(CELL, "new"), "much is more than four times as much"
    beliefs.observe_sums(OTHER, "old", 1.0, 1.0, 1.0, now=0.0)
    assert beliefs.is_young(CELL, "new"), "over all tasks of the route"
    assert not beliefs.is_young(CELL, "old")
    beliefs.observe_sums(CELL, "new", YOUNG_REWARDS - 0.5, 1.0, 1.0, now=0.0)
    assert beliefs.is_young(CELL, "new")
    beliefs.observe_sums(OTHER, "new", 0.5, 0.5, 0.5, now=0.0)
    assert not beliefs.is_young(CELL, "new")


def test_of_one_nobody_has_judged_there_is_the_prior_and_no_evidence() -> None:
    beliefs = Beliefs()
    assert beliefs.posterior(CELL, "m") == pytest.approx((3.0, 1.0))
    summary = beliefs.summary(CELL, "m")
    assert (summary.mean, summary.effective_samples, summary.mode) == (0.75, 0.0, Mode.STEADY)
    judged(beliefs, CELL, "m", 1.0)
    assert beliefs.summary(CELL, "m").effective_samples == 1.0
    assert beliefs.summary(CELL, "never").effective_samples == 0.0
    assert beliefs.quality.probe(CELL, "never") == 0.0


def test_what_is_believed_is_asked_anew_after_every_reward() -> None:
    beliefs = Beliefs()
    seen = []
    for value in (1.0, 1.0, 0.0):
        judged(beliefs, CELL, "m", value)
        seen.append(beliefs.posterior(CELL, "m"))
        assert beliefs.posterior(CELL, "else") != seen[-1]
    assert len(set(seen)) == 3


def test_a_quality_that_is_lost_is_found_and_the_belief_from_before_can_be_had_back() -> None:
    beliefs = Beliefs()
    judged(beliefs, CELL, "m", *[1.0] * 100)
    judged(beliefs, OTHER, "m", *[1.0] * 100)
    before = beliefs.summary(CELL, "m").mean
    judged(beliefs, CELL, "m", *[0.0] * 40)
    (shift, *_) = beliefs.quality.drain()
    assert (shift.deployment, shift.facts["route"]) == ("m", "auto")
    assert beliefs.quality.mode(CELL, "m") is not Mode.STEADY
    assert beliefs.summary(CELL, "m").mean < 0.5 < before
    (alarm,) = beliefs.quality.alarms()
    assert set(alarm.tasks) == {"chat", "sql"}
    again = Beliefs()
    again.from_state(json.loads(json.dumps(beliefs.to_state())))
    assert again.to_state() == beliefs.to_state()
    assert again.quality.undo("default", "auto", "m")
    assert again.quality.mode(CELL, "m") is Mode.STEADY
    assert again.summary(CELL, "m").mean > 0.6
    assert not again.quality.undo("default", "auto", "m")
    assert not again.quality.undo("default", "never", "m")


def test_without_a_watch_no_loss_is_looked_for() -> None:
    beliefs = Beliefs(BeliefSettings(watches_drift=False))
    judged(beliefs, CELL, "m", *[1.0] * 100, *[0.0] * 100)
    assert beliefs.quality.drain() == []
    assert beliefs.quality.alarms() == []


def test_evidence_of_another_task_goes_with_its_requests() -> None:
    beliefs, whole = Beliefs(), Beliefs()
    judged(beliefs, CELL, "m", 1.0, 0.0, now=1.0)
    judged(beliefs, OTHER, "m", 1.0, 1.0, now=2.0)
    judged(whole, CELL, "m", 1.0, 0.0, now=1.0)
    judged(whole, CELL, "m", 1.0, 1.0, now=2.0)
    beliefs.merge_task(CELL, "sql")
    assert rows(beliefs).keys() == {("chat", "m")}
    assert rows(beliefs)["chat", "m"] == pytest.approx(rows(whole)["chat", "m"], nan_ok=True)


@pytest.mark.parametrize(
    ("shift", "a"), [(0.0, 6.0), (0.1, 7.0), (-0.2, 4.0), (5.0, 9.5), (-5.0, 0.5)]
)
def test_a_belief_moves_with_as_much_evidence_as_before(shift: float, a: float) -> None:
    found = moved((6.0, 4.0), shift)
    assert sum(found) == pytest.approx(10.0)
    assert found[0] == pytest.approx(a)
    assert min(found) > 0.0


def test_a_quality_that_is_lost_is_found_in_rewards_that_come_in_bulk() -> None:
    beliefs = Beliefs()
    for _ in range(20):
        beliefs.observe_sums(CELL, "m", 10.0, 10.0, 10.0, now=0.0)
    for _ in range(10):
        beliefs.observe_sums(CELL, "m", 10.0, 0.0, 0.0, now=1.0)
    shifts = beliefs.quality.drain()
    assert shifts
    assert {shift.deployment for shift in shifts} == {"m"}
    assert (shifts[0].at, shifts[0].facts["namespace"]) == (1.0, "default")
    assert beliefs.quality.drain() == [], "each is told once"


def test_use_in_bulk_is_learnt_as_one_by_one() -> None:
    together, apart = Beliefs(), Beliefs()
    for _ in range(4):
        apart.observe_usage(CELL, "m", USED, 3.0)
    counts = {meter: 4.0 * count for meter, count in apart.mix(CELL, "m").items()}
    counts.pop(Meter.REQUEST)
    together.observe_usages(CELL, "m", counts, 4.0, 3.0)
    assert together.mix(CELL, "m") == apart.mix(CELL, "m")
    assert rows(together)["chat", "m"][3:6] == [None, 4.0, 3.0]
