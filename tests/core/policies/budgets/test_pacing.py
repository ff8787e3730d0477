"""Budgets: shares of traffic, credit and debt, days, floors that win."""

from __future__ import annotations

import json

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.budgets.pacing import DAY_S, DayPacer, RequestPacer
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import CellView

NAMES = ("cheap", "mid", "best")
USD = (1e-5, 1e-4, 5e-3)
RATES = {"easy": (0.9, 0.92, 0.93), "hard": (0.4, 0.7, 0.95)}


def taught() -> Beliefs:
    rng = np.random.default_rng(0)
    beliefs = Beliefs()
    for task, rates in RATES.items():
        for name, rate in zip(NAMES, rates, strict=True):
            for i in range(300):
                hit = float(rng.random() < rate)
                beliefs.observe(Cell("default", "auto", task), name, hit, now=float(i))
    return beliefs


def views() -> list[CellView]:
    return [
        CellView(cell=Cell("default", "auto", task), deployments=NAMES, usd=USD, share=0.5)
        for task in RATES
    ]


def expected(policy: PriceAware) -> tuple[float, dict[str, float]]:
    policy.refresh(views(), 300.0)
    usd, success = 0.0, {}
    for view in views():
        weights = policy.weigh(view, 300.0).weights
        usd += 0.5 * float(np.dot(weights, USD))
        means = [policy.beliefs.summary(view.cell, name).mean for name in NAMES]
        success[view.cell.task] = float(np.dot(weights, means))
    return usd, success


@pytest.mark.parametrize("budget", [3e-5, 1e-4, 5e-4, 2e-3])
def test_the_expected_cost_over_all_tasks_is_the_budget(budget: float) -> None:
    policy = PriceAware(taught(), Objective(kind="budget", usd_per_request=budget))
    assert expected(policy)[0] == pytest.approx(budget, rel=1e-6)


def test_money_goes_where_it_buys_most() -> None:
    policy = PriceAware(taught(), Objective(kind="budget", usd_per_request=5e-4, explore=0.0))
    policy.refresh(views(), 300.0)
    easy, hard = (policy.weigh(view, 300.0).weights for view in views())
    assert hard[2] > 5 * easy[2]


def test_a_floor_wins_over_a_budget_and_the_answer_says_so() -> None:
    objective = Objective(kind="budget", usd_per_request=3e-5, quality_floor=0.85, caution=0.0)
    policy = PriceAware(taught(), objective)
    usd, success = expected(policy)
    assert success["hard"] == pytest.approx(0.85, abs=1e-6)
    assert usd > 3e-5
    assert "floor costs more" in policy.weigh(views()[1], 300.0).note


def test_a_budget_below_the_cheapest_takes_the_cheapest_and_says_so() -> None:
    policy = PriceAware(taught(), Objective(kind="budget", usd_per_request=1e-7))
    policy.refresh(views(), 300.0)
    weighing = policy.weigh(views()[0], 300.0)
    assert weighing.weights[0] > 0.95
    assert "below the cheapest" in weighing.note


def test_overspending_is_made_up_and_savings_are_spent_within_limits() -> None:
    pacer = RequestPacer(1.0)
    for _ in range(50):
        pacer.spend(2.0, 0.0)
    assert pacer.allowance(0.0).usd == pytest.approx(0.5)
    for _ in range(10_000):
        pacer.spend(0.0, 0.0)
    assert pacer.allowance(0.0).usd == pytest.approx(1.5)


def test_mean_spend_comes_out_on_the_budget_though_costs_are_wild() -> None:
    rng = np.random.default_rng(1)
    policy = PriceAware(taught(), Objective(kind="budget", usd_per_request=2e-4))
    spent = 0.0
    for i in range(4000):
        if i % 20 == 0:
            policy.refresh(views(), 300.0)
            weights = [policy.weigh(view, 300.0).weights for view in views()]
        arm = rng.choice(3, p=weights[i % 2])
        usd = USD[arm] * rng.exponential()
        policy.pacer.spend(usd, 300.0)
        spent += usd
    assert spent / 4000 == pytest.approx(2e-4, rel=0.05)


def test_a_day_is_spent_evenly_and_never_passed() -> None:
    pacer = DayPacer(100.0)
    for day in range(3):
        for i in range(1000):
            now = day * DAY_S + i * DAY_S / 1000
            usd = pacer.allowance(now).usd
            pacer.spend(min(usd, 1.0), now)
        assert pacer.spent_usd == pytest.approx(100.0, rel=0.02)
        assert pacer.spent_usd <= 100.0 + 1e-9


def test_a_spent_day_is_a_hard_stop_until_the_next() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(1.5, 10.0)
    assert pacer.allowance(20.0).is_spent
    assert not pacer.allowance(DAY_S + 20.0).is_spent


def test_traffic_is_expected_as_on_past_days() -> None:
    pacer = DayPacer(1.0)
    for day in range(5):
        for i in range(240):
            pacer.spend(0.0, day * DAY_S + 8 * 3600 + i * 60)
    assert pacer.expected_requests(5 * DAY_S + 7 * 3600) == pytest.approx(240, rel=0.01)
    assert pacer.expected_requests(5 * DAY_S + 13 * 3600) == pytest.approx(0.0, abs=1.0)


def test_pacing_survives_a_restart() -> None:
    objective = Objective(kind="budget", usd_per_day=5.0)
    policy, other = PriceAware(taught(), objective), PriceAware(taught(), objective)
    policy.pacer.spend(0.7, 1000.0)
    other.from_state(json.loads(json.dumps(policy.to_state())))
    assert other.pacer.allowance(2000.0) == policy.pacer.allowance(2000.0)
