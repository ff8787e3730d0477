"""Answers that came back, while nobody judges them and once somebody does."""

from __future__ import annotations

import json

import pytest

from tests.builders import CHEAP, MID, START, answered, request, router
from windsock.core.evidence.sharing.shared_evidence import UNJUDGED_KEEPS
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.evidence.weighting import JUDGED_FROM
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router

CHAT, SQL = (Cell("default", "auto", task) for task in ("chat", "sql"))
A_MERE_ANSWER = SOURCE_WEIGHTS["transport"]


def serve(it: Router, task: str = "chat", at: float = START) -> tuple[Decision, str]:
    """One request that was answered; who decided and who served."""
    exchange = it.open(request(task=task), at)
    attempt = exchange.next_attempt(at)
    exchange.report(answered(attempt), at)
    exchange.outcome(at)
    return exchange.decision, attempt.deployment


def judge(it: Router, value: float, task: str = "chat", at: float = START) -> None:
    decision, served = serve(it, task, at)
    it.learn(decision, served, Reward(value=value), at)


def evidence(it: Router, cell: Cell = CHAT) -> float:
    return sum(it.beliefs.summary(cell, name).effective_samples for name in it.catalog.deployments)


def test_while_nobody_judges_answers_say_a_little() -> None:
    it = router()
    for _ in range(100):
        serve(it)
    assert evidence(it) == pytest.approx(100 * A_MERE_ANSWER)


def test_once_somebody_judges_mere_answers_count_no_more() -> None:
    it = router()
    for _ in range(int(JUDGED_FROM)):
        judge(it, 1.0)
    known = evidence(it)
    for _ in range(200):
        serve(it)
    assert evidence(it) == pytest.approx(known)


def test_mere_answers_say_nothing_of_who_is_better_and_are_a_trifle_when_judgements_come() -> None:
    it = router(prices={CHEAP: 0.1})
    it.observe_answers(CHAT, CHEAP, 10_000, START)
    assert evidence(it) == pytest.approx(UNJUDGED_KEEPS)
    assert it.beliefs.summary(CHAT, CHEAP).mean == pytest.approx(0.75, abs=0.001)
    for _ in range(int(JUDGED_FROM) - 1):
        judge(it, 0.0)
    assert evidence(it) > UNJUDGED_KEEPS
    judge(it, 0.0)
    assert evidence(it) == pytest.approx(UNJUDGED_KEEPS + 1.0)
    for _ in range(20):
        judge(it, 0.0)
    assert it.beliefs.summary(CHAT, CHEAP).mean < 0.25


def test_judging_one_task_leaves_another_alone() -> None:
    it = router()
    for _ in range(10):
        judge(it, 1.0, task="chat")
    for _ in range(100):
        serve(it, task="sql")
    assert evidence(it, SQL) == pytest.approx(100 * A_MERE_ANSWER)


def test_answers_that_are_seldom_judged_do_not_look_better_than_they_are() -> None:
    it = router(prices={CHEAP: 0.1, MID: 1.0})
    for i in range(20):
        decision, _ = serve(it)
        it.learn(decision, MID, Reward(value=float(i % 10 < 6)), START)
    for i in range(4000):
        it.observe_answers(CHAT, MID, 1, START)
        if i % 100 == 0:
            decision, _ = serve(it)
            it.learn(decision, MID, Reward(value=float(i % 1000 < 600)), START)
    assert it.beliefs.summary(CHAT, MID).mean == pytest.approx(0.6, abs=0.05)


def test_who_is_judged_survives_a_restart() -> None:
    it, other = router(), router()
    for _ in range(10):
        judge(it, 1.0)
    other.from_state(json.loads(json.dumps(it.to_state())))
    known = evidence(other)
    serve(other)
    assert evidence(other) == pytest.approx(known)
