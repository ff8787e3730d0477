"""Lessons that were taught while a state was away are taught again over it."""

from __future__ import annotations

import pytest

from tests.builders import router
from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.requests import Cell
from windsock.core.routing.router import Router

START = 1_795_900_000.0
CHAT = Cell("default", "auto", "chat")


def taught(it: Router, deployment: str, success: float) -> int:
    result = PastResult(task="chat", deployment=deployment, success=success, count=40)
    return it.lessons.add("default", "auto", [result], strength=30, now=START)


def believed(it: Router, deployment: str) -> float:
    return it.beliefs.summary(CHAT, deployment).mean


def test_a_lesson_whose_number_another_has_is_taught_under_a_new_one() -> None:
    before, it = router(), router()
    first, second = list(before.catalog.deployments)[:2]
    old = taught(before, first, 0.9)
    new = taught(it, second, 0.1)
    assert old == new
    apart = router()
    for name, success in ((first, 0.9), (second, 0.1)):
        taught(apart, name, success)
    meanwhile = it.lessons.held()
    it.from_state(before.to_state())
    it.lessons.restore(meanwhile)
    assert believed(it, first) == pytest.approx(believed(apart, first))
    assert believed(it, second) == pytest.approx(believed(apart, second))
    results = {number: lesson.results[0].deployment for number, lesson in it.lessons.held().items()}
    assert results == {old: first, old + 1: second}
    it.lessons.restore(it.lessons.held())
    assert len(it.lessons.held()) == 2


def test_a_lesson_that_the_state_holds_is_taught_once() -> None:
    it = router()
    name = next(iter(it.catalog.deployments))
    taught(it, name, 0.9)
    meanwhile, mean = it.lessons.held(), believed(it, name)
    it.from_state(it.to_state())
    it.lessons.restore(meanwhile)
    assert believed(it, name) == pytest.approx(mean)
    assert len(it.lessons.held()) == 1
