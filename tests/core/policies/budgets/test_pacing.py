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
from windsock.core.policies.views import CellView

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


@pytest.mark.parametrize("usd", [1001.0, 5000.0, 1e9])
def test_however_much_was_overspent_a_thousand_requests_make_up_for_it(usd: float) -> None:
    pacer = RequestPacer(1.0)
    pacer.spend(usd, 0.0)
    for _ in range(900):
        assert pacer.allowance(0.0).usd == 0.0
        pacer.spend(0.0, 0.0)
    pacer.spend(0.0, 0.0, requests=100.0)
    assert pacer.allowance(0.0).usd == pytest.approx(1.0)


def test_what_one_dear_request_cost_is_made_up_in_full() -> None:
    pacer = RequestPacer(1.0)
    pacer.spend(800.0, 0.0)
    spent, requests = 800.0, 1
    while requests < 3000:
        usd = pacer.allowance(0.0).usd
        pacer.spend(usd, 0.0)
        spent, requests = spent + usd, requests + 1
    assert spent / requests == pytest.approx(1.0, rel=0.001)


def test_over_and_underspending_is_spread_over_a_hundred_requests() -> None:
    pacer = RequestPacer(1.0)
    pacer.spend(11.0, 0.0)
    assert pacer.allowance(0.0).usd == pytest.approx(0.9)
    pacer.spend(0.0, 0.0, requests=30.0)
    assert pacer.allowance(0.0).usd == pytest.approx(1.2)
    for _ in range(10):
        pacer.spend(0.0, 0.0, requests=1e6)
    assert pacer.allowance(0.0).usd == pytest.approx(1.5), "half of what the horizon brings"


def test_many_requests_at_once_are_paced_as_one_by_one() -> None:
    for make in (lambda: RequestPacer(1.0), lambda: DayPacer(1000.0)):
        together, apart = make(), make()
        together.spend(60.0, 10.0, requests=40.0)
        for _ in range(40):
            apart.spend(1.5, 10.0)
        assert together.to_state() == apart.to_state()


def test_a_clock_set_back_over_midnight_does_not_open_the_spent_day_again() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(1.5, DAY_S + 10.0)
    pacer.spend(0.0, DAY_S - 10.0)
    assert pacer.allowance(DAY_S + 20.0).is_spent
    assert not pacer.allowance(2 * DAY_S).is_spent


def test_a_day_owes_nothing_to_the_next() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(1000.0, 10.0)
    fresh = pacer.allowance(DAY_S)
    assert not fresh.is_spent
    assert fresh.usd > 0.0
    pacer.spend(0.25, DAY_S + 1.0)
    assert pacer.spent_usd == 0.25


def test_what_is_left_of_a_day_is_shared_by_the_requests_still_to_come() -> None:
    pacer = DayPacer(100.0)
    pacer.spend(20.0, DAY_S / 4, requests=50.0)
    assert pacer.expected_requests(DAY_S / 4) == pytest.approx(150.0)
    assert pacer.allowance(DAY_S / 4).usd == pytest.approx(80.0 / 150.0)


@pytest.mark.parametrize("budget", [2e-4, 0.02, 3.0])
def test_what_is_carried_forward_grows_with_the_budget(budget: float) -> None:
    pacer = RequestPacer(budget)
    pacer.spend(1e9, 0.0)
    pacer.spend(0.0, 0.0, requests=950.0)
    assert pacer.allowance(0.0).usd == pytest.approx(0.5 * budget)
    pacer.spend(0.0, 0.0, requests=1e6)
    assert pacer.allowance(0.0).usd == pytest.approx(1.5 * budget)


def restarted(pacer: RequestPacer | DayPacer) -> RequestPacer | DayPacer:
    made = RequestPacer(2.0) if isinstance(pacer, RequestPacer) else DayPacer(2.0)
    made.from_state(json.loads(json.dumps(pacer.to_state())))
    return made


@pytest.mark.parametrize("make", [RequestPacer, DayPacer])
@pytest.mark.parametrize("days", [0, 1, 3])
def test_a_restart_forgets_neither_today_nor_the_days_before(make, days: int) -> None:
    pacer = make(2.0)
    for day in range(days):
        pacer.spend(0.5, day * DAY_S + 3600.0, requests=7.0)
    again, now = restarted(pacer), max(0, days - 1) * DAY_S + 7200.0
    assert again.allowance(now) == pacer.allowance(now)
    for each in (pacer, again):
        each.spend(0.75, now + DAY_S, requests=3.0)
    assert again.allowance(now + DAY_S) == pacer.allowance(now + DAY_S)
    assert again.to_state() == pacer.to_state()


def test_a_snapshot_of_a_pacer_keeps_its_names() -> None:
    assert list(RequestPacer(1.0).to_state()) == ["credit_usd"]
    assert list(DayPacer(1.0).to_state()) == ["spent_usd", "day", "today", "profile", "days"]


def test_a_day_ends_with_its_last_cent_and_the_last_request_may_spend_it() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(0.25, DAY_S - 1.0)
    assert pacer.expected_requests(DAY_S - 1.0) < 1.0
    assert pacer.allowance(DAY_S - 1.0).usd == 0.75
    pacer.spend(0.75, DAY_S - 1.0)
    spent = pacer.allowance(DAY_S - 1.0)
    assert spent.is_spent
    assert spent.usd == 0.0


def test_the_first_seconds_of_a_first_day_say_no_more_than_a_minute_would() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(0.0, 6.0, requests=2.0)
    assert pacer.expected_requests(6.0) == pytest.approx(2.0 * (DAY_S - 6.0) / 60.0)


def test_within_an_hour_the_past_part_of_it_is_over() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(0.0, 9 * 3600.0, requests=60.0)
    pacer.spend(0.0, 10 * 3600.0 - 1.0, requests=60.0)
    nine = DAY_S + 9 * 3600.0
    pacer.spend(0.0, nine, requests=0.0)
    for quarter in range(4):
        now = nine + 900.0 * quarter
        assert pacer.expected_requests(now) == pytest.approx(120.0 - 30.0 * quarter)
        pacer.spend(0.0, now, requests=30.0)


def test_a_day_twice_as_busy_as_usual_is_expected_to_stay_so() -> None:
    pacer = DayPacer(1.0)
    for hour in range(24):
        pacer.spend(0.0, hour * 3600.0, requests=100.0)
    for hour in range(12):
        pacer.spend(0.0, DAY_S + hour * 3600.0, requests=200.0)
    noon = DAY_S + 12 * 3600.0
    pace = (2400.0 + 240.0) / (1200.0 + 240.0)
    assert pacer.expected_requests(noon) == pytest.approx(1200.0 * pace)


def test_days_without_a_request_let_none_be_expected() -> None:
    pacer = DayPacer(1.0)
    pacer.spend(0.0, 10.0, requests=0.0)
    pacer.spend(0.0, DAY_S + 10.0, requests=0.0)
    assert pacer.expected_requests(DAY_S + 20.0) == 0.0
    assert pacer.allowance(DAY_S + 20.0).usd == 1.0


def test_a_day_that_is_over_counts_nine_tenths_of_the_one_after() -> None:
    pacer = DayPacer(1.0)
    for day, requests in enumerate([100.0, 200.0]):
        pacer.spend(0.0, day * DAY_S, requests=requests)
    pacer.spend(0.0, 2 * DAY_S, requests=0.0)
    usual = (0.9 * 100.0 + 200.0) / (0.9 + 1.0)
    assert pacer.expected_requests(2 * DAY_S) == pytest.approx(usual)


def test_the_first_request_of_a_day_gets_its_part_and_not_the_whole_day() -> None:
    pacer = DayPacer(10.0)
    pacer.spend(5.0, 3600.0, requests=500.0)
    pacer.spend(4.0, 20 * 3600.0, requests=500.0)
    for now in (DAY_S, DAY_S + 1800.0, 3 * DAY_S):
        early = pacer.allowance(now)
        asked = DayPacer(10.0)
        asked.from_state(pacer.to_state())
        asked.spend(0.0, now, requests=0.0)
        assert early == asked.allowance(now)
        assert early.usd == pytest.approx(10.0 / 1000.0, rel=0.05)
    state = pacer.to_state()
    pacer.expected_requests(5 * DAY_S)
    assert pacer.to_state() == state, "looking ahead moves nothing"


def test_of_a_day_that_has_not_begun_nothing_is_spent() -> None:
    pacer = DayPacer(1.0)
    assert pacer.spent_usd == 0.0
    assert pacer.allowance(0.0).usd == 1.0
    assert pacer.expected_requests(0.0) == 0.0
