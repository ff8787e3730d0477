"""One request as a state machine: who is asked, who is asked next, and when it stops."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router, run
from windsock.core.model.abilities.terms import Terms
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.model.rewards import Reward
from windsock.core.routing.plan import State
from windsock.core.routing.routes import Cascade
from windsock.errors import NoCandidate

STRONG = "dale/huge"


def test_an_answer_ends_it() -> None:
    exchange = router().open(request(), START)
    assert len(run(exchange)) == 1
    outcome = exchange.outcome(START + 1)
    assert outcome.ok
    assert outcome.served == exchange.decision.deployment
    assert exchange.state is State.DONE


def test_a_failure_goes_to_another_deployment() -> None:
    exchange = router().open(request(), START)
    called = run(exchange, START, CallKind.SERVER_ERROR)
    assert len(called) == len(set(called)) == 2
    assert exchange.calls.ended[1].attempt.reason is AttemptReason.FALLBACK
    assert exchange.outcome(START).served == called[1]


def test_every_deployment_is_asked_once_before_it_gives_up() -> None:
    exchange = router().open(request(), START)
    called = run(exchange, START, *[CallKind.SERVER_ERROR] * 3)
    assert sorted(called[:3]) == [CHEAP, MID, FLAGSHIP]


def test_an_error_of_the_caller_is_not_tried_elsewhere() -> None:
    exchange = router().open(request(), START)
    assert len(run(exchange, START, CallKind.CALLER_ERROR)) == 1
    assert not exchange.outcome(START).ok


def test_a_lone_deployment_is_asked_again_after_a_jittered_wait() -> None:
    exchange = router(prices={CHEAP: 1.0}).open(request(), START)
    first = exchange.next_attempt(START)
    exchange.report(failed(first), START)
    again = exchange.next_attempt(START)
    assert again.deployment == CHEAP
    assert again.reason is AttemptReason.RETRY
    assert START <= again.not_before <= START + 0.5


def test_after_the_first_content_there_is_no_other_deployment() -> None:
    exchange = router().open(request(is_stream=True), START)
    attempt = exchange.next_attempt(START)
    exchange.commit(attempt)
    exchange.report(failed(attempt, CallKind.BROKEN), START)
    assert exchange.next_attempt(START) is None
    assert exchange.state is State.BROKEN
    assert not exchange.outcome(START).ok


def test_unless_another_may_go_on_from_what_was_shown() -> None:
    exchange = router().open(request(is_stream=True), START)
    first = exchange.next_attempt(START)
    exchange.commit(first)
    exchange.report(failed(first, CallKind.BROKEN), START, may_go_on=True)
    second = exchange.next_attempt(START)
    assert second.deployment != first.deployment
    exchange.commit(second)
    exchange.report(answered(second), START)
    assert exchange.outcome(START).served == second.deployment


def test_before_the_first_content_a_stream_falls_back() -> None:
    exchange = router().open(request(is_stream=True), START)
    exchange.report(failed(exchange.next_attempt(START), CallKind.TIMED_OUT), START)
    second = exchange.next_attempt(START)
    exchange.commit(second)
    exchange.report(answered(second), START)
    assert exchange.next_attempt(START) is None
    assert exchange.outcome(START).ok


def test_the_deadline_ends_it() -> None:
    exchange = router().open(request(deadline_s=2.0), START)
    attempt = exchange.next_attempt(START)
    assert attempt.timeout_s == 2.0
    exchange.report(failed(attempt, CallKind.TIMED_OUT), START + 2.1)
    assert exchange.next_attempt(START + 2.1) is None


def test_the_callers_order_is_kept() -> None:
    wishes = Preferences(order=(FLAGSHIP, MID))
    exchange = router().open(request(preferences=wishes), START)
    assert exchange.decision.propensity == 1.0
    called = run(exchange, START, CallKind.SERVER_ERROR, CallKind.SERVER_ERROR)
    assert called == [FLAGSHIP, MID, CHEAP]


def test_fallbacks_can_be_forbidden() -> None:
    wishes = Preferences(only=(MID, CHEAP), allow_fallbacks=False)
    exchange = router().open(request(preferences=wishes), START)
    called = run(exchange, START, CallKind.TIMED_OUT)
    assert len(called) == 1


def test_further_attempts_stay_within_a_fifth_of_requests_but_the_first_fallback_is_free() -> None:
    wind = router()
    attempts = 0
    for _ in range(1000):
        exchange = wind.open(request(), START)
        while (attempt := exchange.next_attempt(START)) is not None:
            attempts += 1
            exchange.report(failed(attempt, CallKind.CANNOT_SERVE), START)
        exchange.outcome(START)
    assert 2 * 1000 <= attempts <= 2.2 * 1000 + 10


def test_when_all_are_ejected_a_request_asks_one_of_them_and_no_more() -> None:
    wind = router()
    now, asked, refused = START, 0, 0
    for i in range(90):
        now = START + i * 0.1
        is_any_open = any(wind.availability.is_open(each, now) for each in (CHEAP, MID, FLAGSHIP))
        try:
            calls = run(wind.open(request(), now), now, *[CallKind.SERVER_ERROR] * 3)
        except NoCandidate as error:
            assert 0.0 < error.retry_after_s <= 3.0
            refused += 1
        else:
            asked += len(calls)
            assert len(calls) == 1 or is_any_open
    assert refused > 50, "one that fails every call is asked now and then"
    assert asked < 30


def test_a_single_failure_is_tried_again_rather_than_an_ejected_one_asked() -> None:
    wind = router(prices={CHEAP: 0.1, MID: 1.0})
    call = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
    for _ in range(5):
        wind.record(failed(call), START)
    assert not wind.availability.is_open(CHEAP, START)
    assert run(wind.open(request(), START), START, CallKind.SERVER_ERROR) == [MID, MID]


def test_all_spending_of_a_request_counts() -> None:
    wind = router()
    exchange = wind.open(request(), START)
    first = exchange.next_attempt(START)
    exchange.report(answered(first, kind=CallKind.BAD_ANSWER), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    assert exchange.next_attempt(START) is None
    paid = [wind.cost_usd(result) for result in exchange.calls.ended]
    assert exchange.outcome(START).cost_usd == sum(paid)
    assert all(paid)


def test_a_doubted_answer_escalates_and_the_stronger_answer_is_given() -> None:
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    wishes = Preferences(order=(CHEAP,))
    exchange = router(cascade=cascade).open(request(preferences=wishes), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=0.6), START)
    stronger = exchange.next_attempt(START)
    assert (stronger.deployment, stronger.reason) == (FLAGSHIP, AttemptReason.ESCALATION)
    exchange.report(answered(stronger), START)
    assert exchange.next_attempt(START) is None
    assert exchange.outcome(START).served == FLAGSHIP


@pytest.mark.parametrize("allow_fallbacks", [False, True])
@pytest.mark.parametrize(
    "kind", [CallKind.BAD_ANSWER, CallKind.SERVER_ERROR, CallKind.CALLER_ERROR]
)
def test_a_failed_escalation_leaves_the_first_answer(kind, allow_fallbacks) -> None:
    """Nobody is asked in its place, and not the same one again."""
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    wishes = Preferences(order=(CHEAP,), allow_fallbacks=allow_fallbacks)
    exchange = router(cascade=cascade).open(request(preferences=wishes), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=0.6), START)
    stronger = exchange.next_attempt(START)
    exchange.report(failed(stronger, kind), START)
    assert exchange.next_attempt(START) is None
    assert exchange.state is State.DONE
    assert exchange.outcome(START).served == CHEAP


@pytest.mark.parametrize(
    "wishes",
    [
        Preferences(only=(CHEAP, STRONG)),
        Preferences(ignore=(FLAGSHIP,)),
        Preferences(max_prompt_usd_per_mtok=Decimal("1.5")),
        Preferences(zdr=True),
    ],
)
def test_nobody_whom_the_caller_rules_out_is_asked_for_a_stronger_answer(wishes) -> None:
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP, STRONG))
    prices = {CHEAP: 0.1, FLAGSHIP: 5.0, STRONG: 0.4}
    wind = router(prices=prices, cascade=cascade)
    kept = {CHEAP, STRONG}
    wind.catalog.adopt(
        replace(each, terms=Terms(zdr=each.id in kept))
        for each in wind.catalog.deployments.values()
    )
    exchange = wind.open(request(preferences=replace(wishes, order=(CHEAP,))), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=0.6), START)
    assert exchange.next_attempt(START).deployment == STRONG


@pytest.mark.parametrize("allow_fallbacks", [False, True])
def test_after_a_failed_escalation_another_strong_one_may_be_asked(allow_fallbacks) -> None:
    wishes = Preferences(order=(CHEAP,), allow_fallbacks=allow_fallbacks)
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP, STRONG))
    prices = {CHEAP: 0.1, MID: 1.0, FLAGSHIP: 5.0, STRONG: 9.0}
    exchange = router(prices=prices, cascade=cascade).open(request(preferences=wishes), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=0.6), START)
    exchange.report(failed(exchange.next_attempt(START)), START)
    other = exchange.next_attempt(START)
    if not allow_fallbacks:
        assert other is None
        return
    assert (other.deployment, other.reason) == (STRONG, AttemptReason.ESCALATION)
    exchange.report(answered(other), START)
    assert exchange.next_attempt(START) is None
    assert exchange.outcome(START).served == STRONG


def test_asking_a_second_strong_one_draws_on_the_budget_of_extra_calls() -> None:
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP, STRONG))
    wind = router(prices={CHEAP: 0.1, FLAGSHIP: 5.0, STRONG: 9.0}, cascade=cascade)
    seconds = 0
    for _ in range(1000):
        exchange = wind.open(request(preferences=Preferences(order=(CHEAP,))), START)
        exchange.report(answered(exchange.next_attempt(START), confidence=0.6), START)
        first = exchange.next_attempt(START)
        exchange.report(failed(first, CallKind.CANNOT_SERVE), START)
        second = exchange.next_attempt(START)
        if second is not None:
            seconds += 1
            exchange.report(answered(second), START)
            assert exchange.next_attempt(START) is None
        exchange.outcome(START)
    assert 0 < seconds <= 0.2 * 1000 + 10


def test_asking_twice_while_a_call_is_under_way_is_a_mistake() -> None:
    exchange = router().open(request(), START)
    exchange.next_attempt(START)
    with pytest.raises(RuntimeError, match="under way"):
        exchange.next_attempt(START)


def test_a_confidence_means_what_feedback_measured() -> None:
    wind = router(cascade=Cascade(escalate_below=0.85, to=(FLAGSHIP,)))
    wishes = Preferences(order=(CHEAP,))

    def ask(claim: float):
        exchange = wind.open(request(preferences=wishes), START)
        exchange.report(answered(exchange.next_attempt(START), confidence=claim), START)
        return exchange, exchange.next_attempt(START)

    for i in range(60):
        exchange, stronger = ask(0.93)
        if stronger is not None:
            break
        outcome = exchange.outcome(START)
        wind.learn(exchange.decision, outcome.served, Reward(value=float(i < 10)), START)
    assert stronger is not None, "a claim of 0.93 that turns out wrong is no longer trusted"
    assert i > 10
    fresh = router(cascade=Cascade(escalate_below=0.85, to=(FLAGSHIP,)))
    fresh.from_state(wind.to_state())
    again = fresh.open(request(preferences=wishes), START)
    again.report(answered(again.next_attempt(START), confidence=0.93), START)
    assert again.next_attempt(START) is not None


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_the_callers_own_haste_is_no_failure_of_the_deployment(is_stream) -> None:
    wind = router(prices={CHEAP: 1.0})
    for _ in range(10):
        exchange = wind.open(request(deadline_s=2.0, is_stream=is_stream), START)
        late = failed(exchange.next_attempt(START), CallKind.TIMED_OUT, latency_s=2.0)
        exchange.report(late, START + 2.0)
        outcome = exchange.outcome(START + 2.0)
        assert [each.kind for each in outcome.results] == [CallKind.CALLER_TIMED_OUT]
        assert not outcome.ok
    assert wind.health.tallies(CHEAP) == (0, 0)
    assert wind.availability.is_open(CHEAP, START + 2.0)


def test_a_timeout_of_the_route_counts_though_the_caller_had_one_too() -> None:
    wind = router(prices={CHEAP: 1.0})
    exchange = wind.open(request(deadline_s=60.0), START)
    late = failed(exchange.next_attempt(START), CallKind.TIMED_OUT, latency_s=60.0)
    exchange.report(late, START + 60.0)
    assert exchange.calls.ended[0].kind is CallKind.TIMED_OUT
    assert wind.health.tallies(CHEAP) == (0, 1)


def test_a_plain_answer_whose_head_has_come_has_longer() -> None:
    exchange = router().open(request(), START)
    assert exchange.next_attempt(START).timeout_s == 60.0
    assert exchange.calls.rest_s(20.0, START + 20) == 280.0
    hasty = router().open(request(deadline_s=90.0), START)
    assert hasty.next_attempt(START).timeout_s == 60.0
    assert hasty.calls.rest_s(20.0, START + 20) == 70.0
