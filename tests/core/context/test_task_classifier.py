"""A task for requests that name none."""

from __future__ import annotations

import json

import numpy as np

from tests.benchmarks.bandit_pareto_world import prompts
from tests.builders import START, answered, request, router
from windsock.core.context.features import features
from windsock.core.context.task_classifier import LEAST_TAGGED, TaskClassifier
from windsock.core.routing.router import Router

CODE = "def f(x):\n    return x + {}  # fix the bug\nclass A: import os; {{}}"
CHAT = "Hello there, could you tell me about the weather in town number {} today please?"


def tagged_router() -> Router:
    it = router(classifies=True)
    for i in range(120):
        text, task = (CODE, "code") if i % 2 else (CHAT, "chat")
        serve(it, text.format(i), task=task)
    return it


def serve(it: Router, text: str, **facts: str) -> tuple[str, bool]:
    """One request that was answered: the task it was decided under, and whether it was guessed."""
    exchange = it.open(request(features=features([text]), **facts), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    exchange.outcome(START)
    return exchange.decision.cell.task, exchange.decision.is_task_guessed


def test_an_untagged_request_is_decided_under_the_task_it_looks_like() -> None:
    it = tagged_router()
    assert serve(it, CODE.format(999)) == ("code", True)
    assert serve(it, CHAT.format(999)) == ("chat", True)
    assert serve(it, CODE.format(999), task="chat") == ("chat", False)


def test_nothing_is_proposed_before_two_tasks_are_known_well() -> None:
    it = TaskClassifier()
    for i in range(int(LEAST_TAGGED) * 3):
        it.learn("code", features([CODE.format(i)]))
    assert it.propose(features([CODE.format(7)])) is None


def test_proposals_are_never_learnt_from() -> None:
    it = tagged_router()
    before = json.dumps(it.routes["auto"].policy.to_state()["tasks"])
    for i in range(60):
        serve(it, CODE.format(i))
    assert json.dumps(it.routes["auto"].policy.to_state()["tasks"]) == before


def test_what_was_learnt_survives_a_restart() -> None:
    it, other = tagged_router(), tagged_router()
    other.from_state(json.loads(json.dumps(it.to_state())))
    assert serve(other, CODE.format(5)) == ("code", True)


def test_nine_public_benchmarks_are_told_apart_on_prompts_not_seen() -> None:
    it, val, test = TaskClassifier(), prompts("val"), prompts("test")
    for task, x in zip(val.task, val.features.tolist(), strict=True):
        it.learn(task, x)
    said = [it.propose(x) for x in test.features.tolist()]
    sure = [(guess, task) for guess, task in zip(said, test.task, strict=True) if guess]
    assert len(sure) / len(said) > 0.95
    assert np.mean([guess == task for guess, task in sure]) > 0.97
