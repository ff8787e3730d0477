"""A state that an earlier windsock wrote is taken over; one of a later is refused."""

import json
from typing import Any

import pytest

from tests.builders import START, request, router
from tests.core.context.test_segments import taught
from windsock.core.evidence.checks.worth import CheckWorth
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.routing.kept.state_upgrades import VERSION, upgraded
from windsock.core.routing.router import Router

ADDED = {
    "groups": ("watches", "recents", "judging", "judged"),
    "policies": ("segments", "tasks"),
}


def lived() -> Router:
    wind = router()
    for number in range(60):
        now = START + number
        exchange = wind.open(request(task="c#"), now)
        wind.learn(exchange.decision, exchange.decision.deployment, Reward(value=1.0), now)
    return wind


def copied(state: Any) -> Any:
    return json.loads(json.dumps(state))


def as_of_0(state: dict[str, Any]) -> dict[str, Any]:
    """The state as the first windsock would have written it."""
    old = copied(state)
    del old["version"]
    for group in old["beliefs"]["groups"]:
        for name in ADDED["groups"]:
            del group[name]
        for row in group["rows"]:
            row[-1] = row[-1] and row[-1][:4]
    for policy in old["policies"].values():
        for name in ADDED["policies"]:
            del policy[name]
    return old


def test_a_state_of_today_is_left_as_it_is() -> None:
    state = lived().to_state()
    assert state["version"] == VERSION
    assert upgraded(copied(state)) == copied(state)


def test_a_state_without_what_was_added_since_gives_the_same_weights() -> None:
    it, again = lived(), router()
    again.from_state(as_of_0(it.to_state()))
    tables = [each.open(request(task="c#"), START + 90).table for each in (it, again)]
    assert [arm.success_mean for arm in tables[0].arms] == pytest.approx(
        [arm.success_mean for arm in tables[1].arms]
    )
    assert again.to_state().keys() == it.to_state().keys()


def test_segments_without_what_was_added_since_are_completed() -> None:
    policy, _ = taught()
    whole = copied(policy.to_state())
    old = copied(whole)
    for segments in old["segments"].values():
        del segments["fresh"], segments["version"]
        del segments["borders"]["segments"], segments["borders"]["holds"]
        for ridge in (*segments["gains"].values(), segments["size"]):
            ridge.pop()
    (found,) = upgraded({"beliefs": {"groups": []}, "policies": {"auto": old}})["policies"].values()
    (segments,) = found["segments"].values()
    (now,) = whole["segments"].values()
    assert segments.keys() == now.keys()
    assert segments["version"] == now["version"]
    assert len(segments["borders"]["segments"]) == len(now["borders"]["centres"])
    for name, ridge in segments["gains"].items():
        assert ridge[2:] == pytest.approx(now["gains"][name][2:])


def test_a_state_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="later windsock"):
        router().from_state({**lived().to_state(), "version": VERSION + 1})


def test_what_checks_had_said_stays_and_what_they_were_worth_is_told_by_their_labels() -> None:
    """Of 10 right answers they had failed 2, of 6 wrong ones 5."""
    it, again = lived(), router()
    old = copied(it.to_state())
    old["version"] = 7
    del old["confidences"]["pairs"]
    for rewards in old["rewards"].values():
        del rewards["proxies"], rewards["score_watches"]
        (*place, at, keys), *_ = rewards["accounts"]
        own = keys[""][0]
        keys["\x00checks"] = [4.0, 1.0, 1.0, 0.5, None]
        rewards["accounts"] = [[*place, at, keys]]
        rewards["checks"] = [[*place, [10.0, 2.0, 6.0, 5.0]]]
    again.from_state(old)
    *names, deployment = place
    known = again.operator.how_known(Cell.read(*names), deployment)
    assert known.counted == pytest.approx(own + 0.5 * 4.0)
    assert known.worth == CheckWorth(right=10.0, right_failed=2.0, wrong=6.0, wrong_failed=5.0)
    assert again.beliefs.posterior(Cell.read(*names), deployment)[0] > 1
    assert upgraded(again.to_state()) == again.to_state()
