"""Which tasks a route has, and how much of its traffic each is, outlasts restarts and edits."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, request, router
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.routing.router import Router

SUCCESS = {
    "easy": {CHEAP: 0.93, MID: 0.95, FLAGSHIP: 0.96},
    "hard": {CHEAP: 0.2, MID: 0.6, FLAGSHIP: 0.95},
}
ASKED = {"easy": 90, "hard": 10}
AIMS = {
    "a floor over the route": Objective(kind="quality_floor", route_quality_floor=0.9),
    "a wish for quality": Objective(kind="quality", quality="balanced"),
}


def asked(aim: Objective) -> Router:
    """A router that was asked for both tasks, most often for the easy one."""
    it = router(objective=aim)
    for task, rates in SUCCESS.items():
        cell = Cell("default", "auto", task)
        it.open(request(task=task), START)
        for name, rate in rates.items():
            it.beliefs.observe_sums(cell, name, 100.0, 100 * rate, 100 * rate, now=START)
        it.tables.count_evidence(cell, START, ASKED[task])
    return it


def weights(it: Router, task: str) -> dict[str, float]:
    table = it.table("default", "auto", task, START + 60)
    return dict(zip(table.deployments, table.weights, strict=True))


def restarted(it: Router, aim: Objective) -> Router:
    again = router(objective=aim)
    again.from_state(json.loads(json.dumps(it.to_state())))
    return again


@pytest.mark.parametrize("aim", AIMS.values(), ids=AIMS)
@pytest.mark.parametrize("task", SUCCESS)
def test_the_first_request_after_a_restart_is_weighed_as_the_last_before(aim, task) -> None:
    it = asked(aim)
    again = restarted(it, aim)
    assert weights(again, task) == pytest.approx(weights(it, task), abs=1e-9)
    assert [cell.task for cell in again.tables.cells()] == ["easy", "hard"]


@pytest.mark.parametrize("aim", AIMS.values(), ids=AIMS)
def test_an_edit_of_the_routes_leaves_the_mix_of_those_that_stay(aim) -> None:
    it = asked(aim)
    before = weights(it, "hard")
    edited = replace(it.routes["auto"], policy=PriceAware(it.beliefs, aim))
    other = replace(edited, name="other")
    it.adopt(list(it.catalog.deployments.values()), {"auto": edited, "other": other})
    assert weights(it, "hard") == pytest.approx(before, abs=1e-9)
    it.open(replace(request(task="easy"), model="other"), START)
    it.adopt(list(it.catalog.deployments.values()), {"auto": edited})
    assert {cell.route for cell in it.tables.cells()} == {"auto"}


def test_a_state_of_before_has_no_mix_so_that_one_task_is_taken_for_all() -> None:
    aim = AIMS["a floor over the route"]
    it, again = asked(aim), router(objective=aim)
    state = it.to_state()
    del state["traffic"]
    again.from_state(state)
    assert again.tables.cells() == []
    assert weights(again, "hard") != pytest.approx(weights(it, "hard"), abs=0.01)
