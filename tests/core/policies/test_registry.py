"""Policies by the names that configuration and `simulate --policy` know."""

import pytest

from tests.builders import START
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.registry import POLICIES, PolicyParts, policy_named
from windsock.core.policies.views import CellView
from windsock.errors import ConfigError

VIEW = CellView(cell=Cell("default", "auto", "sql"), deployments=("a", "b"), usd=(1e-5, 1e-3))


def parts() -> PolicyParts:
    return PolicyParts(
        beliefs=Beliefs(),
        objective=Objective(kind="quality_floor", quality_floor=0.8),
        flagship="b",
        otherwise="a",
        deployment_by_task={"sql": "b"},
    )


@pytest.mark.parametrize("name", POLICIES)
def test_every_policy_weighs_looks_and_keeps_its_state(name: str) -> None:
    policy = policy_named(name, parts())
    policy.refresh([VIEW], START)
    before = policy.to_state()
    seen = policy.preview([VIEW], VIEW, START)
    assert policy.to_state() == before
    assert policy.weigh(VIEW, START).weights == pytest.approx(seen.weights)
    assert sum(seen.weights) == pytest.approx(1.0)
    policy.from_state(before)


@pytest.mark.parametrize("name", ["flagship", "rules"])
def test_a_policy_takes_what_it_is_told(name: str) -> None:
    assert policy_named(name, parts()).weigh(VIEW, START).weights == (0.0, 1.0)


def test_an_unknown_policy_is_one_sentence_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'cheepest'; did you mean 'cheapest'"):
        policy_named("cheepest", parts())
