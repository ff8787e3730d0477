"""A late call gets a twin beside it, within a budget of calls and of dollars."""

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.concurrency import ConcurrencyLimits, ConcurrencyRules
from windsock.core.resilience.hedging import Hedging
from windsock.core.resilience.retry_budget import RetryBudget
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.plan import State
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade

PRICES = {CHEAP: 1.0, MID: 1.0}
THREE = {CHEAP: 1.0, MID: 1.0, FLAGSHIP: 1.0}


def warmed(share: float = 0.05, count: int = 100, prices=PRICES, **facts) -> Router:
    """A router that has seen calls of 0.4 s everywhere."""
    wind = router(prices=prices, hedge_share=share, **facts)
    for _ in range(count):
        for name in prices:
            exchange = wind.open(request(preferences=Preferences(order=(name,))), START)
            first = exchange.next_attempt(START)
            exchange.hedge_after_s(START)
            exchange.report(answered(first), START)
    return wind


def late(wind: Router) -> Exchange:
    exchange = wind.open(request(), START)
    exchange.next_attempt(START)
    assert exchange.hedge_after_s(START) == pytest.approx(0.48)
    return exchange


def test_it_is_off_by_default() -> None:
    wind = warmed(share=0.0)
    exchange = wind.open(request(), START)
    exchange.next_attempt(START)
    assert exchange.hedge_after_s(START) is None


def test_a_late_call_is_raced_by_another_deployment_and_the_first_answer_counts() -> None:
    exchange = late(warmed())
    first = exchange.calls.trying
    second = exchange.hedge(START + 0.5)
    assert second.reason is AttemptReason.HEDGE
    assert second.deployment != first.deployment
    exchange.report(answered(second), START + 0.8)
    exchange.drop(failed(first, CallKind.CANCELLED), START + 0.8)
    assert exchange.next_attempt(START + 0.8) is None
    outcome = exchange.outcome(START + 0.8)
    assert outcome.served == second.deployment
    assert [result.kind for result in outcome.results] == [CallKind.ANSWERED, CallKind.CANCELLED]


@pytest.mark.parametrize(("claim", "is_doubted"), [(0.99, False), (0.5, True)])
def test_after_a_race_it_is_the_given_answer_that_is_doubted(claim, is_doubted) -> None:
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    wind = warmed(prices=THREE, cascade=cascade)
    exchange = wind.open(request(preferences=Preferences(order=(CHEAP, MID))), START)
    first = exchange.next_attempt(START)
    assert exchange.hedge_after_s(START) is not None
    second = exchange.hedge(START + 0.5)
    exchange.report(answered(second, confidence=claim), START + 0.8)
    exchange.drop(failed(first, CallKind.CANCELLED), START + 0.8)
    stronger = exchange.next_attempt(START + 0.8)
    if not is_doubted:
        assert stronger is None
        assert exchange.outcome(START + 0.8).served == MID
        return
    assert (stronger.deployment, stronger.reason) == (FLAGSHIP, AttemptReason.ESCALATION)


def test_of_two_streams_the_one_with_the_first_content_is_given() -> None:
    exchange = late(warmed())
    first = exchange.calls.trying
    second = exchange.hedge(START + 0.5)
    assert exchange.commit(second)
    assert not exchange.commit(first)
    exchange.report(failed(first, CallKind.CANCELLED), START + 0.6)
    assert exchange.state is State.STREAMING
    exchange.report(answered(second), START + 0.8)
    assert exchange.next_attempt(START + 0.8) is None
    assert exchange.outcome(START + 0.8).served == second.deployment


def test_while_one_of_two_runs_a_failure_of_the_other_changes_nothing() -> None:
    exchange = late(warmed())
    first = exchange.calls.trying
    second = exchange.hedge(START + 0.5)
    exchange.report(failed(first), START + 0.6)
    assert exchange.state is State.TRYING
    assert exchange.calls.trying is second
    exchange.report(answered(second), START + 0.8)
    assert exchange.outcome(START + 0.8).served == second.deployment


def test_both_failing_is_a_failure_like_any_other() -> None:
    exchange = late(warmed())
    first = exchange.calls.trying
    second = exchange.hedge(START + 0.5)
    exchange.report(failed(second), START + 0.6)
    exchange.report(failed(first), START + 0.6)
    assert exchange.state is State.FAILED_ONCE


def test_second_calls_stay_within_their_share_of_calls() -> None:
    wind = warmed(share=0.05)
    hedged = sum(late(wind).hedge(START + 0.5) is not None for _ in range(1000))
    assert 40 <= hedged <= 0.05 * 1200


def test_a_dearer_second_call_spends_the_budget_of_dollars_sooner() -> None:
    hedging = Hedging()
    for _ in range(100):
        hedging.deposit("auto", 0.05, START)
    assert hedging.try_acquire("auto", 0.05, 5.0, START)
    assert not hedging.try_acquire("auto", 0.05, 0.1, START)


def test_without_fallbacks_or_without_history_nothing_is_late() -> None:
    wind = warmed()
    wish = Preferences(order=(CHEAP,), allow_fallbacks=False)
    exchange = wind.open(request(preferences=wish), START)
    exchange.next_attempt(START)
    assert exchange.hedge_after_s(START) is None
    young = warmed(count=5).open(request(), START)
    young.next_attempt(START)
    assert young.hedge_after_s(START) is None


def test_a_call_that_is_not_under_way_cannot_end() -> None:
    exchange = late(warmed())
    first = exchange.calls.trying
    exchange.report(answered(first), START)
    with pytest.raises(RuntimeError, match="not under way"):
        exchange.drop(answered(first), START)


def test_extra_calls_are_a_share_of_the_window_and_old_traffic_earns_none() -> None:
    budget = RetryBudget(share=0.2, reserve=10, window_s=10)
    for i in range(500):
        budget.deposit(i / 50)
    assert sum(budget.try_acquire(10.0) for _ in range(200)) == pytest.approx(100, abs=10)
    assert sum(budget.try_acquire(100.0) for _ in range(200)) == 10


def test_in_every_window_of_steady_failure_attempts_stay_below_six_fifths() -> None:
    budget = RetryBudget(share=0.2, reserve=10, window_s=10)
    taken = []
    for i in range(5000):
        budget.deposit(i / 50)
        if budget.try_acquire(i / 50):
            taken.append(i / 50)
    for start in range(0, 90, 5):
        extra = sum(start <= at < start + 10 for at in taken)
        assert extra <= 0.2 * 500 + 10
    assert len(taken) <= 0.2 * 5000 + 10


def ends(exchange: Exchange, *attempts: Attempt | None) -> Attempt | None:
    """These calls fail; the one that is made next."""
    for attempt in attempts:
        assert attempt is not None
        exchange.report(failed(attempt), START + 0.6)
    return exchange.next_attempt(START + 0.6)


def test_a_second_call_is_one_of_the_calls_that_a_request_may_make() -> None:
    two, three = (late(warmed(prices=THREE, max_attempts=most)) for most in (2, 3))
    assert ends(two, two.calls.trying, two.hedge(START + 0.5)) is None
    assert two.state is State.EXHAUSTED
    third = ends(three, three.calls.trying, three.hedge(START + 0.5))
    assert third is not None and third.reason is AttemptReason.FALLBACK
    assert ends(three, third) is None


def test_where_one_call_is_all_there_is_none_to_race_it() -> None:
    assert late(warmed(max_attempts=1)).hedge(START + 0.5) is None
    spent = late(warmed(prices=THREE, max_attempts=2))
    fallback = ends(spent, spent.calls.trying)
    assert fallback is not None
    assert spent.hedge(START + 0.7) is None, "one has failed, the other is under way"


def test_every_call_has_a_number_of_its_own_and_a_place_at_its_provider() -> None:
    rules = {name.partition("/")[0]: ConcurrencyRules(max_concurrent=5) for name in THREE}
    wind = warmed(prices=THREE, limits=ConcurrencyLimits(rules), max_attempts=3)
    exchange = late(wind)
    first, second = exchange.calls.trying, exchange.hedge(START + 0.5)
    assert [wind.limits.running(name) for name in sorted(rules)].count(1) == 2
    third = ends(exchange, first, second)
    assert [each.number for each in (first, second, third)] == [0, 1, 2]
    assert len({each.deployment for each in (first, second, third)}) == 3
    assert exchange.calls.made == 3
    exchange.report(answered(third), START + 0.8)
    assert sum(wind.limits.running(name) for name in rules) == 0


def test_the_call_that_lost_its_race_is_paid_and_kept_too() -> None:
    wind = warmed()
    exchange = late(wind)
    first, second = exchange.calls.trying, exchange.hedge(START + 0.5)
    exchange.report(answered(first), START + 0.8)
    kept = wind.cost_usd(exchange.calls.ended[0])
    lost = answered(second, kind=CallKind.CANCELLED)
    exchange.drop(lost, START + 0.8)
    assert exchange.next_attempt(START + 0.8) is None
    outcome = exchange.outcome(START + 0.8)
    assert outcome.cost_usd == kept + wind.cost_usd(lost) > kept
    assert [result.attempt.number for result in outcome.results] == [0, 1]
    assert wind.health.tallies(second.deployment)[1] == 0, "giving a call up is no failure of it"


def test_a_call_is_raced_by_one_other_at_most() -> None:
    exchange = late(warmed(share=0.5, prices=THREE, max_attempts=5))
    assert exchange.hedge(START + 0.5) is not None
    assert exchange.hedge(START + 0.6) is None
