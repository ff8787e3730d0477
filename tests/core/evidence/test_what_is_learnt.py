"""What of an answer and its rewards reaches the beliefs, and what whoever reported is told."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, MID, START, answered, request, router
from windsock.core.evidence.weighting import JUDGED_FROM
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell, Preferences
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.model.units import Meter, Usage
from windsock.core.routing.router import Router

CELL = Cell("default", "auto", "chat")


def serve(it: Router, name: str = CHEAP, **facts: object) -> tuple[Decision, str]:
    """One answered request that a deployment served."""
    asked = request(task="chat", preferences=Preferences(order=(name,)))
    exchange = it.open(asked, START)
    exchange.report(answered(exchange.next_attempt(START), **facts), START)
    exchange.next_attempt(START)
    return exchange.decision, str(exchange.outcome(START).served)


def accounts(it: Router) -> dict[tuple[str, str], list[float]]:
    """(weight, total) by deployment and key."""
    rows = it.to_state()["rewards"]["auto"]["accounts"]
    return {(row[3], key): held[:2] for row in rows for key, held in row[-1].items()}


def test_rewards_in_bulk_teach_what_they_would_one_by_one() -> None:
    together, apart = router(), router()
    values = [0.25, 0.5, 1.0, 1.0, 0.0, 0.75]
    squares = sum(value * value for value in values)
    for it in (together, apart):
        for _ in range(int(JUDGED_FROM)):
            it.learn(*serve(it), Reward(value=0.5), START + 60.0)
    together.learn_sums(CELL, CHEAP, len(values), sum(values), squares, START + 60.0)
    for value in values:
        apart.learn(*serve(apart), Reward(value=value), START + 60.0)
    one, two = (it.beliefs.summary(CELL, CHEAP) for it in (together, apart))
    assert one.effective_samples == pytest.approx(two.effective_samples)
    assert one.mean == pytest.approx(two.mean, abs=1e-6)
    assert one.high - one.low == pytest.approx(two.high - two.low, abs=1e-6)


def test_rewards_in_bulk_are_judgements_of_their_task() -> None:
    it = router(prices={CHEAP: 1.0})
    it.learn_sums(CELL, CHEAP, JUDGED_FROM - 1.0, 3.0, 3.0, START)
    before = it.beliefs.summary(CELL, CHEAP).effective_samples
    serve(it)
    assert it.beliefs.summary(CELL, CHEAP).effective_samples > before
    it.learn_sums(CELL, CHEAP, 1.0, 1.0, 1.0, START)
    judged = it.beliefs.summary(CELL, CHEAP).effective_samples
    serve(it)
    assert it.beliefs.summary(CELL, CHEAP).effective_samples == judged


def test_rewards_in_bulk_count_from_when_they_were_given() -> None:
    it = router()
    half_life = it.beliefs.settings.half_life_s
    it.learn_sums(CELL, CHEAP, 8.0, 4.0, 4.0, START)
    it.learn_sums(CELL, CHEAP, 1.0, 1.0, 1.0, START + half_life)
    assert it.beliefs.summary(CELL, CHEAP).effective_samples == pytest.approx(8.0 / 2 + 1.0)


def test_whoever_reports_is_told_what_it_counted_for_and_what_is_believed_now() -> None:
    it = router(source_weights={"thumbs": 0.5, "owner": 1.0})
    decision, served = serve(it, MID)
    credit = it.learn(decision, served, Reward(value=0.75, source="owner"), START)
    assert (credit.cell, credit.deployment) == (CELL, MID)
    assert (credit.weight, credit.value) == (1.0, 0.75)
    assert credit.belief == it.beliefs.summary(CELL, MID)
    assert credit.belief.effective_samples == pytest.approx(1.0)
    decision, served = serve(it, CHEAP)
    credit = it.learn(decision, served, Reward(value=0.75, source="thumbs"), START)
    assert (credit.weight, credit.value, credit.deployment) == (0.5, 0.75, CHEAP)
    assert it.beliefs.words(CELL, CHEAP)["thumbs"].say < 0.5


def test_a_correction_frees_its_keys_account_of_that_deployment_only() -> None:
    it = router()
    wrong, right = Reward(value=1.0, key_id="k"), Reward(value=0.25, key_id="k")
    it.learn(*serve(it, MID), wrong, START)
    decision, served = serve(it, CHEAP)
    first = it.learn(decision, served, wrong, START)
    replaced = Feedback(decision_id=decision.id, reward=wrong, at=START, weight=first.said)
    it.learn(decision, served, right, START, said=[replaced])
    assert accounts(it) == {(CHEAP, "k"): [1.0, 0.25], (MID, "k"): [1.0, 1.0]}


def test_counted_use_is_learnt_and_an_estimate_is_not() -> None:
    it = router(prices={CHEAP: 1.0})
    unknown = it.beliefs.mix(CELL, CHEAP)
    serve(it, usage=Usage(input_tokens=10, output_tokens=90), is_usage_estimated=True)
    serve(it, usage=None)
    assert it.beliefs.mix(CELL, CHEAP) == unknown
    serve(it, usage=Usage(input_tokens=10, output_tokens=90))
    learnt = it.beliefs.mix(CELL, CHEAP)
    assert (learnt[Meter.INPUT], learnt[Meter.OUTPUT]) == (10.0, 90.0)


def test_of_a_route_nobody_has_asked_no_share_is_known_to_be_judged() -> None:
    it = router()
    assert it.feedback_rate(CELL, CHEAP) is None
    assert it.feedback_rate(Cell("default", "never", "chat"), CHEAP) is None
    serve(it)
    assert it.feedback_rate(CELL, CHEAP) == 0.0


def test_where_the_coming_of_answers_says_nothing_it_opens_no_belief() -> None:
    it = router(source_weights={"transport": 0.0})
    serve(it)
    assert it.beliefs.summary(CELL, CHEAP).effective_samples == 0.0
    it.observe_answers(CELL, CHEAP, 100, START)
    assert it.beliefs.summary(CELL, CHEAP).effective_samples == 0.0
