"""A floor that was missed is made up, and forgiven by better knowledge; its best rung is one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from windsock.core.model.requests import Cell
from windsock.core.policies.floor_deficit import HORIZON, MOST_RAISE, REPAY, FloorDeficit
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor, on_floor
from windsock.core.policies.rungs import Arms, Rung

CELL = Cell("default", "auto", "default")


def ladder() -> Ladder:
    a, b = np.array([700.0, 950.0]), np.array([300.0, 50.0])
    return Ladder(Arms(a=a, b=b, usd=np.array([1e-5, 1e-3])))


def test_who_served_below_the_floor_leaves_a_debt_and_who_served_above_no_credit() -> None:
    served = FloorDeficit()
    served.observe(CELL, "bad", REPAY / 4)
    assert served.raise_by(CELL, 0.8, {"bad": 0.7}) == pytest.approx(0.025)
    served.observe(CELL, "good", REPAY / 2)
    assert served.raise_by(CELL, 0.8, {"bad": 0.7, "good": 0.95}) == 0.0
    assert served.raise_by(Cell("default", "auto", "other"), 0.8, {"bad": 0.7}) == 0.0


def test_a_debt_is_judged_by_the_belief_of_today() -> None:
    served = FloorDeficit()
    served.observe(CELL, "new", REPAY)
    assert served.raise_by(CELL, 0.8, {"new": 0.5}) == MOST_RAISE
    assert served.raise_by(CELL, 0.8, {"new": 0.81}) == 0.0


def test_a_debt_fades_as_others_serve() -> None:
    served = FloorDeficit()
    served.observe(CELL, "bad", HORIZON)
    assert served.raise_by(CELL, 0.8, {"bad": 0.7}) == MOST_RAISE
    served.observe(CELL, "good", 20 * HORIZON)
    left = 0.1 * HORIZON / 21
    assert served.raise_by(CELL, 0.8, {"bad": 0.7, "good": 0.8}) == pytest.approx(left / REPAY)


def test_a_raised_floor_is_delivered_and_an_unreachable_raise_is_not_reported() -> None:
    plain = on_floor(ladder(), Floor(success=0.85))
    raised = on_floor(ladder(), Floor(success=0.85, owed=0.05))
    assert plain.rung.success == pytest.approx(0.85)
    assert raised.rung.success == pytest.approx(0.90)
    top = on_floor(ladder(), Floor(success=0.94, owed=0.05))
    assert top.note == "" and top.rung.success == pytest.approx(0.95, abs=1e-3)
    assert "not certain" in on_floor(ladder(), Floor(success=0.96)).note
    assert "out of reach" in on_floor(ladder(), Floor(success=0.98)).note


def test_debts_survive_a_restart() -> None:
    served, other = FloorDeficit(), FloorDeficit()
    served.observe(CELL, "bad", 50)
    other.from_state(json.loads(json.dumps(served.to_state())))
    assert other.raise_by(CELL, 0.8, {"bad": 0.7}) == served.raise_by(CELL, 0.8, {"bad": 0.7})


def test_the_last_thousand_requests_are_what_a_floor_remembers() -> None:
    served = FloorDeficit()
    served.observe(CELL, "bad", 100)
    served.observe(CELL, "good", 900)
    success = {"bad": 0.7, "good": 0.8}
    assert served.raise_by(CELL, 0.8, success) == pytest.approx(100 * 0.1 / 250)
    for half in (50, 25, 12.5):
        for _ in range(693):
            served.observe(CELL, "good")
        assert served.raise_by(CELL, 0.8, success) == pytest.approx(half * 0.1 / 250, rel=0.01)


def test_a_short_history_owes_for_every_request_of_it() -> None:
    served = FloorDeficit()
    for requests in range(1, 101):
        served.observe(CELL, "bad")
        assert served.raise_by(CELL, 0.8, {"bad": 0.7}) == pytest.approx(requests * 0.1 / 250)
    served.observe(CELL, "gone", 100)
    assert served.raise_by(CELL, 0.8, {"bad": 0.7}) == pytest.approx(100 * 0.1 / 250)


def test_no_debt_raises_a_floor_by_more_than_five_points() -> None:
    served = FloorDeficit()
    served.observe(CELL, "bad", 1000)
    assert served.raise_by(CELL, 0.8, {"bad": 0.2}) == 0.05


def test_good_service_of_the_past_is_forgotten_as_well() -> None:
    served = FloorDeficit()
    served.observe(CELL, "good", 1_000_000)
    served.observe(CELL, "bad", 1000)
    assert served.raise_by(CELL, 0.8, {"good": 0.9, "bad": 0.6}) > 0.0


def test_debts_move_with_the_requests_of_a_task() -> None:
    served = FloorDeficit()
    old = CELL._replace(task="old")
    served.observe(old, "bad", 40)
    served.observe(CELL, "bad", 60)
    served.absorb(CELL, old)
    assert served.raise_by(CELL, 0.8, {"bad": 0.7}) == pytest.approx(100 * 0.1 / 250)
    assert served.raise_by(old, 0.8, {"bad": 0.7}) == 0.0
    before = served.to_state()
    served.absorb(CELL, CELL._replace(task="never asked"))
    assert served.to_state() == before


def test_the_best_rung_is_the_same_whatever_was_looked_at_before() -> None:
    plain, looked_at = ladder(), ladder()
    for value in np.geomspace(1e-4, 1.0, 40).tolist():
        looked_at.at(value)

    def worth(rung: Rung) -> float:
        return -abs(rung.success - 0.8)

    assert looked_at.best(worth).value_usd == plain.best(worth).value_usd
