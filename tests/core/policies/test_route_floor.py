"""A floor over all traffic of a route: the same success for less than a floor per task."""

import csv
from pathlib import Path

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.protocol import Weighing
from windsock.core.policies.rungs import Rung, with_looks
from windsock.core.policies.views import CellView

NAMES, USD = ("p/small", "p/large"), (1e-4, 2e-2)
EASY, HARD = (0.90, 0.99), (0.50, 0.60)
"""Success of both: the large one gains as much at the one task as at the other."""

TABLES = Path(__file__).parents[2] / "benchmarks" / "data" / "success_rates.csv"


def cells(
    rates: dict[str, tuple[float, ...]], shares: dict[str, float], rewards: float = 5000.0
) -> tuple[Beliefs, list[CellView]]:
    beliefs, views = Beliefs(), []
    for task, row in rates.items():
        cell = Cell("default", "auto", task)
        for name, rate in zip(NAMES, row, strict=True):
            beliefs.observe_sums(cell, name, rewards, rewards * rate, rewards * rate, now=0.0)
        views.append(CellView(cell=cell, deployments=NAMES, usd=USD, share=shares[task]))
    return beliefs, views


def weighed(beliefs: Beliefs, views: list[CellView], **aim: object) -> list[Weighing]:
    policy = PriceAware(beliefs, Objective(**{"explore": 0.0, "caution": 0.0, **aim}))
    policy.refresh(views, 0.0)
    return [policy.weigh(view, 0.0) for view in views]


def expected(beliefs: Beliefs, views: list[CellView], found: list[Weighing]) -> tuple[float, float]:
    """Success and dollars of a request over the traffic."""
    success = usd = 0.0
    for view, each in zip(views, found, strict=True):
        pairs = beliefs.posteriors(view.cell, view.deployments)
        mean = sum(w * a / (a + b) for w, (a, b) in zip(each.weights, pairs, strict=True))
        success += view.share * mean
        usd += view.share * sum(w * usd for w, usd in zip(each.weights, view.usd, strict=True))
    return success, usd


def by(found: Weighing) -> str:
    """What chose the rung."""
    return found.decided_by.split(", ")[0]


@pytest.mark.parametrize("floor", [0.72, 0.74, 0.76, 0.78])
def test_the_traffic_of_a_route_keeps_its_floor_exactly(floor: float) -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    found = weighed(beliefs, views, kind="quality_floor", route_quality_floor=floor)
    assert expected(beliefs, views, found)[0] == pytest.approx(floor, abs=1e-9)
    assert {by(each) for each in found} == {"route_floor"}
    assert len({each.value_usd for each in found}) == 1, "one V for all tasks"


def test_a_floor_that_the_cheapest_keep_costs_no_more_than_they_do() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    found = weighed(beliefs, views, kind="quality_floor", route_quality_floor=0.6)
    assert [each.weights for each in found] == [(1.0, 0.0)] * 2


def test_the_busier_a_task_the_more_it_counts() -> None:
    rates, floor = {"easy": EASY, "hard": HARD}, 0.80
    costs = []
    for busy in (0.6, 0.8):
        beliefs, views = cells(rates, {"easy": busy, "hard": 1 - busy})
        aim = {"kind": "quality_floor", "route_quality_floor": floor}
        found = weighed(beliefs, views, **aim)
        success, usd = expected(beliefs, views, found)
        assert success >= floor - 0.021, "0.794 is the most that is to be had of the first"
        costs.append(usd)
    assert costs[1] < 0.2 * costs[0]


def test_a_floor_out_of_reach_is_told_and_costs_no_more_than_a_success_may() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    found = weighed(beliefs, views, kind="quality_floor", route_quality_floor=0.95)
    for each in found:
        assert "route quality floor 0.95 is out of reach" in each.note
        assert each.value_usd is not None and each.value_usd <= 100 * 2e-2 / 0.79


@pytest.mark.parametrize("floor", ["route_quality_floor", "quality_floor"])
def test_who_may_reach_it_is_looked_for_though_too_dear_by_what_is_known(floor: str) -> None:
    usd, cell = (1e-5, 1e-2), Cell("default", "auto", "easy")
    beliefs, view = Beliefs(), CellView(cell=cell, deployments=NAMES, usd=usd)
    aim = {"kind": "quality_floor", floor: 0.9}
    beliefs.observe_sums(cell, "p/small", 600.0, 450.0, 450.0, now=0.0)
    (unjudged,) = weighed(beliefs, [view], **aim)
    assert "floor 0.9 is" in unjudged.note
    assert 0.001 < unjudged.weights[1] <= 0.05
    if floor == "route_quality_floor":
        assert "is out of reach" in unjudged.note
        most = 100 * 1e-5 / 0.75
        assert unjudged.value_usd == pytest.approx(most, rel=0.02), "of all but the looks"
    beliefs.observe_sums(cell, "p/large", 600.0, 456.0, 456.0, now=0.0)
    (judged,) = weighed(beliefs, [view], **aim)
    assert "is out of reach" in judged.note
    assert judged.weights[1] == pytest.approx(0.0, abs=1e-4), "it does no better"


@pytest.mark.parametrize(("labels", "share"), [(4.0, 0.0005), (400.0, 0.05), (9e9, 0.05)])
def test_looks_are_as_many_as_labels_will_come(labels: float, share: float) -> None:
    low, high = (
        Rung(value_usd=value, weights=np.array(weights), usd=value, success=0.5)
        for value, weights in ((1.0, [1.0, 0.0]), (9.0, [0.0, 1.0]))
    )
    looking = with_looks(low, high, labels)
    assert looking.weights.tolist() == pytest.approx([1 - share, share])
    assert looking.value_usd == 1.0, "V is told of all but the looks"


def test_both_floors_are_held_where_both_are_wished_for() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    aim = {"kind": "quality_floor", "route_quality_floor": 0.72, "quality_floor": 0.55}
    easy, hard = weighed(beliefs, views, **aim)
    assert hard.weights[0] * 0.5 + hard.weights[1] * 0.6 == pytest.approx(0.55, abs=1e-3)
    assert (by(easy), by(hard)) == ("floor", "floor")


def test_a_wish_that_buys_more_than_the_floor_is_left_as_it_is() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    wish = {"kind": "value", "usd_per_success": 10.0}
    plain, floored = (
        weighed(beliefs, views, **wish, **more) for more in ({}, {"route_quality_floor": 0.75})
    )
    assert [each.weights for each in plain] == [each.weights for each in floored]
    assert {by(each) for each in floored} == {"value"}


def test_a_look_sees_what_the_next_request_gets() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    policy = PriceAware(beliefs, Objective(kind="quality_floor", route_quality_floor=0.76))
    seen = [policy.preview(views, view, 0.0).weights for view in views]
    policy.refresh(views, 0.0)
    assert [policy.weigh(view, 0.0).weights for view in views] == seen


def test_what_the_route_got_too_little_is_made_up() -> None:
    beliefs, views = cells({"easy": EASY, "hard": HARD}, {"easy": 0.5, "hard": 0.5})
    policy = PriceAware(beliefs, Objective(kind="quality_floor", route_quality_floor=0.74))
    for view in views:
        policy.count_served(view.cell, "p/small", 500.0)
    policy.refresh(views, 0.0)
    found = [policy.weigh(view, 0.0) for view in views]
    assert expected(beliefs, views, found)[0] > 0.75


@pytest.mark.parametrize("table", ["bfcl-2024", "bfcl-2025", "zeroeval"])
def test_a_floor_over_the_route_is_cheaper_than_one_per_task_of_equal_success(table: str) -> None:
    beliefs, views = known_table(table)
    best = {view.cell: max(a / (a + b) for a, b in pairs(beliefs, view)) for view in views}
    apart = [
        weighed(beliefs, [view], kind="quality_floor", quality_floor=best[view.cell] - 0.03)[0]
        for view in views
    ]
    success, per_task_usd = expected(beliefs, views, apart)
    found = weighed(beliefs, views, kind="quality_floor", route_quality_floor=success)
    reached, usd = expected(beliefs, views, found)
    assert reached == pytest.approx(success, abs=1e-6)
    assert usd < per_task_usd


def pairs(beliefs: Beliefs, view: CellView) -> list[tuple[float, float]]:
    return beliefs.posteriors(view.cell, view.deployments)


def known_table(name: str) -> tuple[Beliefs, list[CellView]]:
    """A public table of outcomes, known for sure; shares of its tasks as they are there."""
    with TABLES.open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["table"] == name]
    beliefs, tasks = Beliefs(), {row["task"]: float(row["share"]) for row in rows}
    for row in rows:
        cell, rate = Cell("default", "auto", row["task"]), float(row["success"])
        beliefs.observe_sums(cell, row["deployment"], 600.0, 600 * rate, 600 * rate, now=0.0)
    views = []
    for task, share in tasks.items():
        mine = [row for row in rows if row["task"] == task]
        view = CellView(
            cell=Cell("default", "auto", task),
            deployments=tuple(row["deployment"] for row in mine),
            usd=tuple(float(row["usd"]) for row in mine),
            share=share / sum(tasks.values()),
        )
        views.append(view)
    return beliefs, views
