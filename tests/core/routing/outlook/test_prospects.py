"""What each wish would cost and deliver: per task and over the route, by what is believed."""

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, request, router, run
from windsock.core.model.requests import Cell
from windsock.core.policies.baselines import Fixed
from windsock.core.policies.objectives import Objective
from windsock.core.routing.outlook.prospects import (
    MOST_TASKS,
    CellProspects,
    Prospect,
    over_route,
    prospects_of,
    seen_of,
)
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route

RATES = {CHEAP: 0.70, MID: 0.85, FLAGSHIP: 0.95}


def known(objective: Objective | None = None, tasks: tuple[str, ...] = ("sql",)) -> Router:
    """A router that knows how right each is, and has seen a request of each task."""
    wind = router(objective=objective or Objective(kind="quality", quality="balanced"))
    for task in tasks:
        for name, rate in RATES.items():
            n = 400.0
            cell = Cell("default", "auto", task)
            wind.learn_sums(cell, name, n, rate * n, rate * n, START)
        run(wind.open(request(task=task), START))
    return wind


def seen(wind: Router, task: str | None = None) -> list[CellProspects]:
    return list(prospects_of(seen_of(wind, "default", "auto", task, START)))


def by_name(prospects, kind: str) -> dict[str, Prospect]:
    return {each.name: each for each in prospects if each.kind == kind}


def test_qualities_rise_in_cost_and_success_from_economy_to_max() -> None:
    (cell,) = seen(known())
    wishes = by_name(cell.prospects, "quality")
    assert list(wishes) == ["economy", "balanced", "high", "max"]
    usd = [each.usd for each in wishes.values()]
    success = [each.success for each in wishes.values()]
    assert usd == sorted(usd)
    assert success == sorted(success)
    assert wishes["max"].success == pytest.approx(0.95, abs=0.02)


def test_where_the_route_stands_is_what_the_next_request_is_drawn_from() -> None:
    wind = known()
    (cell,) = seen(wind)
    (today,) = by_name(cell.prospects, "today").values()
    table = wind.table("default", "auto", "sql", START)
    assert today.weights == dict(zip(table.deployments, table.weights, strict=True))
    (same,) = (each for each in cell.prospects if each.name == "balanced")
    assert same.usd == pytest.approx(today.usd, rel=1e-6)


def test_each_deployment_alone_is_a_point() -> None:
    (cell,) = seen(known())
    alone = by_name(cell.prospects, "deployment")
    assert set(alone) == set(RATES)
    assert alone[MID].success == pytest.approx(0.85, abs=0.02)
    assert alone[CHEAP].usd < alone[MID].usd < alone[FLAGSHIP].usd


def test_a_floor_costs_the_least_that_gives_it_and_says_when_it_is_not_certain() -> None:
    (cell,) = seen(known())
    floors = by_name(cell.prospects, "floor")
    held = [each for each in floors.values() if each.is_held]
    assert held
    for each in held:
        assert each.success >= float(each.name) - 1e-6
    assert not floors["0.95"].is_held
    assert all(0.7 < float(name) <= 1.0 for name in floors)


def test_values_begin_with_the_cheapest() -> None:
    (cell,) = seen(known())
    values = list(by_name(cell.prospects, "value").values())
    assert values[0].value_usd == 0.0
    assert values[0].weights[CHEAP] > 0.9
    assert [each.value_usd for each in values] == sorted(each.value_usd for each in values)


def test_over_the_route_each_wish_is_weighed_by_the_traffic_of_its_tasks() -> None:
    cells = seen(known(tasks=("sql", "chat")))
    assert sum(cell.share for cell in cells) == pytest.approx(1.0)
    whole = by_name(over_route(cells), "quality")["high"]
    parts = [(cell.share, by_name(cell.prospects, "quality")["high"]) for cell in cells]
    assert whole.usd == pytest.approx(sum(share * each.usd for share, each in parts))
    assert whole.success == pytest.approx(sum(share * each.success for share, each in parts))
    assert sum(whole.weights.values()) == pytest.approx(1.0)
    assert whole.error < max(each.error for _, each in parts)


def test_who_serves_some_tasks_only_is_told_by_those() -> None:
    one = Prospect(kind="deployment", name="a/m", usd=1.0, success=0.5, error=0.1, weights={})
    cells = [CellProspects(task="sql", share=0.25, rewards=0.0, prospects=(one,)),
             CellProspects(task="chat", share=0.75, rewards=0.0, prospects=())]  # fmt: skip
    (whole,) = over_route(cells)
    assert (whole.usd, whole.success, whole.share) == (1.0, 0.5, 0.25)


def test_one_task_alone_may_be_asked_for_also_before_it_was_seen() -> None:
    wind = known(tasks=("sql", "chat"))
    assert [cell.task for cell in seen(wind, "chat")] == ["chat"]
    assert [cell.task for cell in seen(wind, "new")] == ["new"]
    assert [cell.name for cell in wind.tables.cells()] == ["sql", "chat"]


def test_of_many_tasks_the_busiest_are_looked_at_and_all_are_counted() -> None:
    wind = known(tasks=tuple(f"t{i}" for i in range(MOST_TASKS + 3)))
    wind.learn_sums(Cell("default", "auto", "t14"), MID, 50.0, 40.0, 40.0, START)
    found = seen_of(wind, "default", "auto", None, START)
    assert (len(found.cells), found.tasks) == (MOST_TASKS, MOST_TASKS + 3)
    assert found.cells[0][0].cell.task == "t14"


def test_the_incumbent_and_what_quality_is_measured_by_are_named() -> None:
    aim = Objective(kind="quality", quality="high", incumbent=FLAGSHIP)
    found = seen_of(known(aim), "default", "auto", None, START)
    assert found.incumbent == FLAGSHIP
    assert found.reference is not None
    assert found.reference.deployment == FLAGSHIP


def test_under_a_policy_without_a_ladder_there_is_today_and_each_alone() -> None:
    wind = known()
    names = wind.routes["auto"].candidates
    route = Route(name="auto", candidates=names, policy=Fixed(MID))
    wind.adopt(wind.catalog.deployments.values(), {"auto": route})
    wind.open(request(task="sql"), START)
    (cell,) = seen(wind)
    assert {each.kind for each in cell.prospects} == {"today", "deployment"}


def test_under_any_objective_the_qualities_are_the_same_points() -> None:
    aims = (Objective(kind="value", usd_per_success=0.5),
            Objective(kind="quality_floor", quality_floor=0.9),
            Objective(kind="budget", usd_per_request=1e-4))  # fmt: skip
    points = [by_name(seen(known(aim))[0].prospects, "quality")["high"].usd for aim in aims]
    assert points == pytest.approx([points[0]] * 3, rel=0.05)
