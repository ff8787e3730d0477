"""Beliefs: discounting, merging, exact state, learnt usage."""

from __future__ import annotations

import json

import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.requests import Cell
from windsock.core.model.units import Meter, Usage

CELL = Cell("default", "auto", "chat")


def test_the_mean_approaches_what_was_observed() -> None:
    beliefs = Beliefs()
    for i in range(400):
        beliefs.observe(CELL, "m", float(i % 10 != 0), now=float(i))
    assert beliefs.summary(CELL, "m").mean == pytest.approx(0.9, abs=0.01)


def test_a_reward_counts_half_after_a_half_life() -> None:
    beliefs = Beliefs(BeliefSettings(half_life_s=100.0))
    beliefs.observe(CELL, "m", 1.0, now=0.0)
    beliefs.observe(CELL, "m", 1.0, now=100.0)
    assert beliefs.summary(CELL, "m").effective_samples == pytest.approx(1.5)


def test_late_rewards_count_as_if_they_had_come_in_time() -> None:
    settings = BeliefSettings(half_life_s=100.0)
    early, late = Beliefs(settings), Beliefs(settings)
    early.observe(CELL, "m", 1.0, now=0.0)
    early.observe(CELL, "m", 0.2, now=50.0)
    late.observe(CELL, "m", 0.2, now=50.0)
    late.observe(CELL, "m", 1.0, now=0.0)
    assert late.posterior(CELL, "m") == pytest.approx(early.posterior(CELL, "m"))


def test_effective_evidence_is_capped() -> None:
    beliefs = Beliefs(BeliefSettings(evidence_cap=50.0))
    for _ in range(500):
        beliefs.observe(CELL, "m", 1.0, now=0.0)
    assert beliefs.summary(CELL, "m").effective_samples <= 50.0


def test_state_round_trips_exactly_through_json() -> None:
    beliefs = Beliefs()
    for i in range(50):
        beliefs.observe(CELL, "m", (i % 7) / 7, weight=0.3, now=i * 0.1)
        beliefs.observe_usage(CELL, "m", Usage(input_tokens=i, output_tokens=2 * i), i * 0.1)
    other = Beliefs()
    other.from_state(json.loads(json.dumps(beliefs.to_state())))
    assert json.dumps(other.to_state()) == json.dumps(beliefs.to_state())
    assert other.posterior(CELL, "m") == beliefs.posterior(CELL, "m")


def test_a_moment_is_what_was_believed_then_whatever_is_learnt_before_it_is_shaped() -> None:
    beliefs, usage = Beliefs(), Usage(input_tokens=300, output_tokens=100)
    cells = [Cell("default", "auto", f"task {task}") for task in range(3)]
    for reward in range(60):  # enough to fit what rewards are judged by, and to find a change
        for cell in cells:
            beliefs.observe(cell, "p/a", float(reward < 30), now=float(reward))
            beliefs.observe_usage(cell, "p/a", usage, float(reward))
    then, moment = json.dumps(beliefs.to_state()), beliefs.moment()
    for reward in range(60):
        beliefs.observe(cells[0], "p/a", 1.0, now=1e6 + reward)
        beliefs.observe_usage(cells[0], "p/a", usage, 1e6 + reward)
    beliefs.merge_task(cells[1], cells[2].name)
    assert json.dumps(beliefs.to_state()) != then == json.dumps(moment())


def test_a_retracted_reward_leaves_no_trace() -> None:
    beliefs, clean = Beliefs(), Beliefs()
    for i in range(5):
        beliefs.observe(CELL, "m", 1.0, now=float(i))
        clean.observe(CELL, "m", 1.0, now=float(i))
    beliefs.observe(CELL, "m", 0.0, now=10.0)
    beliefs.retract(CELL, "m", 0.0, observed_at=10.0)
    clean.observe(CELL, "n", 1.0, weight=0.0, now=10.0)
    assert beliefs.posterior(CELL, "m") == pytest.approx(clean.posterior(CELL, "m"))


def test_token_mix_is_learnt_and_starts_from_a_typical_request() -> None:
    beliefs = Beliefs()
    assert beliefs.mix(CELL, "m")[Meter.INPUT] == 500.0
    assert beliefs.mix(CELL, "m", prompt_tokens=9000)[Meter.INPUT] == 9000
    for i in range(30):
        beliefs.observe_usage(CELL, "m", Usage(input_tokens=100, output_tokens=50), float(i))
    assert beliefs.mix(CELL, "m")[Meter.OUTPUT] == pytest.approx(50.0)
    assert beliefs.mix(CELL, "n")[Meter.OUTPUT] == pytest.approx(50.0)
    assert beliefs.mix(CELL, "m", prompt_tokens=300)[Meter.INPUT] == pytest.approx(300)


def test_mixes_of_several_are_those_of_each() -> None:
    beliefs = Beliefs()
    for name, count in (("a", 3), ("b", 5)):
        for i in range(count):
            usage = Usage(input_tokens=10 * count + i, output_tokens=count)
            beliefs.observe_usage(CELL, name, usage, float(i))
    found = beliefs.mixes(CELL, ("new", "a", "other", "b"))
    assert found == {name: beliefs.mix(CELL, name) for name in found}
    assert Beliefs().mixes(CELL, ("new",)) == {"new": Beliefs().mix(CELL, "new")}


def test_cells_with_little_evidence_lean_on_their_neighbours() -> None:
    beliefs = Beliefs()
    for task in ("a", "b", "c"):
        for i in range(100):
            beliefs.observe(Cell("default", "auto", task), "good", 1.0, now=float(i))
            beliefs.observe(Cell("default", "auto", task), "bad", 0.0, now=float(i))
    fresh = Cell("default", "auto", "d")
    good, bad = (beliefs.posterior(fresh, name) for name in ("good", "bad"))
    assert good[0] / sum(good) > 0.75 > 0.35 > bad[0] / sum(bad)


def test_namespaces_share_nothing() -> None:
    beliefs = Beliefs()
    for i in range(100):
        beliefs.observe(Cell("one", "auto", "chat"), "m", 0.0, now=float(i))
    assert beliefs.posterior(Cell("two", "auto", "chat"), "m") == (3.0, 1.0)


def test_tasks_lists_cells_with_their_share() -> None:
    beliefs = Beliefs()
    for i in range(30):
        beliefs.observe(Cell("default", "auto", "a" if i % 3 else "b"), "m", 1.0, now=0.0)
    assert beliefs.tasks("default", "auto") == pytest.approx({"a": 2 / 3, "b": 1 / 3})


@pytest.mark.parametrize("follows_drift", [True, False])
def test_labels_to_come_are_those_of_the_rows_that_are_left(follows_drift: bool) -> None:
    settings = BeliefSettings(follows_drift=follows_drift)
    beliefs, again = Beliefs(settings), Beliefs(settings)
    for i in range(500):
        beliefs.observe(CELL, "m", 1.0, now=float(i))
    judged = beliefs.labels_to_come(CELL)
    beliefs.forget(frozenset([CELL]))
    beliefs.posterior(CELL, "m")
    beliefs.observe_usage(CELL, "m", Usage(input_tokens=5), 500.0)
    again.from_state(beliefs.to_state())
    assert beliefs.labels_to_come(CELL) == again.labels_to_come(CELL) < judged / 3
