"""What rewards count for: sources, keys, corrections, and what past evaluations teach."""

from __future__ import annotations

import json

import pytest

from windsock.core.feedback import Intake
from windsock.core.past import PastResult, Teaching, teach
from windsock.core.posterior import Beliefs
from windsock.core.records import Cell, Reward

CELL = Cell("default", "auto", "chat")


def test_sources_have_weights() -> None:
    intake = Intake({"check": 0.5})
    assert intake.weigh(CELL, "m", Reward(value=1.0, source="check")) == 0.5
    assert intake.weigh(CELL, "m", Reward(value=1.0, source="explicit")) == 1.0


def test_one_key_cannot_outweigh_the_others() -> None:
    intake = Intake({})
    for i in range(70):
        intake.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 7}"))
    poison = sum(intake.weigh(CELL, "m", Reward(value=0.0, key_id="bad")) for _ in range(1000))
    assert poison == pytest.approx(30.0, abs=1.0)


def test_a_single_reporter_is_taken_at_its_word() -> None:
    intake = Intake({})
    weights = [intake.weigh(CELL, "m", Reward(value=1.0, key_id="only")) for _ in range(100)]
    assert weights == [1.0] * 100


def test_a_corrected_reward_frees_its_weight() -> None:
    intake = Intake({})
    for i in range(70):
        intake.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 7}"))
    reward = Reward(value=0.0, key_id="bad")
    taken = [intake.weigh(CELL, "m", reward) for _ in range(100)]
    assert taken[-1] < 1e-6
    intake.give_back(CELL, "m", reward, taken[0])
    assert intake.weigh(CELL, "m", reward) > 0.5


def test_counts_survive_a_restart() -> None:
    intake, other = Intake({}), Intake({})
    for i in range(50):
        intake.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 3}"))
    other.from_state(json.loads(json.dumps(intake.to_state())))
    assert other.to_state() == intake.to_state()


def test_past_evaluations_start_a_belief_with_a_stated_strength_and_can_be_taken_back() -> None:
    beliefs = Beliefs()
    results = [
        PastResult(task="chat", deployment="good", success=0.95, count=500.0),
        PastResult(task="chat", deployment="bad", success=0.4, count=20.0),
    ]
    taught = teach(beliefs, "default", "auto", results, strength=50.0, now=0.0)
    good, bad = (beliefs.summary(CELL, name, 0.0) for name in ("good", "bad"))
    assert good.effective_samples == pytest.approx(50.0)
    assert bad.effective_samples == pytest.approx(20.0)
    assert good.mean > 0.9 > 0.5 > bad.mean
    again = Teaching.from_state(json.loads(json.dumps(taught.to_state())))
    again.take_back(beliefs, now=0.0)
    assert beliefs.summary(CELL, "good", 0.0).effective_samples == pytest.approx(0.0, abs=1e-9)
