"""Floors that are not held are looked for from the cheap end."""

import numpy as np
import pytest
from scipy import special

from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor, on_floor
from windsock.core.policies.restraint.search import cheapest_pair, cheapest_that_holds
from windsock.core.policies.rungs import Arms


def test_the_chances_are_those_of_independent_draws() -> None:
    a, b, usd = np.array([3.0, 8.0, 9.0]), np.array([2.0, 2.0, 1.0]), np.array([3.0, 1.0, 2.0])
    found, none = cheapest_that_holds(a, b, usd, 0.8)
    short = special.betainc(a, b, 0.8)
    assert found[1] == pytest.approx(1 - short[1])
    assert found[2] == pytest.approx(short[1] * (1 - short[2]))
    assert found[0] == pytest.approx(short[1] * short[2] * (1 - short[0]))
    assert found.sum() + none == pytest.approx(1.0)


def test_of_equally_unknown_arms_the_cheapest_is_asked_most() -> None:
    found, _ = cheapest_that_holds(np.full(4, 3.0), np.ones(4), np.array([4.0, 3, 2, 1]), 0.9)
    assert (np.diff(found) > 0).all()


def test_a_pair_costs_less_than_the_one_that_reaches_the_floor_alone() -> None:
    mean, usd = np.array([0.7, 0.8, 0.95]), np.array([1.0, 6.0, 10.0])
    weights = cheapest_pair(mean, usd, 0.85)
    assert weights is not None
    assert weights @ mean == pytest.approx(0.85)
    assert weights @ usd < 10.0
    assert weights[1] == 0.0
    assert cheapest_pair(mean, usd, 0.96) is None


def ladder(mean: list[float], usd: list[float], known: float, labels: float = 100.0) -> Ladder:
    a = known * np.array(mean)
    return Ladder(Arms(a=a, b=known - a, usd=np.array(usd), labels=labels))


def test_a_floor_out_of_reach_is_no_reason_to_pay_for_the_dearest() -> None:
    it = ladder([0.70, 0.72], [1e-4, 3e-2], 2000.0)
    uncapped = on_floor(it, Floor(success=0.9))
    assert uncapped.rung.weights[1] > 0.9
    found = on_floor(it, Floor(success=0.9, most_usd=0.015))
    assert found.rung.weights[0] > 0.99
    assert "out of reach, best expected success is 0.720" in found.note
    assert found.by == "search"


def test_a_floor_missed_by_a_hair_is_given_up_by_a_hair() -> None:
    floor = Floor(success=0.9, most_usd=0.015)
    reached = [
        on_floor(ladder([0.70, best], [1e-4, 3e-2], 40_000.0), floor).rung.success
        for best in (0.902, 0.899, 0.895, 0.89, 0.885, 0.88, 0.87)
    ]
    assert reached[0] == pytest.approx(0.9, abs=1e-3)
    assert (np.diff(reached) <= 0).all()
    assert reached[1] > 0.885
    assert reached[-1] == pytest.approx(0.70, abs=1e-3)


def test_what_is_little_known_is_looked_for_however_near_it_seems() -> None:
    it, floor = ladder([0.70, 0.895], [1e-4, 3e-2], 40.0), Floor(success=0.9, most_usd=0.015)
    sought = it.sought(floor.success, floor.nearest_usd, floor.searched_usd)
    assert on_floor(it, floor).rung.weights == pytest.approx(sought.weights)


def test_a_held_floor_that_costs_more_than_the_cap_is_given_by_the_cheapest_pair() -> None:
    it = ladder([0.70, 0.92], [1e-4, 3e-2], 4000.0)
    found = on_floor(it, Floor(success=0.9, most_usd=0.015))
    assert found.by == "cap"
    assert found.rung.success == pytest.approx(0.9)


def test_below_the_cap_nothing_changes() -> None:
    it = ladder([0.70, 0.92], [1e-4, 3e-4], 400.0)
    capped = on_floor(it, Floor(success=0.8, most_usd=1.0))
    assert capped.rung.weights == pytest.approx(on_floor(it, Floor(success=0.8)).rung.weights)
    assert capped.by == "floor"
