"""Properties that hold for any history: restarts, price moves, namespaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, quote, request, router
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

NAMES = (CHEAP, MID, FLAGSHIP)
TASKS = ("chat", "sql")
STEP = st.tuples(
    st.sampled_from(TASKS),
    st.sampled_from(["none", "good", "bad", "corrected"]),
    st.sampled_from(["a", "b", None]),
    st.booleans(),
)
STEPS = st.lists(STEP, min_size=2, max_size=14)
FEW = st.lists(STEP, min_size=1, max_size=4)
Record = Callable[[Router], object]
"""One line of the ledger, as a restart passes it to the router."""


def lived(it: Router, number: int, step: Any) -> list[Record]:
    """One request with what follows from it; the records that a ledger would hold.

    Prices are told after those that the router was made with: in the order in which a ledger has
    them.
    """
    task, verdict, key, moves = step
    now = START + 10.0 * (number + 1)
    records: list[Record] = []
    if moves:
        tick = quote(MID, usd=1.0 + 0.2 * (number % 4), seen_at=now, trust=1.0)
        it.absorb(tick, now)
        records.append(lambda at: at.absorb(tick, now))
    exchange = it.open(request(task=task, key_id=key), now)
    attempt = exchange.next_attempt(now)
    exchange.report(answered(attempt), now)
    outcome = exchange.outcome(now)
    records.append(lambda at: at.learn_outcome(outcome, now))
    said: tuple[Feedback, ...] = ()
    values = {"none": (), "good": (1.0,), "bad": (0.2,), "corrected": (1.0, 0.0)}[verdict]
    for value in values:
        reward, before = Reward(value=value, key_id=key), said
        facts = (outcome.decision, attempt.deployment, reward, now + 1)
        credit = it.learn(*facts, said=before)
        records.append(
            lambda at, facts=facts, before=before: at.learn(*facts, said=before)  # type: ignore[misc]
        )
        said = (
            Feedback(
                decision_id=outcome.decision.id, reward=reward, at=now + 1, weight=credit.said
            ),
        )
    return records


def learnt(it: Router) -> str:
    """All that was learnt, exactly. Bills and health come with calls, not with the ledger."""
    state = it.to_state()
    kept = ("beliefs", "policies", "rewards", "confidences", "teachings")
    return json.dumps({name: state[name] for name in kept}, sort_keys=True)


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 13))
def test_a_snapshot_and_its_tail_equal_the_uninterrupted_run(steps: Any, cut: int) -> None:
    aim = Objective(kind="budget", usd_per_day=1.0)
    it, again = router(objective=aim), router(objective=aim)
    tail: list[Record] = []
    for number, step in enumerate(steps):
        if number == min(cut, len(steps) - 1):
            again.from_state(json.loads(json.dumps(it.to_state())))
            again.book.from_state(json.loads(json.dumps(it.book.to_state())))
            tail = []
        tail += lived(it, number, step)
    for record in tail:
        record(again)
    assert learnt(again) == learnt(it)
    later = START + 1000.0
    for task in TASKS:
        tables = [each.open(request(task=task), later).table for each in (it, again)]
        assert tables[0].weights == pytest.approx(tables[1].weights, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(
    FEW,
    st.sampled_from(NAMES),
    st.floats(0.6, 1.9),
    st.sampled_from(
        [
            Objective(kind="cost_per_success", quality_floor=0.8),
            Objective(kind="value", usd_per_success=0.01),
            Objective(kind="quality_floor", quality_floor=0.9),
            Objective(kind="budget", usd_per_request=0.002),
        ]
    ),
)
def test_a_price_shock_acts_on_the_next_request_and_its_reversal_leaves_no_trace(
    steps: Any, name: str, factor: float, aim: Objective
) -> None:
    usd = {CHEAP: 0.1, MID: 1.0, FLAGSHIP: 5.0}
    it = router(objective=aim, prices=usd)
    for number, (task, verdict, key, _) in enumerate(steps):
        lived(it, number, (task, verdict, key, False))
    now = START + 1000.0
    rows = json.dumps(it.beliefs.to_state())
    before = it.table("default", "auto", "chat", now).weights
    told = it.absorb(quote(name, usd=usd[name] * factor, seen_at=now), now)
    assume([shift.kind for shift in told] == ["price.shifted"])
    shocked = it.open(request(task="chat"), now + 0.001).table
    it.tables.forget()
    settled = it.table("default", "auto", "chat", now + 0.001).weights
    assert sum(map(min, shocked.weights, settled)) >= 0.9
    it.absorb(quote(name, usd=usd[name], seen_at=now + 1), now + 1)
    after = it.table("default", "auto", "chat", now + 1.001).weights
    assert after == pytest.approx(before, abs=1e-9)
    assert json.dumps(it.beliefs.to_state()) == rows


@settings(max_examples=6, deadline=None)
@given(FEW)
def test_what_one_namespace_says_changes_no_byte_of_another(steps: Any) -> None:
    it, alone = router(), router()
    for each in (it, alone):
        for number, step in enumerate(steps):
            lived(each, number, (*step[:3], False))
    for i in range(10):
        now = START + 500.0 + i
        exchange = it.open(request(namespace="liars", key_id="bad"), now)
        attempt = exchange.next_attempt(now)
        exchange.report(answered(attempt), now)
        decision = exchange.outcome(now).decision
        it.learn(decision, attempt.deployment, Reward(value=0.0, key_id="bad"), now)
    mine, theirs = (
        [group for group in each.beliefs.to_state()["groups"] if group["namespace"] == "default"]
        for each in (it, alone)
    )
    assert json.dumps(mine) == json.dumps(theirs)
    later = START + 1000.0
    for task in TASKS:
        tables = [each.table("default", "auto", task, later) for each in (it, alone)]
        assert tables[0].weights == tables[1].weights
