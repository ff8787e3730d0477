"""How long to wait before asking again, and when waiting is no use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.hedging import relative_cost
from windsock.core.routing.routes import Cascade
from windsock.core.routing.timing import backoff_s

CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)


@pytest.mark.parametrize(("tries", "most_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (9, 4.0)])
def test_waits_are_spread_from_nothing_to_a_ceiling_that_doubles(tries, most_s: float) -> None:
    waits = [backoff_s(7, number, tries, None) for number in range(400)]
    assert 0.0 <= min(waits) < 0.05 * most_s
    assert 0.95 * most_s < max(waits) < most_s
    assert sum(waits) / 400 == pytest.approx(most_s / 2, rel=0.1)
    asked_for = [backoff_s(7, number, tries, 3.0) for number in range(400)]
    assert asked_for == pytest.approx([wait + 3.0 for wait in waits])


def again(retry_after_s: float | None, deadline_s: float | None = None) -> Attempt | None:
    """The second call at a lone deployment whose first answer was a 503."""
    exchange = router(prices={CHEAP: 1.0}).open(request(deadline_s=deadline_s), START)
    first = exchange.next_attempt(START)
    assert first is not None
    exchange.report(failed(first, retry_after_s=retry_after_s), START)
    return exchange.next_attempt(START)


def test_a_provider_is_not_asked_again_before_the_time_it_names() -> None:
    second = again(2.0, deadline_s=60.0)
    assert second is not None
    assert START + 2.0 <= second.not_before <= START + 2.5


def test_what_is_waited_is_taken_from_what_the_caller_gives() -> None:
    second = again(2.0, deadline_s=10.0)
    assert second is not None
    assert second.timeout_s == pytest.approx(START + 10.0 - second.not_before)


def test_a_call_is_put_off_within_the_callers_deadline_alone() -> None:
    exchange = router(prices={CHEAP: 1.0}).open(request(deadline_s=10.0), START)
    exchange.report(failed(exchange.next_attempt(START), retry_after_s=1.0), START)
    second = exchange.next_attempt(START)
    assert second is not None
    exchange.calls.postpone(second, START + 4.0)
    assert (second.not_before, second.started_at, second.timeout_s) == (START + 4, START + 4, 6.0)
    exchange.calls.postpone(second, START + 10.0)
    assert second.not_before == START + 4.0


def test_a_wait_that_is_too_long_or_outlasts_the_caller_is_not_begun() -> None:
    assert again(30.0) is None
    assert again(3.0, deadline_s=2.9) is None
    assert again(30.0, deadline_s=60.0) is None


def test_with_a_deadline_another_is_asked_while_there_is_time() -> None:
    exchange = router().open(request(deadline_s=10.0), START)
    exchange.report(failed(exchange.next_attempt(START)), START + 4.0)
    second = exchange.next_attempt(START + 4.0)
    assert second is not None and second.timeout_s == 6.0


@pytest.mark.parametrize(("gone_s", "is_asked"), [(4.0, True), (10.0, False)])
def test_a_doubted_answer_is_asked_again_only_while_there_is_time(gone_s, is_asked) -> None:
    cascade = Cascade(escalate_below=0.85, to=(FLAGSHIP,))
    wish = Preferences(order=(CHEAP,))
    exchange = router(cascade=cascade).open(request(preferences=wish, deadline_s=10.0), START)
    exchange.report(answered(exchange.next_attempt(START), confidence=0.1), START + gone_s)
    assert (exchange.next_attempt(START + gone_s) is not None) is is_asked
    assert is_asked or exchange.outcome(START + gone_s).served == CHEAP


def test_when_the_first_of_several_comes_back() -> None:
    wind = router()
    assert wind.availability.retry_after_s((), START) is None
    limited = {CHEAP: 30.0, MID: 12.0}
    for name, seconds in limited.items():
        call = replace(CALL, deployment=name)
        wind.record(failed(call, CallKind.RATE_LIMITED, retry_after_s=seconds), START)
    assert wind.availability.retry_after_s((CHEAP, MID), START + 2.0) == pytest.approx(10.0)
    assert wind.availability.retry_after_s((CHEAP,), START + 2.0) == pytest.approx(28.0)
    assert wind.availability.retry_after_s((CHEAP, MID), START + 12.0) is None, "one is back"
    assert wind.availability.retry_after_s((CHEAP, FLAGSHIP), START) is None, "one never left"


def test_how_dear_a_second_call_is_beside_the_usual_one() -> None:
    table = router().table("default", "auto", "default", START)
    usd = {arm.deployment: arm.expected_usd for arm in table.arms}
    usual = sum(arm.weight * arm.expected_usd for arm in table.arms)
    for name in table.deployments:
        assert relative_cost(table, name) == pytest.approx(usd[name] / usual)
    assert relative_cost(table, "never/heard") == 0.0
    free = replace(table, arms=tuple(replace(arm, expected_usd=0.0) for arm in table.arms))
    assert relative_cost(free, CHEAP) == 1.0


def test_an_outcome_tells_what_was_used_when_it_ended_and_what_the_calls_changed() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.0})
    exchange = wind.open(request(), START)
    first = exchange.next_attempt(START)
    exchange.report(failed(first, CallKind.RATE_LIMITED, retry_after_s=9.0), START)
    second = exchange.next_attempt(START)
    result = answered(second, is_usage_estimated=True)
    exchange.report(result, START + 1.0)
    assert exchange.next_attempt(START + 1.0) is None
    outcome = exchange.outcome(START + 2.0)
    assert (outcome.usage, outcome.is_usage_estimated) == (result.usage, True)
    assert (outcome.finished_at, outcome.is_cached, outcome.ok) == (START + 2.0, False, True)
    (began,) = exchange.calls.shifts
    assert (began.kind, began.deployment) == ("cooldown.began", first.deployment)


def test_an_outcome_without_an_answer_used_nothing() -> None:
    exchange = router(prices={CHEAP: 1.0}, max_attempts=1).open(request(), START)
    exchange.report(failed(exchange.next_attempt(START)), START)
    assert exchange.next_attempt(START) is None
    outcome = exchange.outcome(START)
    assert (outcome.usage, outcome.is_usage_estimated, outcome.served) == (None, False, None)


def test_an_answer_from_the_cache_teaches_nothing() -> None:
    wind = router()
    exchange = wind.open(request(), START)
    before = wind.to_state()
    assert exchange.outcome(START, is_cached=True).is_cached
    assert wind.to_state() == before
