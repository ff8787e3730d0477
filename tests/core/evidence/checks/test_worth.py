"""A check that fails right answers is found out by a few judgements, and counts for less."""

import json

import pytest

from tests.builders import CHEAP, START, answered, request, router
from windsock.core.evidence.checks.worth import MOST, CheckWorth, worth_of_state
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.routing.router import Router

CELL = Cell("default", "auto", "chat")


def serve(it: Router) -> tuple[Decision, str]:
    exchange = it.open(request(task="chat"), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    exchange.next_attempt(START)
    return exchange.decision, str(exchange.outcome(START).served)


def checked(it: Router, verdict: float, judged: float | None = None) -> None:
    """An answer that the check judges first, and perhaps a person after it."""
    decision, served = serve(it)
    said = Reward(value=verdict, source="check")
    credit = it.learn(decision, served, said, START)
    if judged is not None:
        before = Feedback(decision_id=decision.id, reward=said, at=START, weight=credit.said)
        it.learn(decision, served, Reward(value=judged, key_id="k"), START, said=[before])


def test_until_anybody_judges_a_check_is_believed() -> None:
    assert CheckWorth().say == 1.0
    assert CheckWorth().fails_right is None


@pytest.mark.parametrize(
    ("right_failed", "wrong_failed", "least", "most"),
    [(0, 20, 0.99, 1.0), (49, 20, 0.0, 0.1), (25, 10, 0.0, 0.15), (0, 10, 0.5, 0.7)],
)
def test_it_counts_as_far_as_it_tells_right_from_wrong(
    right_failed, wrong_failed, least, most
) -> None:
    worth = CheckWorth()
    for n in range(50):
        worth.note(is_right=True, is_failed=n < right_failed)
    for n in range(20):
        worth.note(is_right=False, is_failed=n < wrong_failed)
    assert least <= worth.say <= most
    assert worth.fails_right == right_failed / 50
    assert worth.fails_wrong == wrong_failed / 20


def test_old_answers_fade_and_a_restart_knows_the_rest() -> None:
    worth = CheckWorth()
    for n in range(1000):
        worth.note(is_right=True, is_failed=n < 500)
    assert worth.right == pytest.approx(MOST)
    assert worth.fails_right == pytest.approx(0.0, abs=0.1)
    assert worth_of_state(json.loads(json.dumps(worth.to_state()))) == worth


def test_a_parser_that_throws_out_right_answers_is_taken_out_of_the_belief() -> None:
    it = router(prices={CHEAP: 1.0})
    for _ in range(60):
        checked(it, 0.0)
    fooled = it.beliefs.summary(CELL, CHEAP).mean
    for _ in range(30):
        checked(it, 0.0, judged=1.0)
    after = it.beliefs.summary(CELL, CHEAP)
    assert fooled < 0.1 < 0.8 < after.mean
    worth = it.operator.how_known(CELL, CHEAP).worth
    assert worth.fails_right == 1.0
    assert worth.say < 0.15
    checked(it, 0.0)
    assert it.beliefs.summary(CELL, CHEAP).mean == pytest.approx(after.mean, abs=0.01)


def test_what_a_check_is_worth_survives_a_restart() -> None:
    it, again = router(prices={CHEAP: 1.0}), router(prices={CHEAP: 1.0})
    for n in range(12):
        checked(it, float(n % 3 > 0), judged=float(n % 4 > 0))
    again.from_state(json.loads(json.dumps(it.to_state())))
    assert again.operator.how_known(CELL, CHEAP).worth == it.operator.how_known(CELL, CHEAP).worth
    for each in (it, again):
        checked(each, 0.0, judged=1.0)
    one, two = (each.beliefs.posterior(CELL, CHEAP) for each in (it, again))
    assert one == two
