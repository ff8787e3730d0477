"""Cascades as arms: drawn with an exact chance, used where the check pays, silent where not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.builders import CHEAP, FLAGSHIP, START, answered, request, router
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.requests import Cell, Preferences
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.policies.objectives import Objective
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.core.routing.sampling import arm_within, draw
from windsock.store.codec import decode, encode

PRICES = {CHEAP: 0.1, FLAGSHIP: 5.0}
SUCCESS = {CHEAP: 0.8, FLAGSHIP: 0.97}
CELL = Cell("default", "auto", "default")


def wind(**facts: Any) -> Router:
    aim = Objective(kind="quality_floor", quality_floor=0.93)
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    return router(prices=PRICES, objective=aim, cascade=cascade, **facts)


def serve(exchange: Exchange, rng: np.random.Generator, tells: float) -> tuple[str, float, int]:
    """Drive one request: who answered, how well, and in how many calls.

    tells   share of answers whose confidence gives away whether they are right
    """
    calls, value = 0, 0.0
    while (attempt := exchange.next_attempt(START)) is not None:
        calls += 1
        value = float(rng.random() < SUCCESS[attempt.deployment])
        is_told = rng.random() < tells
        claim = (0.95 if value else 0.2) if is_told else float(rng.choice([0.95, 0.2]))
        exchange.report(answered(attempt, confidence=claim), START)
    served = exchange.outcome(START).served
    assert served is not None
    return served, value, calls


@cache
def lesson(tells: float, requests: int) -> tuple[str, Counter[str]]:
    """The state of a router after many judged requests, and what its last 300 did."""
    made, rng, seen = wind(), np.random.default_rng(0), Counter[str]()
    for i in range(requests):
        now = START + i / 1000
        exchange = made.open(request(), now)
        served, value, calls = serve(exchange, rng, tells)
        made.learn(exchange.decision, served, Reward(value=value), now)
        if i >= requests - 300:
            seen["escalating" if exchange.decision.escalates_to else "plain"] += 1
            seen["calls"] += calls
            seen["right"] += int(value)
    return json.dumps(made.to_state()), seen


def trained(tells: float = 0.95) -> tuple[Router, Counter[str]]:
    """A router that has learnt from 1,000 judged requests."""
    state, seen = lesson(tells, 1000)
    made = wind()
    made.from_state(json.loads(state))
    return made, seen


def test_a_check_that_tells_right_from_wrong_is_used_and_holds_the_floor_for_less() -> None:
    made, seen = trained()
    facts = (made.table("default", "auto", "default", START + 2000).cascades or ())[0]
    assert facts.gain > 0.02 and facts.weight > 0.3
    assert facts.expected_usd < 0.5 * 5.0 / 0.1 * made_usd(made, CHEAP)
    assert seen["escalating"] > seen["plain"]
    assert seen["right"] / 300 > 0.9


def test_a_check_that_knows_nothing_is_not_used_and_says_why() -> None:
    made, seen = trained(tells=0.0)
    facts = (made.table("default", "auto", "default", START + 2000).cascades or ())[0]
    assert facts.gain < 0.01
    assert seen["escalating"] < 60
    assert facts.judged > 50


def made_usd(made: Router, name: str) -> float:
    table = made.table("default", "auto", "default", START + 2000)
    return next(arm.expected_usd for arm in table.arms if arm.deployment == name)


def test_the_chance_of_escalating_is_the_propensity_that_is_logged() -> None:
    made, _ = trained()
    table = made.table("default", "auto", "default", START + 700)
    drawn, logged = Counter[str | None](), {}
    for _ in range(4000):
        decision = made.open(request(), START + 700).decision
        assert decision.table_version == table.version
        index = draw(table.cumulative, decision.draw)
        assert arm_within(table, index, decision.draw) == (
            decision.propensity,
            decision.escalates_to,
        )
        key = f"{decision.deployment} {decision.escalates_to}"
        drawn[key] += 1
        logged[key] = decision.propensity
    assert sum(logged.values()) == pytest.approx(1.0)
    chi2 = sum((drawn[k] - 4000 * p) ** 2 / (4000 * p) for k, p in logged.items())
    assert chi2 < 16.3  # 99.9 % of 3 degrees of freedom


def test_a_doubted_answer_is_only_asked_again_where_that_was_drawn() -> None:
    made, _ = trained()
    again = Counter[tuple[bool, bool]]()
    for _ in range(400):
        exchange = made.open(request(), START + 700)
        attempt = exchange.next_attempt(START + 700)
        assert attempt is not None
        if attempt.deployment != CHEAP:
            continue
        exchange.report(answered(attempt, confidence=0.1), START + 700)
        is_again = exchange.next_attempt(START + 700) is not None
        again[exchange.decision.escalates_to is not None, is_again] += 1
    assert again[True, True] > 0
    assert again[True, False] == again[False, True] == 0


def test_answers_that_do_not_say_how_sure_they_are_count_as_asked_again() -> None:
    made = wind()
    for claim, count in ((0.95, 30.0), (None, 70.0)):
        made.confidences.count(CELL, CHEAP, claim, count)
    table = made.table("default", "auto", "default", START)
    facts = (table.cascades or ())[0]
    usd = {arm.deployment: arm.expected_usd for arm in table.arms}
    assert facts.unsure == pytest.approx(0.7)
    assert facts.escalated == pytest.approx(0.7)
    assert facts.expected_usd == pytest.approx(usd[CHEAP] + 0.7 * usd[FLAGSHIP])


def test_claims_are_counted_while_no_cascade_is_in_use() -> None:
    made, rng = wind(), np.random.default_rng(1)
    for _ in range(60):
        serve(made.open(request(), START), rng, 1.0)
    table = made.table("default", "auto", "default", START + 60)
    assert table.cascades and table.cascades[0].deployment == CHEAP


def test_a_reward_of_a_cascade_teaches_the_cascade_and_neither_of_its_two() -> None:
    made, _ = trained()
    exchange = made.open(request(), START + 1)
    while exchange.decision.escalates_to is None:
        exchange = made.open(request(), START + 1)
    before = made.beliefs.to_state()
    mine = made.confidences.to_state()["rows"]
    made.learn(exchange.decision, CHEAP, Reward(value=1.0), START + 1)
    assert made.beliefs.to_state() == before
    assert made.confidences.to_state()["rows"] != mine
    first = Feedback(decision_id="", reward=Reward(value=1.0), at=START + 1)
    made.learn(exchange.decision, CHEAP, Reward(value=0.0), START + 1, said=[first])
    row, was = made.confidences.to_state()["rows"][0], mine[0]
    assert row[5][0] == pytest.approx(was[5][0] + 1.0, abs=0.01)
    assert row[5][1] == pytest.approx(was[5][1], abs=0.01)


def compound_success(made: Router) -> float:
    view, _ = made.tables.views(made.routes["auto"], "default", "default", START + 2, {})
    (compound,) = view.compounds or ()
    return compound.a / (compound.a + compound.b)


def test_what_a_judge_says_of_a_cascades_answers_is_heard_of_the_cascade_alone() -> None:
    made, _ = trained()
    before = made.beliefs.posteriors(CELL, (CHEAP, FLAGSHIP))
    success = compound_success(made)
    exchange = made.open(request(), START + 1)
    while exchange.decision.escalates_to is None:
        exchange = made.open(request(), START + 1)
    for number in range(60):
        each = replace(exchange.decision, number=1000 + number, id=f"d{number}")
        made.learn(each, CHEAP, Reward(value=0.0, source="judge"), START + 1)
    arm = f"{CHEAP} > {FLAGSHIP}"
    word = made.beliefs.words(CELL, arm)["judge"]
    assert word.say > 1 and word.mean < 0.3
    assert compound_success(made) < success - 0.01
    after = made.beliefs.posteriors(CELL, (CHEAP, FLAGSHIP))
    assert np.allclose(after, before, rtol=0.02), "nobody's alone"
    restored = wind()
    restored.from_state(json.loads(json.dumps(made.to_state())))
    assert compound_success(restored) == pytest.approx(compound_success(made))
    for number in range(60):
        each = replace(exchange.decision, number=1000 + number, id=f"d{number}")
        scored = Feedback(
            decision_id=each.id, reward=Reward(value=0.0, source="judge"), at=START + 1
        )
        made.learn(each, CHEAP, Reward(value=1.0), START + 1, said=[scored])
    assert made.beliefs.words(CELL, arm)["judge"].say < word.say
    assert compound_success(made) > success - 0.01


def test_what_is_known_of_cascades_survives_a_restart() -> None:
    made, _ = trained()
    other = wind()
    other.from_state(json.loads(json.dumps(made.to_state())))
    one = made.table("default", "auto", "default", START + 700)
    two = other.table("default", "auto", "default", START + 700)
    assert two.weights == one.weights
    assert two.cascades == one.cascades


def test_a_price_move_of_the_strong_deployment_moves_the_cascade_with_it() -> None:
    made, _ = trained()
    view, _ = made.tables.views(made.routes["auto"], "default", "default", START + 700, {})
    compound = (view.compounds or ())[0]
    names, rungs = made.ladder(CELL, START + 700)
    assert names[-1] == compound.arm == f"{CHEAP} > {FLAGSHIP}"
    assert max(rung.weights[-1] for rung in rungs) > 0.5
    cheap, strong = (view.usd[view.deployments.index(name)] for name in (CHEAP, FLAGSHIP))
    assert compound.usd == pytest.approx(cheap + (1 - compound.sieve.kept) * strong)


def test_a_ledger_gives_back_the_arm_that_was_drawn() -> None:
    made, _ = trained()
    decision = made.open(request(), START + 700).decision
    table = made.table("default", "auto", "default", START + 700)
    kept = decode(Decision, encode(decision)), decode(WeightTable, encode(table))
    assert kept == (decision, table)
    again = arm_within(kept[1], draw(kept[1].cumulative, kept[0].draw), kept[0].draw)
    assert again == (decision.propensity, decision.escalates_to)


def test_a_callers_own_order_asks_every_doubtful_answer_again() -> None:
    wishes = Preferences(order=(CHEAP,))
    exchange = wind().open(request(preferences=wishes), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None and exchange.decision.escalates_to is None
    exchange.report(answered(attempt, confidence=0.1), START)
    second = exchange.next_attempt(START)
    assert second is not None and second.deployment == FLAGSHIP
