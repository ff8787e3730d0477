"""Callers may name any number of tasks: the one that was asked for longest ago makes room."""

from typing import Any

import pytest

from tests.builders import CHEAP, MID, START, router
from windsock.core.model.requests import Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router

MOST = 20


@pytest.fixture
def it() -> Router:
    made = router()
    made.tables._max_tasks = MOST
    return made


def asked(it: Router, task: str, now: float) -> Any:
    return it.open(RouteRequest(model="auto", task=task), now).decision


def judged(it: Router, decision: Any, value: float, now: float) -> None:
    reward = Reward(value=value, source="explicit", metric="", key_id="k")
    it.learn(decision, CHEAP, reward, now)


def tasks_of(it: Router) -> set[str]:
    return {cell.task for cell in it.tables.cells()}


def test_what_is_asked_for_all_the_time_stays_and_the_rest_makes_room(it: Router) -> None:
    for n in range(200):
        asked(it, "ours", START + n)
        asked(it, f"x{n}", START + n)
        assert len(it.tables.cells()) <= MOST
    assert {"ours", "x199"} <= tasks_of(it)
    assert "x0" not in tasks_of(it)


def test_the_usual_task_never_makes_room(it: Router) -> None:
    asked(it, "default", START)
    for n in range(100):
        asked(it, f"x{n}", START + 1 + n)
    assert "default" in tasks_of(it)


def test_each_task_is_decided_and_credited_as_itself(it: Router) -> None:
    for n in range(200):
        decision = asked(it, f"x{n}", START + n)
        assert decision.cell.task == f"x{n}"
        judged(it, decision, 0.0, START + n)
        assert it.beliefs.tasks("default", "auto").get(f"x{n}")


def test_what_was_learnt_goes_too_and_no_more_is_kept_than_of_open_tasks(it: Router) -> None:
    for n in range(300):
        judged(it, asked(it, f"x{n}", START + n), float(n % 2), START + n)
    state = it.to_state()
    (group,) = state["beliefs"]["groups"]
    assert {row[0] for row in group["rows"]} <= tasks_of(it)
    rewards = state["rewards"]["auto"]
    for kept in ("accounts", "heard", "responses"):
        assert {row[2] for row in rewards[kept]} <= tasks_of(it)


def test_a_late_judgement_of_a_forgotten_task_takes_room_like_a_request(it: Router) -> None:
    decisions = [asked(it, f"x{n}", START + n) for n in range(300)]
    for n, decision in enumerate(decisions):
        judged(it, decision, 1.0, START + 300 + n)
        assert len(it.tables.cells()) <= MOST
    (group,) = it.to_state()["beliefs"]["groups"]
    assert len({row[0] for row in group["rows"]}) <= MOST


def test_it_is_told_at_most_once_a_minute_with_how_many(it: Router) -> None:
    for n in range(100):
        asked(it, f"x{n}", START + n * 0.1)
    (first,) = it.drain_shifts()
    assert first.kind == "task.forgotten"
    assert first.facts["task"] == "x0"
    assert first.facts["idle_s"] == pytest.approx(2.0)
    for n in range(100):
        asked(it, f"y{n}", START + 70 + n * 0.1)
    (second,) = it.drain_shifts()
    assert second.facts["count"] > first.facts["count"]
    assert second.facts["route"] == "auto"


def test_after_a_snapshot_all_goes_on(it: Router) -> None:
    for n in range(60):
        judged(it, asked(it, f"x{n}", START + n), 1.0, START + n)
    again = router()
    again.from_state(it.to_state())
    cell = Cell("default", "auto", "x59")
    assert again.beliefs.posterior(cell, CHEAP) == it.beliefs.posterior(cell, CHEAP)
    assert again.beliefs.posterior(cell, MID) == it.beliefs.posterior(cell, MID)
