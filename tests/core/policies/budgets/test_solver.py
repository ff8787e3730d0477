"""What a budget buys: the highest mixture of rungs that it pays for, over all that claim of it."""

from __future__ import annotations

import numpy as np
import pytest

from windsock.core.policies.budgets.solver import Allocation, Demand, allocate
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor
from windsock.core.policies.rungs import Arms

KNOWN = 10_000.0
"""Rewards behind each belief, so that it is as good as certain."""


def ladder(success: tuple[float, ...] = (0.1, 0.5, 0.9), usd=(0.01, 1.0, 10.0)) -> Ladder:
    a = KNOWN * np.array(success)
    return Ladder(Arms(a=a, b=KNOWN - a, usd=np.array(usd)))


def claim(share: float = 1.0, floor: float | None = None, **facts: float) -> Demand:
    bound = None if floor is None else Floor(success=floor)
    return Demand(ladder=ladder(), share=share, floor=bound, **facts)


def spent(paid: Allocation, *claims: Demand) -> float:
    """Expected dollars of a request over the mix of these."""
    usd = [
        each.share * (each.fixed_usd or paid.chosen(each.ladder, each.floor).rung.usd)
        for each in claims
    ]
    return sum(usd) / sum(each.share for each in claims)


@pytest.mark.parametrize("usd", [0.02, 0.3, 1.0, 2.5, 7.0, 9.9])
@pytest.mark.parametrize("shares", [(1.0,), (1.0, 3.0), (0.2, 0.1, 5.0)])
def test_what_is_expected_to_be_spent_is_the_budget(usd: float, shares) -> None:
    claims = [claim(share) for share in shares]
    paid = allocate(claims, usd)
    assert spent(paid, *claims) == pytest.approx(usd, rel=1e-6)
    assert paid.low_usd < paid.high_usd
    assert 0.0 <= paid.share <= 1.0
    assert paid.note == ""


@pytest.mark.parametrize("usd", [0.5, 2.0, 6.0])
def test_the_two_rungs_of_a_mixture_are_neighbours(usd: float) -> None:
    paid = allocate([claim()], usd)
    values = ladder().values
    assert values[paid.index] == pytest.approx(paid.high_usd)
    assert values[paid.index - 1] == pytest.approx(paid.low_usd)
    low, high = (ladder().at(value).usd for value in (paid.low_usd, paid.high_usd))
    assert low <= usd <= high
    assert paid.rung(ladder()).usd == pytest.approx(low + paid.share * (high - low))


def test_a_floor_takes_from_the_budget_what_it_costs_and_the_rest_gets_what_is_left() -> None:
    held, free = claim(1.0, floor=0.8), claim(1.0)
    paid = allocate([held, free], 4.0)
    on_floor = paid.chosen(held.ladder, held.floor)
    assert on_floor.rung.success == pytest.approx(0.8, abs=0.001)
    assert on_floor.note == "the quality floor costs more than the budget"
    left = paid.chosen(free.ladder, None)
    assert left.note == ""
    assert left.rung.usd == pytest.approx(8.0 - on_floor.rung.usd, rel=1e-6)
    assert left.rung.success < 0.8


def test_a_floor_that_the_budget_delivers_anyway_changes_nothing() -> None:
    plain, held = (allocate([claim(1.0, floor=floor)], 6.0) for floor in (None, 0.3))
    assert (held.low_usd, held.high_usd, held.share) == pytest.approx(
        (plain.low_usd, plain.high_usd, plain.share)
    )
    assert held.chosen(ladder(), Floor(success=0.3)).note == ""


def test_what_one_spends_anyway_is_taken_off_first() -> None:
    fixed, free = claim(1.0, fixed_usd=5.0), claim(3.0)
    paid = allocate([fixed, free], 2.0)
    assert paid.rung(free.ladder).usd == pytest.approx((4 * 2.0 - 5.0) / 3.0, rel=1e-6)


def test_a_budget_below_the_cheapest_buys_the_cheapest_and_says_so() -> None:
    paid = allocate([claim()], 0.001)
    assert (paid.low_usd, paid.high_usd, paid.share, paid.index) == (0.0, 0.0, 0.0, 0)
    least = f"{paid.rung(ladder()).usd:.3g}"
    assert paid.note == f"the budget of $0.001 a request is below the cheapest, ${least}"
    assert paid.chosen(ladder(), None).note == paid.note


def test_a_budget_above_the_dearest_buys_the_best() -> None:
    paid = allocate([claim(), claim(2.0)], 100.0)
    top = float(ladder().values[-1])
    assert (paid.low_usd, paid.high_usd, paid.share) == (top, top, 0.0)
    assert paid.index == len(ladder())
    assert paid.rung(ladder()).success == pytest.approx(0.9, abs=0.01)
    assert paid.note == ""


def test_free_models_cost_nothing_of_any_budget() -> None:
    free = Demand(ladder=ladder(usd=(0.0, 0.0, 1.0)), share=1.0)
    assert allocate([free], 0.5).rung(free.ladder).usd == pytest.approx(0.5, rel=1e-6)
    assert allocate([free], 1e-9).rung(free.ladder).usd == pytest.approx(1e-9, rel=0.01)


def test_a_demand_at_more_traffic_is_the_same_at_a_larger_share() -> None:
    one = claim(0.5, floor=0.3, fixed_usd=2.0)
    more = one.times(4.0)
    assert more.share == 2.0
    assert (more.ladder, more.floor, more.fixed_usd) == (one.ladder, one.floor, one.fixed_usd)
