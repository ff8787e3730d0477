"""Replicas that tell each other what they learn know what one knows that saw it all."""

import json
import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.model.calls import Outcome
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.replicas.contributions import MOST_SUMS, Contributions, Kind
from windsock.core.replicas.deltas import Delta, Outbox, Seen
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router

NAMES = (CHEAP, MID, FLAGSHIP)
DAY_S = 86_400.0

Happening = tuple[int, str, str, float, str | None, float]
"""(replica, task, deployment, reward, key, seconds after START)"""

happenings = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["chat", "sql"]),
        st.sampled_from([CHEAP, MID]),
        st.sampled_from([0.0, 0.5, 1.0, 0.8]),
        st.sampled_from([None, "one"]),
        st.floats(0, 30 * DAY_S),
    ),
    min_size=20,
    max_size=60,
)


def judged_before(it: Router) -> Router:
    """Both tasks are judged already, so that a mere answer counts nothing."""
    for task in ("chat", "sql"):
        it.learner.count_judgement(Cell("default", "auto", task), 100.0)
    it.beliefs.quality.is_judge = False
    return it


def template() -> Outcome:
    it = router()
    exchange = it.open(request(), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    return exchange.outcome(START)


ANSWERED = template()


def happen(it: Router, what: Happening, number: int = 0) -> None:
    """A request is answered, and its answer judged."""
    _, task, name, value, key, after_s = what
    cell = Cell("default", "auto", task)
    decision = replace(ANSWERED.decision, cell=cell, deployment=name, id=f"d{number}")
    attempt = replace(ANSWERED.results[0].attempt, deployment=name)
    result = replace(ANSWERED.results[0], attempt=attempt)
    outcome = replace(ANSWERED, decision=decision, served=name, results=(result,))
    it.learn_outcome(outcome, START + after_s)
    it.learn(decision, name, Reward(value=value, key_id=key), START + after_s)


def known_by(it: Router) -> dict[str, float]:
    """All that it knows as sums, as of one moment: rewards, use, keys' accounts, answers."""
    at, half_life_s = START + 40 * DAY_S, it.beliefs.settings.half_life_s
    found: dict[str, float] = {}
    for group in it.beliefs.to_state()["groups"]:
        for task, name, *sums, then, requests, used_at, units in group["rows"]:
            for part, value in zip(("count", "total", "squares"), sums, strict=True):
                found[f"{task} {name} {part}"] = faded(value, then, at, half_life_s)
            for number, value in enumerate([requests, *(units or ())]):
                found[f"{task} {name} used {number}"] = faded(value, used_at, at, half_life_s)
    rewards = it.learner.to_state().get("auto")
    for *names, then, keys in rewards["accounts"] if rewards else ():
        for key, held in keys.items():
            found[f"{names} {key}"] = faded(held[0], then, at, half_life_s)
    for *names, answers, judged in rewards["responses"] if rewards else ():
        found[f"{names} answers"], found[f"{names} judged"] = answers, judged
    return found


def faded(value: float, then: float | None, at: float, half_life_s: float) -> float:
    return value * 2.0 ** ((then - at) / half_life_s) if then is not None else value


def agree(it: Router, other: Router) -> None:
    one, two = known_by(it), known_by(other)
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert value == pytest.approx(two[name], rel=1e-9, abs=1e-9), name


def group_of(count: int) -> list[Replica]:
    return [Replica(judged_before(router()), f"r{number}") for number in range(count)]


def exchanged(replicas: list[Replica], deltas: list[Delta]) -> None:
    """Every delta as JSON to everybody, in the order that they come."""
    for delta in deltas:
        told = json.loads(json.dumps(delta.to_state()))
        for replica in replicas:
            replica.absorb(Delta.from_state(told), START)


@settings(max_examples=25, deadline=None)
@given(happenings, st.sampled_from([1, 5, 1000]), st.randoms(use_true_random=False))
def test_in_any_order_with_duplicates_they_believe_what_one_does_that_saw_all(
    things: list[Happening], every: int, chance: Random
) -> None:
    replicas, alone, deltas = group_of(3), judged_before(router()), []
    for number, what in enumerate(things):
        happen(replicas[what[0]].router, what, number)
        happen(alone, what, number)
        if number % every == 0:
            deltas += [d for each in replicas if (d := each.cut(START + number)) is not None]
    deltas += [d for each in replicas if (d := each.cut(START)) is not None]
    deltas += deltas[: len(deltas) // 2]
    chance.shuffle(deltas)
    exchanged(replicas, deltas)
    for replica in replicas:
        agree(replica.router, alone)
        assert replica.seen == replicas[0].seen


def test_what_was_lost_is_sent_again_and_counts_once() -> None:
    one, other = group_of(2)
    alone = judged_before(router())
    for number in range(30):
        what = (0, "chat", NAMES[number % 3], float(number % 2), None, 3600.0 * number)
        happen(one.router, what, number)
        happen(alone, what, number)
        delta = one.cut(START)
        if number % 4 == 0:
            exchanged([other], [delta])
    assert other.seen.missing("r0", one.outbox.number) == [n + 1 for n in range(30) if n % 4]
    exchanged([other], one.outbox.lacking(other.seen))
    agree(other.router, alone)
    one.outbox.confirm(other.seen)
    assert one.outbox.lacking(Seen()) == []


def test_what_one_has_heard_it_does_not_tell() -> None:
    one, other = group_of(2)
    happen(one.router, (0, "chat", CHEAP, 1.0, "key", 0.0))
    exchanged([other], [one.cut(START)])
    assert other.cut(START) is None
    assert known_by(other.router)


def test_nothing_new_is_no_delta() -> None:
    (one,) = group_of(1)
    assert one.cut(START) is None


def test_what_is_taken_back_on_one_is_taken_back_on_all() -> None:
    one, other = group_of(2)
    for value in (1.0, 0.0):
        happen(one.router, (0, "chat", CHEAP, value, "key", 0.0))
    decision = replace(ANSWERED.decision, cell=Cell("default", "auto", "chat"), deployment=CHEAP)
    first = Reward(value=1.0, key_id="key")
    said = [Feedback(decision_id=decision.id, reward=first, at=START, weight=1.0)]
    exchanged([other], [one.cut(START)])
    one.router.learn(decision, CHEAP, Reward(value=0.0, key_id="key"), START + 9, said=said)
    exchanged([other], [one.cut(START)])
    agree(other.router, one.router)
    assert other.router.beliefs.summary(decision.cell, CHEAP).mean < 0.5


def test_a_key_that_three_others_contradict_is_doubted_on_all_alike() -> None:
    replicas, alone = group_of(3), judged_before(router())
    for number in range(120):
        key = ("one", "two", "three", "liar")[number % 4]
        what = (number % 3, "chat", MID, float(key == "liar"), key, float(number))
        happen(replicas[what[0]].router, what, number)
        happen(alone, what, number)
    exchanged(replicas, [each.cut(START) for each in replicas])
    (found,) = {d.key for d in alone.learner.dissents("default")} or {None}
    assert found == "liar"
    for replica in replicas:
        assert {d.key for d in replica.router.learner.dissents("default")} == {"liar"}


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 90 * DAY_S)), min_size=1, max_size=20),
    st.randoms(use_true_random=False),
)
def test_a_fading_sum_is_the_same_in_any_order(
    items: list[tuple[float, float]], chance: Random
) -> None:
    half_life_s = 14 * DAY_S
    first, second = Contributions(half_life_s), Contributions(half_life_s)
    for value, at in items:
        first.add(Kind.USED, ("x",), (value,), at)
    for value, at in sorted(items, key=lambda _: chance.random()):
        second.add(Kind.USED, ("x",), (value,), at)
    (one,), (two,) = first.take(), second.take()
    latest = max(at for _, at in items)
    exact = math.fsum(value * 2.0 ** ((at - latest) / half_life_s) for value, at in items)
    assert one.at == two.at == latest
    assert one.values[0] == pytest.approx(exact, rel=1e-9, abs=1e-9)
    assert two.values[0] == pytest.approx(exact, rel=1e-9, abs=1e-9)


FIRST_DIFFER = 7.0
"""Rewards by which beliefs may differ for good by when a task's first judgements were heard: five
judgements, and two that mere answers are worth."""


@pytest.mark.parametrize("seed", range(6))
def test_first_judgements_leave_beliefs_of_a_task_no_more_than_seven_rewards_apart(
    seed: int,
) -> None:
    chance = Random(seed)
    replicas = [Replica(router(), f"r{number}") for number in range(3)]
    alone = router()
    everybody = [*(each.router for each in replicas), alone]
    for it in everybody:
        it.beliefs.quality.is_judge = False
    for number in range(30):
        name, value = chance.choice((CHEAP, MID)), float(chance.random() < 0.6)
        what = (chance.randrange(3), "chat", name, value, None, number * 1e-3)
        happen(replicas[what[0]].router, what, number)
        happen(alone, what, number)
        if number % (1 + seed) == 0:
            exchanged(replicas, [d for each in replicas if (d := each.cut(START))])
    exchanged(replicas, [d for each in replicas if (d := each.cut(START))])
    fresh = 2.0 ** (40 * DAY_S / alone.beliefs.settings.half_life_s)
    counts = [
        {key: value * fresh for key, value in known_by(it).items() if key.endswith(" count")}
        for it in everybody
    ]
    assert sum(counts[-1].values()) > 2 * FIRST_DIFFER
    for key, right in counts[-1].items():
        assert all(abs(mine[key] - right) < FIRST_DIFFER for mine in counts)


def test_rewards_are_told_by_the_second_and_joined_where_that_becomes_too_many() -> None:
    told = Contributions(DAY_S)
    for at in (0.1, 0.9, 7.5, 0.5):
        told.add(Kind.SAID, ("x",), (1.0,), at)
    assert [each.at for each in told.take()] == [0.9, 7.5]
    for second in range(MOST_SUMS + 50):
        told.add(Kind.SAID, ("x",), (1.0,), float(second))
    assert len(told) <= 50
    assert told.take()[-1].at == MOST_SUMS + 49.0


numbers = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12)), max_size=30)


def seen_of(pairs: list[tuple[str, int]]) -> Seen:
    seen = Seen()
    for pair in pairs:
        seen.note(*pair)
    return seen


@given(numbers, numbers, numbers)
def test_vectors_join_as_sets_do(
    one: list[tuple[str, int]], two: list[tuple[str, int]], three: list[tuple[str, int]]
) -> None:
    joined = seen_of(one)
    joined.join(seen_of(two))
    assert joined == seen_of(one + two)
    other = seen_of(two)
    other.join(seen_of(one))
    assert joined == other
    joined.join(seen_of(two))
    assert joined == other
    joined.join(seen_of(three))
    late = seen_of(three)
    late.join(other)
    assert joined == late
    assert Seen.from_state(json.loads(json.dumps(joined.to_state()))) == joined
    for name, number in one + two + three:
        assert joined.has(name, number)
        assert number not in joined.missing(name, 12)


def test_a_delta_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    outbox = Outbox("r", 1.0)
    outbox.learnt.add(Kind.ANSWERED, ("n", "r", "t", "d"), (1.0,), 2.0)
    outbox.tell("gossip", ("x",), {"a": 1})
    state = outbox.cut(3.0).to_state()
    state["learnt"].append(["invented later", ["x"], [1.0], 2.0])
    state["colour"] = "blue"
    (other,) = group_of(1)
    delta = Delta.from_state(state)
    assert [each.kind for each in delta.learnt] == [Kind.ANSWERED]
    assert other.absorb(delta, START)
    assert not other.absorb(delta, START)
