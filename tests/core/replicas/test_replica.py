"""What does not add is told: cooldowns, changes of quality, silenced keys, conversations."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.beliefs.drift.change_detection import Mode
from windsock.core.model.calls import CallKind
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.replicas.deltas import Delta, Seen
from windsock.core.routing.caps.account import Raise
from windsock.core.routing.caps.cap import EVERYTHING, Cap
from windsock.core.routing.replication.replica import Replica
from windsock.core.routing.router import Router

CHAT = Cell("default", "auto", "chat")


def pair() -> tuple[Replica, Replica]:
    """The first judges changes of quality, as a leader does."""
    one, other = (Replica(router(), name) for name in ("leader", "other"))
    other.router.beliefs.quality.is_judge = False
    return one, other


def tell(one: Replica, other: Replica, now: float) -> None:
    delta = one.cut(now)
    assert delta is not None
    assert other.absorb(delta, now)


def judge(it: Router, value: float, number: int, at: float) -> None:
    exchange = it.open(request(task="chat"), at)
    decision = replace(exchange.decision, deployment=MID, id=f"d{number}")
    it.learn(decision, MID, Reward(value=value), at)


def test_a_cooldown_holds_everywhere_and_ends_everywhere() -> None:
    one, other = pair()
    exchange = one.router.open(request(), START)
    attempt = exchange.next_attempt(START)
    result = failed(attempt, CallKind.RATE_LIMITED, retry_after_s=30.0)
    for event in one.router.record(result, START):
        one.tell_of(event)
    tell(one, other, START)
    name, health = attempt.deployment, other.router.health
    assert health.cooldown_until(name) == START + 30
    assert health.cause(name, START) is CallKind.RATE_LIMITED
    later = START + 31
    for event in one.router.record(answered(replace(attempt, started_at=later)), later + 1):
        one.tell_of(event)
    tell(one, other, later + 1)
    assert health.state_of(name, name, later + 1) == "closed"


def test_a_refused_key_that_has_just_worked_here_is_doubted() -> None:
    one, other = pair()
    attempt = one.router.open(request(), START).next_attempt(START)
    name, health = attempt.deployment, other.router.health
    other.router.record(answered(attempt), START)
    for event in one.router.record(failed(attempt, CallKind.AUTH_FAILED), START):
        one.tell_of(event)
    tell(one, other, START + 1)
    assert health.cause(name, START + 1) is None
    one.outbox.tell("cooldown", (name,), {"until": START + 50, "cause": "auth_failed"})
    tell(one, other, START + 20)
    assert health.cause(name, START + 20) is CallKind.AUTH_FAILED


def test_a_change_of_quality_is_judged_by_one_and_believed_by_all() -> None:
    one, other = pair()
    number = 0
    for value, count in ((1.0, 200), (0.0, 40)):
        for _ in range(count):
            number += 1
            judge((one, other)[number % 2].router, value, number, START + number)
        for each, to in ((one, other), (other, one)):
            tell(each, to, START + number)
    found = one.router.drain_shifts()
    assert [event.kind for event in found][:1] == ["quality.drifted"]
    assert not other.router.drain_shifts()
    for event in found:
        one.tell_of(event)
    judge(other.router, 0.0, number + 1, START + number)
    tell(one, other, START + number)
    tell(other, one, START + number)
    modes = {each.router.beliefs.quality.mode(CHAT, MID) for each in (one, other)}
    assert len(modes) == 1
    assert Mode.STEADY not in modes
    mine, theirs = (each.router.beliefs.posterior(CHAT, MID) for each in (one, other))
    assert theirs == pytest.approx(mine, abs=1e-9)


def test_what_is_told_with_a_change_of_quality_counts_once() -> None:
    one, other = pair()
    for number in range(200):
        judge(one.router, 1.0, number, START + number)
    tell(one, other, START + 200)
    found, number = [], 200
    while not found:  # nothing is told between what led to the verdict and the verdict
        number += 1
        judge(one.router, 0.0, number, START + number)
        found = one.router.drain_shifts()
    for event in found:
        one.tell_of(event)
    judge(one.router, 0.0, number + 1, START + number)
    tell(one, other, START + number)
    mine, theirs = (each.router.beliefs.posterior(CHAT, MID) for each in (one, other))
    assert theirs == pytest.approx(mine, abs=1e-9)


def test_a_state_that_is_made_anew_is_not_told_and_what_is_learnt_later_is() -> None:
    one, other = pair()
    for each in (one, other):
        each.router.learner.count_judgement(CHAT, 100.0)
    kept = one.router.to_state()
    for number in range(3):
        judge(one.router, 1.0, number, START)

    def build() -> Seen:
        one.router.from_state(kept)
        passing = Replica(one.router, "")
        judge(one.router, 0.0, 10, START)  # of the ledger, which others know
        passing.close()
        return Seen()

    one.begin_anew(build)
    tell(one, other, START)
    judge(other.router, 0.0, 10, START)
    judge(one.router, 1.0, 11, START)
    tell(one, other, START)
    mine, theirs = (each.router.beliefs.posterior(CHAT, MID) for each in (one, other))
    assert theirs == pytest.approx(mine, abs=1e-9)
    assert mine != pytest.approx(router().beliefs.posterior(CHAT, MID), abs=0.5)


def test_a_key_that_is_silenced_on_one_is_silenced_on_all() -> None:
    one, other = pair()
    decision = one.router.open(request(task="chat"), START).decision
    for each in (one, other):
        each.router.learn(decision, MID, Reward(value=0.0, key_id="liar"), START)
    before = other.router.beliefs.summary(CHAT, MID).mean
    for event in one.router.operator.silence_key("default", "liar", is_silent=True, now=START):
        one.tell_of(event)
    tell(one, other, START)
    assert other.router.operator.silenced("default") == ["liar"]
    assert other.router.beliefs.summary(CHAT, MID).mean > before
    for event in one.router.operator.silence_key("default", "liar", is_silent=False, now=START):
        one.tell_of(event)
    tell(one, other, START)
    assert other.router.operator.silenced("default") == []


def test_a_conversation_goes_on_where_it_was_answered_whoever_is_asked() -> None:
    one, other = pair()
    asked = request(session_id="s1", prompt_tokens=20_000)
    exchange = one.router.open(asked, START)
    attempt = exchange.next_attempt(START)
    exchange.report(answered(attempt), START)
    exchange.outcome(START)
    home = one.router.conversations.home(asked, "auto", START + 1)
    assert home == attempt.deployment
    assert other.router.conversations.home(asked, "auto", START + 1) is None
    tell(one, other, START)
    assert other.router.conversations.home(asked, "auto", START + 1) == home
    assert {CHEAP, MID, FLAGSHIP} >= {home}
    later = replace(asked, prompt_tokens=20_500)
    assert other.router.open(later, START + 1).decision.conversation.home == home


def test_an_older_turn_does_not_replace_a_later_one() -> None:
    one, other = pair()
    asked = request(session_id="s1", prompt_tokens=20_000)
    for replica, at in ((one, START), (other, START + 5)):
        exchange = replica.router.open(asked, at)
        exchange.report(answered(exchange.next_attempt(at)), at)
        exchange.outcome(at)
    latest = other.router.conversations.memory.told_of(("default", "auto", "s1"))
    tell(one, other, START + 6)
    assert other.router.conversations.memory.told_of(("default", "auto", "s1")) == latest


def test_a_raised_cap_is_raised_once_though_the_store_told_of_it_too() -> None:
    one, other = pair()
    for each in (one, other):
        each.router.caps.adopt([Cap(name="all", usd=Decimal(1))])
    more = Raise(cap="all", usd=Decimal("0.1"), until=START + 60)
    one.tell_of(one.router.caps.raise_for_now(more, START))
    other.router.caps.restore_raises([more])
    tell(one, other, START)
    limits = [each.router.caps.open("all", EVERYTHING).limit_usd(START) for each in (one, other)]
    assert limits == [Decimal("1.1"), Decimal("1.1")]


def test_money_spent_on_one_paces_the_other() -> None:
    aim = Objective(kind="budget", usd_per_day=1.0)
    one, other = (Replica(router(objective=aim), name) for name in ("a", "b"))
    exchange = one.router.open(request(), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    spent = exchange.outcome(START).cost_usd
    tell(one, other, START)
    left = other.router.routes["auto"].policy.pacer.allowance(START).left_usd
    assert left == pytest.approx(1.0 - float(spent))


@pytest.mark.parametrize(
    ("subject", "word"),
    [
        ("cooldown", {"ends": 5}),
        ("cooldown", "soon"),
        ("ruled", {"quote": {}, "is_believed": True}),
        ("of a later version", 1),
    ],
)
def test_a_word_in_a_form_of_another_version_is_lost_alone_and_that_is_told_once(
    subject: str, word: object
) -> None:
    one, other = pair()
    unheard: list[str] = []
    other.on_unheard = unheard.append
    for at in (START, START + 1):
        one.outbox.tell(subject, (MID,), word)
        one.outbox.tell("own model", (MID,), True)
        one.outbox.tell("cooldown", (CHEAP,), {"until": START + 30, "cause": "rate_limited"})
        judge(one.router, 1.0, int(at), at)
        tell(one, other, at)
    assert unheard == [subject]
    assert other.router.health.cooldown_until(CHEAP) == START + 30
    rows = [each.router.beliefs.to_state()["groups"][0]["rows"][0][:5] for each in (one, other)]
    assert rows[0] == rows[1]


def test_a_word_that_is_none_hides_nothing_of_its_delta() -> None:
    one, other = pair()
    unheard: list[str] = []
    other.on_unheard = unheard.append
    one.outbox.tell("cooldown", (CHEAP,), {"until": START + 30, "cause": "rate_limited"})
    delta = one.cut(START)
    assert delta is not None
    state = delta.to_state()
    state["told"] = [["cooldown", [MID], {}, "more"], *state["told"], "nonsense"]
    other.absorb(Delta.from_state(state), START)
    assert unheard == ["unreadable"]
    assert other.router.health.cooldown_until(CHEAP) == START + 30


def test_what_others_are_asked_is_traffic_of_the_route_everywhere() -> None:
    aim = Objective(kind="quality_floor", route_quality_floor=0.9)
    one, other = (Replica(router(objective=aim), name) for name in ("one", "other"))
    rates = {"easy": (0.93, 0.95, 0.96), "hard": (0.2, 0.6, 0.95)}
    for number in range(300):
        task = "hard" if number % 10 == 0 else "easy"
        exchange = one.router.open(request(task=task), START + number)
        name = (CHEAP, MID, FLAGSHIP)[number % 3]
        value = float(number % 97 / 97 < rates[task][number % 3])
        decision = replace(exchange.decision, deployment=name, id=f"d{number}")
        one.router.learn(decision, name, Reward(value=value), START + number)
    tell(one, other, START + 300)
    assert other.router.tables.cells() == one.router.tables.cells()
    for task in rates:
        mine, theirs = (
            each.router.table("default", "auto", task, START + 400).weights for each in (one, other)
        )
        assert theirs == pytest.approx(mine, abs=0.02)
