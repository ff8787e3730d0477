"""What rewards count for: sources, keys, corrections, and what past evaluations teach."""

from __future__ import annotations

import json

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.evidence.keys.sums import Sums, sums_of
from windsock.core.evidence.warm_start import PastResult, WarmStart, teach
from windsock.core.evidence.weighting import RewardWeighting
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

CELL = Cell("default", "auto", "chat")


def test_sources_have_weights() -> None:
    weighting = RewardWeighting({"check": 0.5})
    assert weighting.weigh(CELL, "m", Reward(value=1.0, source="check")).weight == 0.5
    assert weighting.weigh(CELL, "m", Reward(value=1.0, source="explicit")).weight == 1.0


def test_one_key_cannot_outweigh_the_others() -> None:
    weighting = RewardWeighting({})
    for i in range(70):
        weighting.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 7}"))
    poison = sum(
        weighting.weigh(CELL, "m", Reward(value=0.0, key_id="bad")).said for _ in range(1000)
    )
    assert poison == pytest.approx(30.0, abs=1.0)


def test_a_single_reporter_is_taken_at_its_word() -> None:
    weighting = RewardWeighting({})
    weights = [
        weighting.weigh(CELL, "m", Reward(value=1.0, key_id="only")).weight for _ in range(100)
    ]
    assert weights == [1.0] * 100


@pytest.mark.parametrize("keys", [1, 2, 3, 4, 7])
def test_keys_that_report_alike_are_all_taken_in_full(keys: int) -> None:
    weighting = RewardWeighting({})
    taken = [
        weighting.weigh(CELL, "m", Reward(value=0.8, key_id=f"user {i % keys}")) for i in range(350)
    ]
    assert sum(each.weight for each in taken) == pytest.approx(350, rel=0.05)
    assert {round(each.value, 9) for each in taken} == {0.8}


def test_a_key_that_says_the_opposite_of_all_others_moves_nothing_in_the_end() -> None:
    weighting = RewardWeighting({})
    rng = np.random.default_rng(0)
    sums = Sums()
    for i in range(2000):
        key = "bad" if i % 5 == 0 else f"user {i % 5}"
        value = 0.0 if key == "bad" else float(rng.random() < 0.9)
        weighed = weighting.weigh(CELL, "m", Reward(value=value, key_id=key))
        sums = sums.plus(sums_of(weighed.value, weighed.weight))
        for moved in weighed.moved.values():
            sums = sums.plus(moved)
        if i == 999:
            half = sums
    late = sums.plus(half, -1.0)
    assert late.total / late.weight == pytest.approx(0.9, abs=0.02)
    assert weighting.keys.belief("bad", (CELL, "m")) == 0.0


def test_a_key_that_only_seems_to_differ_by_chance_is_taken_at_its_word() -> None:
    weighting = RewardWeighting({})
    rng = np.random.default_rng(1)
    said, counted = 0.0, 0.0
    for i in range(1500):
        value = float(rng.random() < 0.85)
        taken = weighting.weigh(CELL, "m", Reward(value=value, key_id=f"user {i % 3}"))
        said += value
        counted += taken.value
    assert counted == pytest.approx(said, rel=0.005)


def test_a_corrected_reward_frees_its_weight() -> None:
    weighting = RewardWeighting({})
    for i in range(70):
        weighting.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 7}"))
    reward = Reward(value=0.0, key_id="bad")
    taken = [weighting.weigh(CELL, "m", reward).said for _ in range(100)]
    assert taken[-1] < 1e-6
    weighting.give_back(CELL, "m", reward, taken[0])
    assert weighting.weigh(CELL, "m", reward).said > 0.5


def test_counts_survive_a_restart() -> None:
    weighting, other = RewardWeighting({}), RewardWeighting({})
    for i in range(50):
        weighting.weigh(CELL, "m", Reward(value=1.0, key_id=f"user {i % 3}"))
    other.from_state(json.loads(json.dumps(weighting.to_state())))
    assert other.to_state() == weighting.to_state()


def test_past_evaluations_start_a_belief_with_a_stated_strength_and_can_be_taken_back() -> None:
    beliefs = Beliefs()
    results = [
        PastResult(task="chat", deployment="good", success=0.95, count=500.0),
        PastResult(task="chat", deployment="bad", success=0.4, count=20.0),
    ]
    taught = teach(beliefs, "default", "auto", results, strength=50.0, now=0.0)
    good, bad = (beliefs.summary(CELL, name) for name in ("good", "bad"))
    assert good.effective_samples == pytest.approx(50.0)
    assert bad.effective_samples == pytest.approx(20.0)
    assert good.mean > 0.9 > 0.5 > bad.mean
    again = WarmStart.from_state(json.loads(json.dumps(taught.to_state())))
    again.take_back(beliefs)
    assert beliefs.summary(CELL, "good").effective_samples == pytest.approx(0.0, abs=1e-9)
