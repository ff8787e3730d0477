"""A claim is measured by those who know better, never by what it was made of."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, FLAGSHIP, START, answered, request, router
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.model.requests import Cell, Preferences
from windsock.core.model.rewards import Reward
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade

CELL = Cell("default", "auto", "default")
SURE = 1.0
"""What an answer claims that passes every declared check."""


def wind(**facts: object) -> Router:
    return router(cascade=Cascade(escalate_below=0.0, to=(FLAGSHIP,)), **facts)


def judged(it: Router, *rewards: Reward, claim: float | None = SURE) -> None:
    """One answer that makes a claim, and what is then said of it, in this order."""
    exchange = it.open(request(preferences=Preferences(order=(CHEAP,))), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=claim), START)
    assert exchange.next_attempt(START) is None
    served = exchange.outcome(START).served
    for reward in rewards:
        it.learn(exchange.decision, served, reward, START)


@pytest.mark.parametrize("source", ["check", "confidence"])
def test_a_verdict_is_no_evidence_of_itself(source: str) -> None:
    it, plain = wind(), wind()
    for _ in range(100):
        judged(it, Reward(value=1.0, source=source))
    assert it.confidences.rate(CELL, CHEAP, SURE) == SURE, "nothing was measured: the claim stands"
    for _ in range(20):
        judged(it, Reward(value=0.0))
        judged(plain, Reward(value=0.0))
    rate = it.confidences.rate(CELL, CHEAP, SURE)
    assert rate == plain.confidences.rate(CELL, CHEAP, SURE)
    assert rate < 0.5


@pytest.mark.parametrize("source", ["check", "confidence"])
def test_a_judgement_that_follows_a_verdict_still_measures_the_claim(source: str) -> None:
    it, plain = wind(), wind()
    for i in range(40):
        verdict, said = Reward(value=1.0, source=source), Reward(value=float(i % 4 == 0))
        judged(it, verdict, said)
        judged(plain, said)
    rate = it.confidences.rate(CELL, CHEAP, SURE)
    assert rate == plain.confidences.rate(CELL, CHEAP, SURE)
    assert rate < 0.5


@pytest.mark.parametrize("source", ["check", "confidence"])
def test_a_verdict_counts_for_the_answer_all_the_same(source: str) -> None:
    it = wind()
    judged(it, Reward(value=1.0, source=source))
    answer = SOURCE_WEIGHTS["transport"]
    assert it.beliefs.words(CELL, CHEAP)[source].say > 0
    samples = it.beliefs.summary(CELL, CHEAP).effective_samples
    assert answer < samples <= SOURCE_WEIGHTS[source] + answer


@pytest.mark.parametrize("source", ["explicit", "thumbs"])
def test_any_other_source_measures_a_claim(source: str) -> None:
    it = wind()
    for _ in range(40):
        judged(it, Reward(value=0.0, source=source))
    assert it.confidences.rate(CELL, CHEAP, SURE) < 0.5


def test_who_counts_for_nothing_measures_no_claim() -> None:
    it = wind(source_weights={**SOURCE_WEIGHTS, "doubtful": 0.0})
    for _ in range(40):
        judged(it, Reward(value=0.0, source="doubtful"))
    assert it.confidences.rate(CELL, CHEAP, SURE) == SURE


def test_one_answer_measures_its_claim_once() -> None:
    it, plain = wind(), wind()
    for _ in range(20):
        judged(it, *[Reward(value=0.0, metric=name) for name in ("style", "sense", "truth")])
        judged(plain, Reward(value=0.0))
    state = it.confidences.to_state()
    assert state["curves"] == plain.confidences.to_state()["curves"]
