"""What one key may say: free at first, then a share; and how far it is believed beside others."""

from __future__ import annotations

import json

import pytest

from windsock.core.evidence.keys.sums import MAX_KEYS
from windsock.core.evidence.weighting import MAX_WEIGHT, Response, RewardWeighting
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward

CELL = Cell("default", "auto", "chat")


def said(
    weighting: RewardWeighting, key: str | None, value: float, count: int, source: str = "explicit"
) -> list[tuple[float, float]]:
    """So many rewards alike; what each counts for, and as."""
    reward = Reward(value=value, key_id=key, source=source)
    weighed = [weighting.weigh(CELL, "m", reward) for _ in range(count)]
    return [(each.weight, each.value) for each in weighed]


def accounts(weighting: RewardWeighting) -> dict[str, list[float]]:
    """(weight, total, squares, believed, distance) by key."""
    (held,) = weighting.to_state()["accounts"]
    return held[-1]


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


def test_a_reward_that_counts_for_half_counts_as_what_it_says() -> None:
    weighting = RewardWeighting({"thumbs": 0.5})
    for key in ("one", "two"):
        said(weighting, key, 0.8, 20)
    for weight, value in said(weighting, "own", 0.8, 10, source="thumbs"):
        assert (weight, value) == (0.5, pytest.approx(0.8))


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
    assert held[""][:2] == [1.0, 0.5], "what the quiet one said still counts"
    assert {"a loud one", "new"} <= set(held)
    assert "z quiet" not in held
    for i in range(100):
        said(weighting, f"late {i:02}", 0.5, 1)
    held = accounts(weighting)
    assert len(held) <= MAX_KEYS + 1
    assert held["a loud one"][0] == 5.0
    assert sum(weight for weight, *_ in held.values()) == pytest.approx(
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
