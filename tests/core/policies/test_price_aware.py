"""The price-aware policy and its rivals."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies import baselines
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.restraint.bisection import first_true
from windsock.core.policies.views import CellView

CELL = Cell("default", "auto", "chat")
NAMES = ("cheap", "mid", "best")
USD = (1e-5, 1e-4, 5e-3)


def taught(rates: tuple[float, ...] = (0.7, 0.85, 0.95), n: int = 200) -> Beliefs:
    beliefs = Beliefs()
    for name, rate in zip(NAMES, rates, strict=True):
        for i in range(n):
            value = 1.0 if int((i + 1) * rate) > int(i * rate) else 0.0
            beliefs.observe(CELL, name, value, now=float(i))
    return beliefs


def view(usd: tuple[float, ...] = USD) -> CellView:
    return CellView(cell=CELL, deployments=NAMES, usd=usd)


def weights(objective: Objective, usd: tuple[float, ...] = USD) -> tuple[float, ...]:
    return PriceAware(taught(), objective).weigh(view(usd), 200.0).weights


def test_a_dear_success_buys_the_best_and_a_cheap_one_the_cheapest() -> None:
    rich = weights(Objective(kind="value", usd_per_success=10.0))
    poor = weights(Objective(kind="value", usd_per_success=1e-6))
    assert rich[2] > 0.95
    assert poor[0] > 0.95


def test_a_price_move_leaves_belief_alone_and_its_reversal_restores_the_weights() -> None:
    beliefs = taught()
    policy = PriceAware(beliefs, Objective(quality_floor=0.84))
    before = policy.weigh(view(), 200.0).weights
    rows = json.dumps(beliefs.to_state())
    moved = policy.weigh(view((1e-5, 4e-2, 5e-3)), 201.0).weights
    after = policy.weigh(view(), 202.0).weights
    assert max(abs(x - y) for x, y in zip(before, moved, strict=True)) > 0.3
    assert max(abs(x - y) for x, y in zip(before, after, strict=True)) < 1e-9
    assert json.dumps(beliefs.to_state()) == rows


def test_the_floor_is_hit_exactly_by_mixing_two_rungs() -> None:
    beliefs = taught()
    objective = Objective(kind="quality_floor", quality_floor=0.84, caution=0.0)
    weighing = PriceAware(beliefs, objective).weigh(view(), 200.0)
    means = [beliefs.summary(CELL, name).mean for name in NAMES]
    expected = sum(w * m for w, m in zip(weighing.weights, means, strict=True))
    assert expected == pytest.approx(0.84, abs=1e-9)
    assert weighing.note == ""


def test_a_floor_is_held_on_the_safe_side_while_little_is_known() -> None:
    successes = []
    for n in (40, 2000):
        beliefs = taught(n=n)
        means = [beliefs.summary(CELL, name).mean for name in NAMES]
        found = PriceAware(beliefs, Objective(quality_floor=0.84)).weigh(view(), 200.0).weights
        successes.append(sum(w * m for w, m in zip(found, means, strict=True)))
    assert 0.84 - 1e-9 <= successes[1] < successes[0]


def test_a_floor_out_of_reach_takes_the_best_and_says_so() -> None:
    weighing = PriceAware(taught(), Objective(quality_floor=0.99)).weigh(view(), 200.0)
    assert weighing.weights[2] > 0.9
    assert "out of reach" in weighing.note


def test_a_floor_that_is_expected_but_not_certain_says_so() -> None:
    weighing = PriceAware(taught(n=8), Objective(quality_floor=0.78)).weigh(view(), 200.0)
    assert "quality floor 0.78 is not certain yet" in weighing.note


def test_cost_per_success_demands_a_floor() -> None:
    with pytest.raises(ValueError, match="quality_floor"):
        Objective(kind="cost_per_success")


@settings(max_examples=60, deadline=None)
@given(
    usd=st.lists(st.floats(1e-6, 1e-1), min_size=3, max_size=3),
    drop=st.floats(0.1, 0.99),
    arm=st.integers(0, 2),
    value=st.floats(1e-5, 10.0),
)
def test_a_lower_price_never_lowers_a_weight(
    usd: list[float], drop: float, arm: int, value: float
) -> None:
    objective = Objective(kind="value", usd_per_success=value)
    lower = [cost * drop if i == arm else cost for i, cost in enumerate(usd)]
    assert weights(objective, tuple(lower))[arm] >= weights(objective, tuple(usd))[arm] - 1e-8


@settings(max_examples=40, deadline=None)
@given(scale=st.floats(1e-3, 1e3), value=st.floats(1e-4, 1.0))
def test_scaling_all_money_changes_nothing(scale: float, value: float) -> None:
    plain = weights(Objective(kind="value", usd_per_success=value))
    scaled = weights(
        Objective(kind="value", usd_per_success=value * scale),
        tuple(cost * scale for cost in USD),
    )
    assert scaled == pytest.approx(plain, abs=1e-8)


@settings(max_examples=40, deadline=None)
@example(usd=[0.0, 0.0625, 5e-324], explore=0.0, floor=0.96875)
@given(
    usd=st.lists(st.floats(0.0, 1e-1), min_size=3, max_size=3),
    explore=st.floats(0.0, 0.3),
    floor=st.floats(0.1, 0.99),
)
def test_weights_sum_to_one_and_respect_the_exploration_floor(
    usd: list[float], explore: float, floor: float
) -> None:
    found = weights(Objective(quality_floor=floor, explore=explore), tuple(usd))
    assert sum(found) == pytest.approx(1.0, abs=1e-9)
    assert min(found) >= 0.0
    even = weights(Objective(quality_floor=floor, explore=explore), (usd[0],) * 3)
    assert min(even) >= explore / 3 - 1e-12


def test_learning_costs_no_more_than_a_fiftieth_of_the_spend() -> None:
    usd = (1e-5, 1e-4, 5e-1)
    plain = weights(Objective(kind="value", usd_per_success=1e-3, explore=0.0), usd)
    explored = weights(Objective(kind="value", usd_per_success=1e-3, explore=0.05), usd)
    spent = [sum(w * c for w, c in zip(found, usd, strict=True)) for found in (plain, explored)]
    assert 0 < explored[2] < 0.05 / 3
    assert spent[1] < spent[0] * 1.05 + 0.005 * (1e-5 * 1e-4 * 5e-1) ** (1 / 3)


def test_share_moves_no_faster_than_allowed() -> None:
    objective = Objective(kind="value", usd_per_success=1.0, max_share_change_per_min=0.1)
    policy = PriceAware(taught(), objective)
    dear = (1e-5, 1e-4, 5e-1)
    start = policy.weigh(view(), 0.0)
    steps = [policy.weigh(view(dear), 60.0 * minute) for minute in range(1, 13)]
    moves = [start.weights[2] - step.weights[2] for step in steps]
    assert not start.is_settling
    assert steps[0].is_settling
    assert "limited" in steps[0].note
    assert moves[0] == pytest.approx(0.1, abs=0.01)
    assert steps[-1].weights[2] < 0.01
    assert not steps[-1].is_settling


def test_a_newcomer_beside_well_known_deployments_is_young_and_bounded() -> None:
    beliefs = taught(n=400)
    cell = CellView(cell=CELL, deployments=(*NAMES, "new"), usd=(*USD, 1e-9))
    policy = PriceAware(beliefs, Objective(kind="value", usd_per_success=1e-3))
    fresh = policy.weigh(cell, 400.0)
    assert fresh.weights[3] <= 0.3 + 1e-12
    assert "young" in fresh.limits[3]
    assert not any("young" in limits for limits in fresh.limits[:3])
    for i in range(60):
        beliefs.observe(CELL, "new", float(i % 20 != 0), now=400.0)
    grown = policy.weigh(cell, 400.0)
    assert "young" not in grown.limits[3]
    assert grown.weights[3] > 0.8


def test_a_search_finds_the_same_from_wherever_it_starts() -> None:
    for count in (0, 1, 2, 48):
        for answer in range(count + 1):
            for near in (None, 0, answer - 1, answer, answer + 1, 60):
                found = first_true(count, lambda i, answer=answer: i >= answer, near=near)
                assert found == answer


def test_every_rival_gives_weights_that_sum_to_one() -> None:
    beliefs = taught()
    rivals = [
        baselines.Fixed("best"),
        baselines.Cheapest(),
        baselines.RoundRobin(),
        baselines.Uniform(),
        baselines.InverseSquarePrice(),
        baselines.EpsilonGreedy(beliefs, usd_per_success=0.01),
        baselines.PlainThompson(beliefs),
        baselines.SuccessPerCost(beliefs),
        baselines.Rules({"chat": "mid"}, "cheap"),
    ]
    for rival in rivals:
        rival.refresh([view()], 200.0)
        assert sum(rival.weigh(view(), 200.0).weights) == pytest.approx(1.0)
        rival.from_state(json.loads(json.dumps(rival.to_state())))


@pytest.mark.parametrize(
    ("right", "floor", "least", "most"),
    [(20.0, 0.85, 0.8, 1.0), (14.0, 0.85, 0.0, 0.3), (20.0, None, 0.2999, 0.3)],
)
def test_a_newcomer_that_credibly_reaches_the_floor_is_bounded_no_longer(
    right: float, floor: float | None, least: float, most: float
) -> None:
    beliefs = taught((0.86, 0.87, 0.95), n=400)
    beliefs.observe_sums(CELL, "new", 20.0, right, right, now=0.0)
    aim = (
        Objective(quality_floor=floor, explore=0.0)
        if floor
        else Objective(kind="value", usd_per_success=1e-4, explore=0.0)
    )
    young = CellView(cell=CELL, deployments=(*NAMES, "new"), usd=(*USD, 1e-6))
    weights = PriceAware(beliefs, aim).weigh(young, 0.0).weights
    assert least <= weights[3] <= most + 1e-9
