"""Several routes on one budget: equal shadow price, the joint optimum, the cap for all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.requests import Cell
from windsock.core.policies.budgets.pacing import DAY_S, DayPacer, RequestPacer
from windsock.core.policies.budgets.pool import BudgetPool, Spender
from windsock.core.policies.budgets.solver import Demand
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.rungs import Arms
from windsock.core.policies.views import CellView

NAMES = ("cheap", "mid", "best")
USD = (1e-5, 2e-4, 5e-3)
RATES = {
    ("chat", "easy"): (0.90, 0.93, 0.94),
    ("chat", "hard"): (0.50, 0.75, 0.95),
    ("batch", "plain"): (0.80, 0.84, 0.92),
    ("batch", "rough"): (0.30, 0.70, 0.74),
}
TRAFFIC = {"chat": 3.0, "batch": 1.0}
SPREAD = 1000
"""Requests of the less busy route over which traffic is counted."""


def well_known() -> Beliefs:
    beliefs = Beliefs(BeliefSettings(evidence_cap=1e7))
    for (route, task), rates in RATES.items():
        for name, rate in zip(NAMES, rates, strict=True):
            cell = Cell("default", route, task)
            beliefs.observe_sums(cell, name, 1e6, 1e6 * rate, 1e6 * rate, now=0.0)
    return beliefs


def views(route: str) -> list[CellView]:
    return [
        CellView(cell=Cell("default", name, task), deployments=NAMES, usd=USD, share=0.5)
        for name, task in RATES
        if name == route
    ]


def sharing(purse: BudgetPool, usd_each: float = 0.0) -> dict[str, PriceAware]:
    """A policy per route on one budget, after traffic of its usual mix at `usd_each` a request."""
    beliefs = well_known()
    aim = Objective(kind="budget", usd_per_request=1.0, explore=0.0)
    policies = {route: PriceAware(beliefs, aim, purse=purse) for route in TRAFFIC}
    for route, requests in TRAFFIC.items():
        purse.spend(("default", route), requests * SPREAD * usd_each, 0.0, requests * SPREAD)
    for _ in range(2):
        for route, policy in policies.items():
            policy.refresh(views(route), 0.0)
    return policies


def delivered(policies: dict[str, PriceAware]) -> tuple[float, float]:
    """Expected dollars and success of one request over all traffic."""
    usd = success = 0.0
    for route, policy in policies.items():
        for view in views(route):
            weights = np.array(policy.weigh(view, 0.0).weights)
            share = TRAFFIC[route] / sum(TRAFFIC.values()) / 2
            usd += share * float(weights @ USD)
            success += share * float(weights @ RATES[route, view.cell.task])
    return usd, success


def best_success(budget: float) -> float:
    """The optimum of the joint linear programme over both routes."""
    share = np.array([TRAFFIC[route] / sum(TRAFFIC.values()) / 2 for route, _ in RATES])[:, None]
    solved = linprog(
        -(share * np.array(list(RATES.values()))).ravel(),
        A_ub=(share * np.array([USD] * len(RATES))).reshape(1, -1),
        b_ub=[budget],
        A_eq=np.kron(np.eye(len(RATES)), np.ones(len(NAMES))),
        b_eq=np.ones(len(RATES)),
    )
    return float(-solved.fun)


@pytest.mark.parametrize("budget", [5e-5, 2e-4, 6e-4, 2e-3])
def test_routes_on_one_budget_reach_the_joint_optimum_at_one_shadow_price(budget: float) -> None:
    purse = BudgetPool(RequestPacer(budget))
    policies = sharing(purse, usd_each=budget)
    usd, success = delivered(policies)
    assert usd == pytest.approx(budget, rel=0.01)
    assert success == pytest.approx(best_success(budget), rel=0.01)
    assert purse.paid is not None
    ladders = [policies[route].ladder(view, 0.0) for route in TRAFFIC for view in views(route)]
    spent = [purse.paid.rung(ladder).value_usd for ladder in ladders]
    assert len(set(spent)) == 1


def test_routes_with_budgets_of_their_own_waste_what_one_budget_would_not() -> None:
    budget = 6e-4
    split = 0.0
    for route in TRAFFIC:
        own = PriceAware(
            well_known(), Objective(kind="budget", usd_per_request=budget, explore=0.0)
        )
        own.refresh(views(route), 0.0)
        share = TRAFFIC[route] / sum(TRAFFIC.values()) / 2
        split += sum(
            share * float(np.dot(own.weigh(view, 0.0).weights, RATES[route, view.cell.task]))
            for view in views(route)
        )
    assert split < best_success(budget) - 0.002


def test_a_day_that_two_routes_share_is_spent_to_within_a_hundredth_and_never_passed() -> None:
    purse = BudgetPool(DayPacer(2.0))
    policies = sharing(purse)
    rng = np.random.default_rng(5)
    requests, spent = 2000, list[float]()
    for day in range(2):
        for i in range(requests):
            now = day * DAY_S + (i + 0.5) * DAY_S / requests
            route = "chat" if rng.random() < 0.75 else "batch"
            if purse.pacer.allowance(now).is_spent:
                continue
            if i % 40 == 0:
                for name, policy in policies.items():
                    policy.refresh(views(name), now)
            view = views(route)[int(rng.integers(2))]
            arm = rng.choice(len(NAMES), p=policies[route].weigh(view, now).weights)
            purse.spend(("default", route), USD[arm], now)
        spent.append(purse.pacer.spent_usd)
    assert spent[1:] == pytest.approx([2.0], rel=0.01)
    assert max(spent) <= 2.0 + max(USD)


def test_a_route_with_another_objective_only_stops_at_the_cap() -> None:
    purse = BudgetPool(DayPacer(1.0))
    aim = Objective(kind="value", usd_per_success=10.0, usd_per_day=1.0, explore=0.0)
    policy = PriceAware(well_known(), aim, purse=purse)
    free = PriceAware(well_known(), Objective(kind="value", usd_per_success=10.0, explore=0.0))
    for each in (policy, free):
        each.refresh(views("chat"), 0.0)
    (view, _) = views("chat")
    assert policy.weigh(view, 0.0).weights == free.weigh(view, 0.0).weights
    purse.spend(("default", "chat"), 1.5, 1.0)
    spent = policy.weigh(view, 2.0)
    assert spent.weights[0] == pytest.approx(1.0)
    assert "budget" in spent.note


def test_what_a_fixed_route_spends_is_left_out_of_what_the_others_may() -> None:
    budget = 1e-3
    purse = BudgetPool(RequestPacer(budget))
    beliefs = well_known()
    rich = PriceAware(
        beliefs, Objective(kind="value", usd_per_success=10.0, explore=0.0), purse=purse
    )
    paced = PriceAware(
        beliefs, Objective(kind="budget", usd_per_request=budget, explore=0.0), purse=purse
    )
    for _ in range(2):
        rich.refresh(views("batch"), 0.0)
        paced.refresh(views("chat"), 0.0)
    usd = {
        name: np.mean([np.dot(policy.weigh(view, 0.0).weights, USD) for view in views(name)])
        for name, policy in (("batch", rich), ("chat", paced))
    }
    assert usd["batch"] > 2 * budget
    assert usd["chat"] == pytest.approx(min(USD), rel=0.01)


BUSY, IDLE = ("default", "chat"), ("default", "batch")


def fixed(usd: float) -> Demand:
    """What a route claims that spends `usd` a request whatever the budget is."""
    return replace(claim(1.0), fixed_usd=usd)


def claim(share: float) -> Demand:
    """A route whose success rises with every dollar, from nothing to ten."""
    a, b = np.array([10.0, 500.0, 990.0]), np.array([990.0, 500.0, 10.0])
    return Demand(ladder=Ladder(Arms(a=a, b=b, usd=np.array([0.0, 1.0, 10.0]))), share=share)


def usd_of(purse: BudgetPool, now: float, *claims: Demand) -> float:
    """Dollars a request that the busy route gets when it claims this."""
    paid = purse.solve(BUSY, claims, now)
    total = sum(each.share for each in claims)
    return sum(each.share * paid.rung(each.ladder).usd for each in claims) / total


def shared(requests: float = 1000.0) -> BudgetPool:
    purse = BudgetPool(RequestPacer(1.0))
    purse.spend(BUSY, requests, 0.0, requests)
    return purse


@pytest.mark.parametrize("usd", [100.0, 500.0])
def test_a_route_that_nobody_has_used_yet_is_provided_for_as_a_thousandth(usd: float) -> None:
    purse = shared()
    purse.solve(IDLE, [fixed(usd)], 0.0)
    expected = 1.0 - (usd - 1.0) / 1000.0
    assert usd_of(purse, 0.0, claim(1.0)) == pytest.approx(expected, rel=0.002)


def test_a_route_without_traffic_takes_no_more_than_its_thousandth_of_a_budget() -> None:
    purse = shared()
    alone = usd_of(purse, 0.0, claim(1.0))
    purse.solve(IDLE, [fixed(0.0)], 0.0)
    assert usd_of(purse, 0.0, claim(1.0)) == pytest.approx(alone, rel=0.003)


def test_before_any_traffic_all_routes_count_alike() -> None:
    purse = BudgetPool(RequestPacer(1.0))
    purse.solve(IDLE, [fixed(0.5)], 0.0)
    assert usd_of(purse, 0.0, claim(1.0)) == pytest.approx(1.5, rel=0.001)


def test_a_route_counts_by_its_requests_of_the_last_hours() -> None:
    purse = shared(1000.0)
    purse.spend(IDLE, 1000.0, 0.0, 1000.0)
    purse.solve(IDLE, [fixed(0.5)], 0.0)
    assert usd_of(purse, 0.0, claim(1.0)) == pytest.approx(1.5, rel=0.001)
    hour = 3600.0
    purse.spend(BUSY, 500.0, hour, 500.0)
    now_half = 1.0 + 0.5 * 500.0 / 1000.0
    assert usd_of(purse, hour, claim(1.0)) == pytest.approx(now_half, rel=0.001)
    assert usd_of(purse, 100 * hour, claim(1.0)) == pytest.approx(now_half, rel=0.001), (
        "where all are silent none counts less beside the others"
    )


def test_what_a_route_claimed_before_is_forgotten_when_it_claims_anew() -> None:
    purse = shared()
    purse.spend(IDLE, 1000.0, 0.0, 1000.0)
    purse.solve(IDLE, [fixed(0.9), fixed(0.1)], 0.0)
    purse.solve(IDLE, [fixed(0.5)], 0.0)
    assert usd_of(purse, 0.0, claim(1.0)) == pytest.approx(1.5, rel=0.001)


def test_a_late_count_of_requests_ages_nothing() -> None:
    part = Spender()
    part.observe(100.0, 3600.0)
    part.observe(10.0, 0.0)
    assert part.traffic(3600.0) == pytest.approx(110.0)
    assert part.traffic(0.0) == pytest.approx(110.0), "nor does a clock set back make more of it"
    assert part.traffic(7200.0) == pytest.approx(55.0)


@pytest.mark.parametrize("spender", [BUSY, IDLE, ("default", "never")])
def test_a_look_shows_what_a_solve_would_choose_and_keeps_nothing(spender) -> None:
    purse = shared(1000.0)
    purse.spend(IDLE, 3000.0, 0.0, 1000.0)
    purse.solve(BUSY, [fixed(0.5)], 0.0)
    purse.solve(IDLE, [claim(1.0)], 0.0)
    paid = purse.paid
    seen = purse.preview(spender, [claim(2.0), fixed(0.9)], 60.0)
    assert purse.paid == paid
    assert seen == purse.preview(spender, [claim(2.0), fixed(0.9)], 60.0)
    assert seen == purse.solve(spender, [claim(2.0), fixed(0.9)], 60.0)
