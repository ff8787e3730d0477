"""A check that fails right answers is found out by a few judgements, and counts for less."""

import json

import pytest

from tests.builders import CHEAP, START, answered, request, router
from windsock.core.beliefs.proxies.sums import NO_SUMS, known_both_ways
from windsock.core.beliefs.summaries import BeliefSummary
from windsock.core.evidence.checks.worth import CheckWorth, worth_by
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


def believed(it: Router) -> BeliefSummary:
    it.beliefs.posterior(CELL, CHEAP)
    return it.beliefs.summary(CELL, CHEAP)


def test_where_no_answer_was_both_checked_and_judged_its_errors_are_unknown() -> None:
    assert worth_by(NO_SUMS) == CheckWorth()
    assert CheckWorth().fails_right is None


def test_how_often_it_fails_right_and_wrong_answers_follows_from_the_sums() -> None:
    sums = NO_SUMS
    for n in range(50):
        sums = sums.plus(known_both_ways(float(n >= 5), 1.0))
    for n in range(20):
        sums = sums.plus(known_both_ways(float(n >= 15), 0.0))
    worth = worth_by(sums)
    assert worth.fails_right == pytest.approx(5 / 50)
    assert worth.fails_wrong == pytest.approx(15 / 20)


def test_a_parser_that_throws_out_right_answers_is_taken_out_of_the_belief() -> None:
    it = router(prices={CHEAP: 1.0})
    for _ in range(60):
        checked(it, 0.0)
    fooled = believed(it).mean
    for _ in range(30):
        checked(it, 0.0, judged=1.0)
    after = believed(it)
    assert fooled < 0.1 < 0.8 < after.mean
    known = it.operator.how_known(CELL, CHEAP)
    assert known.worth.fails_right == 1.0
    assert known.words["check"].say < 0.5
    checked(it, 0.0)
    assert believed(it).mean == pytest.approx(after.mean, abs=0.01)


def test_what_passes_a_check_may_be_wrong_and_what_fails_it_is_wrong() -> None:
    passing, failing = router(prices={CHEAP: 1.0}), router(prices={CHEAP: 1.0})
    for _ in range(60):
        checked(passing, 1.0)
        checked(failing, 0.0)
    says = [believed(it) for it in (passing, failing)]
    assert says[0].mean < 0.92 and says[0].low < 0.75
    assert says[1].mean < 0.1


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
