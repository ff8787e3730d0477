"""What one key may say: free at first, then a share; and how far it is believed beside others."""

from __future__ import annotations

import json
import math

import pytest

from windsock.core.evidence.weighting import MAX_KEYS, MAX_WEIGHT, Response, RewardWeighting
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

CELL = Cell("default", "auto", "chat")


def said(
    weighting: RewardWeighting, key: str | None, value: float, count: int, source: str = "explicit"
) -> list[tuple[float, float]]:
    """So many rewards alike; what each counts for, and as."""
    reward = Reward(value=value, key_id=key, source=source)
    return [weighting.weigh(CELL, "m", reward) for _ in range(count)]


def accounts(weighting: RewardWeighting) -> dict[str, list[float]]:
    """(weight, reported, counted) by key."""
    (tallies,) = weighting.to_state()["tallies"]
    return tallies[-1]


def test_a_single_key_is_bounded_by_nothing_beside_the_routers_own_checks() -> None:
    weighting = RewardWeighting({})
    said(weighting, None, 0.8, 20, source="check")
    assert {weight for weight, _ in said(weighting, "only", 0.8, 200)} == {1.0}


def test_any_share_at_all_may_be_allowed() -> None:
    weighting = RewardWeighting({}, most_share=1.0)
    for key in ("one", "two"):
        said(weighting, key, 0.8, 20)
    assert {weight for weight, _ in said(weighting, "loud", 0.8, 400)} == {1.0}


def test_whoever_has_said_one_thing_reports_and_bounds_the_others() -> None:
    weighting = RewardWeighting({})
    for key in ("one", "two"):
        said(weighting, key, 1.0, 1)
    weights = [weight for weight, _ in said(weighting, "loud", 1.0, 8)]
    assert weights == [1.0] * 6 + [0.0] * 2, "six are free, and half of all is passed already"


def test_whoever_has_taken_everything_back_reports_no_more() -> None:
    weighting = RewardWeighting({})
    said(weighting, "steady", 0.8, 100)
    for key in ("gone", "away"):
        said(weighting, key, 0.8, 1)
        weighting.give_back(CELL, "m", Reward(value=0.8, key_id=key), 1.0)
    said(weighting, "loud", 0.8, 1000)
    loud, steady = (accounts(weighting)[key][0] for key in ("loud", "steady"))
    assert loud / (loud + steady) == pytest.approx(0.75), "a fair share and a half of two"


def test_the_reward_that_reaches_the_limit_counts_for_what_is_left_below_it() -> None:
    weighting = RewardWeighting({})
    for i in range(4):
        said(weighting, f"user {i}", 0.8, 25)
    weights = [weight for weight, _ in said(weighting, "loud", 0.8, 44)]
    assert weights[:42] == [1.0] * 42
    assert weights[42] == pytest.approx(0.3 * 100.0 / 0.7 - 42.0)
    assert weights[43] == pytest.approx(0.0, abs=1e-9)


def agreed(own: float, said_mean: float, others: float, mean: float) -> float:
    """What so many rewards of a key should come to: Hampel's two-part redescending influence."""
    usual = (others * mean + 1.0) / (others + 2.0)
    error = math.sqrt(usual * (1.0 - usual) * (1.0 / own + 1.0 / others))
    distance = abs(said_mean - mean) / (0.05 + 2.0 * error)
    belief = 1.0 if distance <= 1.0 else max(0.0, 2.0 - distance)
    return own * (mean + belief * (said_mean - mean))


@pytest.mark.parametrize("count", [8, 20, 30, 40, 50])
@pytest.mark.parametrize(("mean", "own_mean"), [(0.5, 0.8), (0.5, 0.2), (0.25, 0.6), (0.9, 0.7)])
def test_a_key_is_believed_by_how_far_it_lies_from_the_others(count, mean, own_mean) -> None:
    weighting = RewardWeighting({})
    for key in ("one", "two"):
        said(weighting, key, mean, 30)
    said(weighting, "own", own_mean, count)
    weight, reported, counted = accounts(weighting)["own"]
    assert (weight, reported) == pytest.approx((count, count * own_mean))
    assert counted == pytest.approx(agreed(count, own_mean, 60.0, mean))


def test_beside_one_reward_and_a_half_a_key_is_already_compared() -> None:
    weighting = RewardWeighting({"check": 0.5})
    said(weighting, None, 1.0, 3, source="check")
    values = [value for _, value in said(weighting, "own", 0.0, 6)]
    assert sum(values) == pytest.approx(agreed(6.0, 0.0, 1.5, 1.0))
    assert sum(values) > 0.0


def test_beside_less_than_one_reward_a_key_is_taken_at_its_word() -> None:
    weighting = RewardWeighting({"check": 0.5})
    said(weighting, None, 1.0, 1, source="check")
    assert {value for _, value in said(weighting, "own", 0.0, 50)} == {0.0}


def test_a_reward_that_counts_for_half_counts_as_what_it_says() -> None:
    weighting = RewardWeighting({"thumbs": 0.5})
    for key in ("one", "two"):
        said(weighting, key, 0.8, 20)
    for weight, value in said(weighting, "own", 0.8, 10, source="thumbs"):
        assert (weight, value) == (0.5, pytest.approx(0.8))


def test_who_turns_out_to_have_been_right_is_not_made_up_for_beyond_a_whole_reward() -> None:
    weighting = RewardWeighting({})
    for key in ("one", "two"):
        said(weighting, key, 0.0, 20)
    assert sum(value for _, value in said(weighting, "right", 1.0, 12)) < 6.0
    for key in ("one", "two"):
        said(weighting, key, 1.0, 100)
    values = [value for _, value in said(weighting, "right", 1.0, 3)]
    assert values[0] == max(values) == 1.0


def test_sixty_four_keys_are_kept_apart_and_the_least_of_more_are_thrown_together() -> None:
    weighting = RewardWeighting({})
    said(weighting, "a loud one", 0.5, 5)
    for i in range(MAX_KEYS - 2):
        said(weighting, f"user {i:02}", 0.5, 2)
    said(weighting, "z quiet", 0.5, 1)
    assert len(accounts(weighting)) == MAX_KEYS
    assert "" not in accounts(weighting)
    said(weighting, "new", 0.5, 1)
    held = accounts(weighting)
    assert held[""] == [1.0, 0.5, 0.5], "what the quiet one said still counts"
    assert {"a loud one", "new"} <= set(held)
    assert "z quiet" not in held
    for i in range(100):
        said(weighting, f"late {i:02}", 0.5, 1)
    held = accounts(weighting)
    assert len(held) <= MAX_KEYS + 1
    assert held["a loud one"][0] == 5.0
    assert sum(weight for weight, _, _ in held.values()) == pytest.approx(
        5.0 + 2.0 * (MAX_KEYS - 2) + 1.0 + 1.0 + 100.0
    )


def test_the_share_of_answers_that_are_judged_is_of_the_last_ones() -> None:
    seen = Response()
    seen.count(answers=500.0, rewards=250.0)
    assert (seen.answers, seen.rewards) == (500.0, 250.0)
    seen.count(answers=700.0, rewards=350.0)
    assert seen.answers == MAX_WEIGHT
    assert seen.rewards / seen.answers == pytest.approx(0.5)
    for _ in range(3000):
        seen.count(answers=1.0)
    assert seen.rewards / seen.answers < 0.01


def test_a_restart_knows_the_judged_share_who_said_what_and_that_a_task_is_judged() -> None:
    weighting, again = RewardWeighting({}), RewardWeighting({})
    for key in ("one", "two"):
        said(weighting, key, 0.6, 30)
    weighting.response(CELL, "m").count(answers=40.0, rewards=10.0)
    assert weighting.count_judgement(CELL, 5.0)
    again.from_state(json.loads(json.dumps(weighting.to_state())))
    assert again.judged_share(CELL, "m") == 0.25
    assert again.judged_share(CELL, "other") is None
    assert again.is_judged(CELL)
    assert not again.count_judgement(CELL, 5.0)
    assert said(again, "own", 0.2, 30) == said(weighting, "own", 0.2, 30)
