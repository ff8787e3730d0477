"""A policy goes on from what one of its own kind has left, and starts fresh after any other."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.builders import START, request, router, run
from windsock.core.policies.baselines import Cheapest, RoundRobin
from windsock.core.policies.protocol import BasePolicy, Policy
from windsock.core.routing.router import Router


class Counting(BasePolicy):
    """A policy of somebody's own, which reads its state as it wrote it."""

    name = "counting"

    def __init__(self) -> None:
        self.asked = 0

    def weigh(self, view, now, request=None):
        self.asked += 1
        return super().weigh(view, now, request)

    def to_state(self) -> dict[str, Any]:
        return {"asked": self.asked}

    def from_state(self, state: Mapping[str, Any]) -> None:
        self.asked = state["asked"]


def serving(policy: Policy) -> Router:
    """A router whose route goes by this policy."""
    wind = router()
    swap(wind, policy)
    return wind


def swap(wind: Router, policy: Policy) -> None:
    route = replace(wind.routes["auto"], policy=policy)
    wind.adopt(wind.catalog.deployments.values(), {"auto": route})


def used(wind: Router) -> dict[str, Any]:
    """Its state after a few requests, as the store keeps it."""
    for _ in range(4):
        run(wind.open(request(), START))
    state: dict[str, Any] = json.loads(json.dumps(wind.to_state()))
    return state


KINDS = [lambda: router().routes["auto"].policy, RoundRobin, Cheapest, Counting]


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_a_route_may_change_its_policy_while_it_serves(before, after) -> None:
    wind, fresh = serving(before()), after()
    used(wind)
    kept = wind.routes["auto"].policy.to_state()
    is_same = fresh.name == wind.routes["auto"].policy.name
    expected = kept if is_same else fresh.to_state()
    swap(wind, fresh)
    assert fresh.to_state() == expected
    run(wind.open(request(), START + 1))


@pytest.mark.parametrize("before", KINDS)
@pytest.mark.parametrize("after", KINDS)
def test_a_route_may_change_its_policy_before_a_restart(before, after) -> None:
    state = used(serving(before()))
    again, fresh = serving(after()), after()
    again.from_state(state)
    found = again.routes["auto"].policy
    if before is after:
        assert found.to_state().items() <= state["policies"]["auto"].items()
    else:
        assert found.to_state() == fresh.to_state()
    assert again.beliefs.to_state() == state["beliefs"]


def test_a_state_that_names_no_kind_goes_to_the_one_that_wrote_it() -> None:
    """Snapshots did not name it before."""
    state = used(serving(RoundRobin()))
    del state["policies"]["auto"]["kind"]
    state["version"] = 1
    again, other = serving(RoundRobin()), serving(Counting())
    again.from_state(json.loads(json.dumps(state)))
    other.from_state(state)
    assert again.routes["auto"].policy.to_state() == {"turn": 4}
    assert other.routes["auto"].policy.to_state() == {"asked": 0}
