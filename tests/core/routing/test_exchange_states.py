"""Where an exchange stands after each call, also where two run side by side."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.concurrency import ConcurrencyLimits, ConcurrencyRules
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.plan import State
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade

EVEN = {CHEAP: 1.0, MID: 1.0, FLAGSHIP: 1.0}


def begun(it: Router, **facts: object) -> tuple[Exchange, Attempt]:
    """A request whose first call is under way."""
    exchange = it.open(request(**facts), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    return exchange, attempt


def raced(it: Router, **facts: object) -> tuple[Exchange, Attempt, Attempt]:
    """A request whose late first call has a twin beside it."""
    exchange, first = begun(it, **facts)
    exchange.hedge_after_s(START)
    second = exchange.hedge(START + 0.5)
    assert second is not None
    return exchange, first, second


def racing(**facts: object) -> Router:
    """A router that has seen a hundred calls, any of which might have had a twin."""
    it = router(prices=EVEN, hedge_share=1.0, **facts)  # type: ignore[arg-type]
    for _ in range(100):
        exchange, attempt = begun(it)
        exchange.hedge_after_s(START)
        exchange.report(answered(attempt), START)
    return it


def out(it: Router, name: str) -> None:
    for _ in range(5):
        it.record(failed(Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)), START)


def test_before_its_first_call_nothing_has_happened() -> None:
    exchange = router().open(request(), START)
    assert exchange.state is State.READY
    assert (exchange.calls.trying, exchange.calls.hedging, exchange.answer) == (None, None, None)
    assert (exchange.calls.made, exchange.calls.shifts, exchange.calls.ended) == (0, [], [])
    assert exchange.is_full is False
    assert exchange.cost_usd is None
    assert exchange.calls.spent_usd() == 0
    assert exchange.hedge_after_s(START) is None


def test_without_a_share_of_second_calls_none_is_ever_late() -> None:
    it = racing()
    it.adopt(it.catalog.deployments.values(), router(prices=EVEN).routes)
    exchange, _ = begun(it)
    assert exchange.hedge_after_s(START) is None


def test_where_all_are_full_it_is_over_before_it_began() -> None:
    limits = ConcurrencyLimits(
        {name.partition("/")[0]: ConcurrencyRules(max_concurrent=1) for name in EVEN}
    )
    it = router(prices=EVEN, limits=limits)
    for name in EVEN:
        limits.begin(name.partition("/")[0])
    exchange = it.open(request(), START)
    assert exchange.next_attempt(START) is None
    assert exchange.is_full is True
    assert exchange.state is State.EXHAUSTED
    assert exchange.next_attempt(START) is None
    assert not exchange.outcome(START).ok


def test_a_first_call_waits_for_nothing() -> None:
    _, attempt = begun(router())
    assert (attempt.not_before, attempt.started_at) == (0.0, START)


def test_after_the_last_failure_it_is_exhausted_and_after_an_answer_done() -> None:
    exchange, attempt = begun(router(prices={CHEAP: 1.0}, max_attempts=1))
    exchange.report(failed(attempt), START)
    assert exchange.state is State.FAILED_ONCE
    assert exchange.next_attempt(START) is None
    assert exchange.state is State.EXHAUSTED
    assert exchange.next_attempt(START) is None


def test_an_answer_stays_where_the_stronger_one_fails() -> None:
    it = router(prices=EVEN, cascade=Cascade(escalate_below=0.8, to=(FLAGSHIP,)), max_attempts=2)
    exchange, first = begun(it, preferences=Preferences(order=(CHEAP,)))
    exchange.report(answered(first, confidence=0.1), START)
    assert exchange.state is State.ANSWERED
    second = exchange.next_attempt(START)
    assert second is not None and second.reason is AttemptReason.ESCALATION
    exchange.report(failed(second), START)
    assert exchange.next_attempt(START) is None
    assert exchange.state is State.DONE
    assert exchange.outcome(START).served == CHEAP


def test_a_streamed_answer_is_done_and_never_asked_of_a_stronger_one() -> None:
    it = router(prices=EVEN, cascade=Cascade(escalate_below=0.8, to=(FLAGSHIP,)))
    exchange, first = begun(it, is_stream=True, preferences=Preferences(order=(CHEAP,)))
    assert exchange.commit(first)
    exchange.report(answered(first, confidence=0.1), START)
    assert exchange.state is State.DONE
    assert exchange.next_attempt(START) is None


def test_a_twin_that_answers_after_the_other_has_content_is_not_the_answer() -> None:
    exchange, first, second = raced(racing(), is_stream=True)
    assert exchange.commit(second)
    exchange.report(answered(first), START + 1.0)
    assert exchange.state is State.STREAMING
    assert exchange.answer is None
    exchange.report(failed(second, CallKind.BROKEN), START + 2.0)
    assert exchange.state is State.BROKEN
    assert exchange.next_attempt(START + 2.0) is None
    assert exchange.outcome(START + 2.0).served is None


def test_only_the_two_that_race_can_end() -> None:
    exchange, first, second = raced(racing())
    stranger = Attempt(number=7, deployment=CHEAP, reason=AttemptReason.FIRST)
    with pytest.raises(RuntimeError, match="call 7 is not under way"):
        exchange.report(answered(stranger), START + 1.0)
    exchange.drop(failed(second, CallKind.CANCELLED), START + 1.0)
    exchange.report(answered(first), START + 1.0)
    assert [each.attempt for each in exchange.calls.ended] == [second, first]


def test_whoever_reports_or_asks_out_of_turn_is_told_where_it_stands() -> None:
    exchange = router().open(request(), START)
    stray = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
    with pytest.raises(RuntimeError, match=r"no call is under way \(ready\)"):
        exchange.report(answered(stray), START)
    with pytest.raises(RuntimeError, match="expected trying, the exchange is ready"):
        exchange.hedge(START)
    exchange.next_attempt(START)
    with pytest.raises(RuntimeError, match=r"a call is under way \(trying\)"):
        exchange.next_attempt(START)


def test_a_call_gets_no_twin_once_its_caller_is_gone() -> None:
    it = racing()
    exchange, _ = begun(it, deadline_s=1.0)
    exchange.hedge_after_s(START)
    assert exchange.hedge(START + 1.0) is None
    again, first, second = raced(it, deadline_s=1.0)
    again.drop(failed(second, CallKind.TIMED_OUT, latency_s=0.5), START + 1.0)
    again.report(answered(first), START + 1.0)
    assert again.calls.ended[0].kind is CallKind.CALLER_TIMED_OUT


def test_a_plain_answer_that_its_caller_did_not_wait_for_is_no_failure() -> None:
    exchange, first = begun(router(), deadline_s=5.0)
    late = failed(first, CallKind.TIMED_OUT, first_byte_s=1.0, latency_s=5.0)
    exchange.report(late, START + 5.0)
    assert exchange.calls.ended[0].kind is CallKind.CALLER_TIMED_OUT
    assert exchange.state is State.EXHAUSTED


def test_after_a_failure_of_one_that_is_out_no_sick_one_is_raced_against_the_next() -> None:
    it = racing(max_attempts=4)
    exchange, first = begun(it)
    exchange.report(failed(first, CallKind.CANNOT_SERVE), START)
    second = exchange.next_attempt(START)
    assert second is not None
    (third,) = set(EVEN) - {first.deployment, second.deployment}
    out(it, third)
    exchange.hedge_after_s(START)
    out(it, first.deployment)
    assert exchange.hedge(START + 0.5) is None, "both are sick, and asking them helps nobody"


def test_after_a_failure_of_a_sound_one_a_sick_one_is_the_last_resort() -> None:
    it = racing(max_attempts=4)
    exchange, first = begun(it)
    exchange.report(failed(first, CallKind.CANNOT_SERVE), START)
    second = exchange.next_attempt(START)
    assert second is not None
    (third,) = set(EVEN) - {first.deployment, second.deployment}
    out(it, third)
    exchange.hedge_after_s(START)
    twin = exchange.hedge(START + 0.5)
    assert twin is not None and twin.deployment == third
    assert (twin.reason, twin.number) == (AttemptReason.HEDGE, 2)


def test_a_dear_twin_is_raced_less_often_than_the_share_of_calls_allows() -> None:
    prices = {CHEAP: 1.0, FLAGSHIP: 50.0}
    it = router(prices=prices, hedge_share=0.5, max_attempts=2)
    dear = 0
    for _ in range(200):
        exchange, first = begun(it, preferences=Preferences(order=(CHEAP, FLAGSHIP)))
        exchange.hedge_after_s(START)
        twin = exchange.hedge(START + 0.5)
        if twin is not None:
            assert twin.deployment == FLAGSHIP
            dear += 1
            exchange.drop(failed(twin, CallKind.CANCELLED), START + 1.0)
        exchange.report(answered(first), START + 1.0)
    assert 0 < dear < 50
