"""How many calls may be made: beyond the first, beside a late one, and of one that said 429."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.builders import CHEAP, FLAGSHIP, START, answered, failed, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.decisions import About
from windsock.core.resilience.hedging import Hedging, relative_cost
from windsock.core.resilience.rate_cap import RATE_MEMORY_S, TrafficCap
from windsock.core.resilience.retry_budget import RetryBudget
from windsock.core.resilience.rules import HealthRules

RULES = HealthRules()
CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)


def allowed(budget: RetryBudget, now: float, amount: float = 1) -> int:
    """Extra calls that are still to be had."""
    count = 0
    while count < 1000 and budget.try_acquire(now, amount):
        count += 1
    return count


def test_a_fifth_of_the_requests_of_ten_seconds_or_ten_calls_if_that_is_more() -> None:
    for requests, calls in ((0, 10), (49, 10), (50, 10), (60, 12), (1000, 200)):
        budget = RetryBudget()
        for i in range(requests):
            budget.deposit(0.5 + i / 1000)
        assert allowed(budget, 2.0) == calls


def test_calls_come_back_when_the_window_has_passed() -> None:
    budget = RetryBudget(share=0.0, reserve=3, window_s=10.0)
    assert allowed(budget, 0.5) == 3
    assert allowed(budget, 10.0) == 0
    assert allowed(budget, 12.5) == 3


def test_requests_earn_until_the_window_has_passed() -> None:
    budget = RetryBudget(share=1.0, reserve=0, window_s=10.0)
    assert allowed(budget, 0.25) == 0
    for _ in range(5):
        budget.deposit(0.5)
    assert budget.allows(9.0, 5)
    assert not budget.allows(9.0, 6)
    assert allowed(budget, 12.5) == 0


def test_what_is_asked_is_not_spent_and_what_is_refused_is_not_either() -> None:
    budget = RetryBudget(share=0.0, reserve=2.5)
    for _ in range(10):
        assert budget.allows(1.0, 2.5)
        assert not budget.try_acquire(1.0, 2.6)
    assert budget.try_acquire(1.0, 2.0)
    assert not budget.try_acquire(1.0)
    assert budget.try_acquire(1.0, 0.5)


def deposited(share: float, requests: int, now: float = START) -> Hedging:
    hedging = Hedging()
    for _ in range(requests):
        hedging.deposit("auto", share, now)
    return hedging


def test_second_calls_are_a_share_of_the_last_minute_and_none_without_requests() -> None:
    assert not Hedging().try_acquire("auto", 0.5, 0.1, 0.5)
    hedging = deposited(0.1, 50)
    for _ in range(5):
        assert hedging.try_acquire("auto", 0.1, 0.5, START + 50.0)
    assert not hedging.try_acquire("auto", 0.1, 0.5, START + 50.0)
    assert not deposited(0.1, 50).try_acquire("auto", 0.1, 0.5, START + 62.0)
    assert not deposited(0.1, 50).try_acquire("other", 0.1, 0.5, START), "each route has its own"


def test_a_call_that_is_too_dear_takes_no_place_of_a_cheap_one() -> None:
    hedging = deposited(0.1, 20)
    assert not hedging.try_acquire("auto", 0.1, 2.1, START)
    assert hedging.try_acquire("auto", 0.1, 1.5, START)
    assert not hedging.try_acquire("auto", 0.1, 0.6, START)
    assert hedging.try_acquire("auto", 0.1, 0.5, START)
    assert not hedging.try_acquire("auto", 0.1, 0.0, START), "two calls were all"


def test_a_stream_is_late_by_its_first_content_and_a_plain_answer_by_its_end() -> None:
    hedging = Hedging()
    for _ in range(20):
        for is_stream in (True, False):
            call = answered(CALL, first_byte_s=0.5, latency_s=4.0)
            hedging.observe_call(call, is_stream=is_stream)
    assert hedging.late_after_s(CHEAP, is_stream=True) == pytest.approx(0.6)
    assert hedging.late_after_s(CHEAP, is_stream=False) == pytest.approx(4.8)


def test_a_stream_that_was_given_up_before_its_content_took_at_least_so_long() -> None:
    hedging = Hedging()
    for _ in range(20):
        given_up = failed(CALL, CallKind.CANCELLED, latency_s=3.0)
        hedging.observe_call(given_up, is_stream=True)
        hedging.observe_call(failed(CALL, CallKind.SERVER_ERROR, latency_s=9.0), is_stream=True)
    assert hedging.late_after_s(CHEAP, is_stream=True) == pytest.approx(3.6)


def test_a_batch_of_long_prompts_on_another_route_makes_no_call_late_later() -> None:
    hedging = Hedging()
    for _ in range(20):
        for route, latency_s, calls in (("batch", 30.0, 9), ("chat", 1.0, 1), ("new", 2.0, 0)):
            for _ in range(calls):
                call = answered(CALL, latency_s=latency_s)
                call.about = About(route=route)
                hedging.observe_call(call, is_stream=False)
    late = {each: hedging.late_after_s(CHEAP, is_stream=False, route=each)
            for each in ("batch", "chat", "new")}  # fmt: skip
    assert late == pytest.approx({"batch": 36.0, "chat": 1.2, "new": 36.0})


def test_a_second_call_costs_what_it_is_expected_to_over_the_usual_request() -> None:
    table = router().table("default", "auto", "default", START)
    usual = sum(arm.weight * arm.expected_usd for arm in table.arms)
    (dear,) = [arm for arm in table.arms if arm.deployment == FLAGSHIP]
    assert relative_cost(table, FLAGSHIP) == pytest.approx(dear.expected_usd / usual)
    assert relative_cost(table, "never/heard") == 0.0
    free = replace(table, arms=tuple(replace(arm, expected_usd=0.0) for arm in table.arms))
    assert relative_cost(free, FLAGSHIP) == 1.0


def used(cap: TrafficCap, calls: int, every_s: float = 1.0, since: float = START) -> float:
    """So many calls at an even pace; when the last was."""
    for i in range(calls):
        cap.begin(RULES, since + i * every_s)
    return since + (calls - 1) * every_s


def pace(every_s: float) -> float:
    """Calls a minute that an even pace is estimated as, just after a call."""
    return 60.0 / RATE_MEMORY_S / (1.0 - math.exp(-every_s / RATE_MEMORY_S))


def test_without_a_refusal_there_is_no_cap() -> None:
    cap = TrafficCap()
    used(cap, 1000, 0.01)
    assert cap.per_min(START) == math.inf
    assert cap.full_until == 0.0


@pytest.mark.parametrize("every_s", [0.5, 1.0, 1.5])
def test_a_refusal_caps_at_four_fifths_of_the_pace_at_which_it_came(every_s: float) -> None:
    cap = TrafficCap()
    now = used(cap, 2000, every_s)
    cap.observe_refusal(RULES, now)
    assert cap.per_min(now) == pytest.approx(0.8 * pace(every_s), rel=1e-4)


def test_the_pace_is_that_of_the_moment_and_fades_without_calls() -> None:
    cap = TrafficCap()
    now = used(cap, 2000, 0.5) + RATE_MEMORY_S
    cap.observe_refusal(RULES, now)
    assert cap.per_min(now) == pytest.approx(0.8 * pace(0.5) * math.exp(-1.0), rel=1e-4)


def test_a_refusal_at_a_slow_pace_teaches_nothing() -> None:
    cap = TrafficCap()
    now = used(cap, 400, 3.0)
    assert pace(3.0) < RULES.cap_calls
    cap.observe_refusal(RULES, now)
    assert cap.per_min(now) == math.inf


def test_the_first_call_of_all_is_no_pace_yet() -> None:
    cap = TrafficCap()
    cap.begin(RULES, START)
    cap.observe_refusal(HealthRules(cap_calls=2.0), START)
    assert cap.per_min(START) == pytest.approx(0.8 * 60.0 / RATE_MEMORY_S)


def test_a_cap_grows_by_the_minute_until_at_the_double_it_is_lifted() -> None:
    cap = TrafficCap()
    now = used(cap, 400)
    cap.observe_refusal(RULES, now)
    first = cap.per_min(now)
    assert cap.per_min(now + 60.0) == pytest.approx(1.03 * first)
    assert cap.per_min(now + 600.0) == pytest.approx(1.3 * first)
    assert cap.per_min(now + 1990.0) == pytest.approx(1.995 * first)
    assert cap.per_min(now + 2000.0) == math.inf


def test_a_second_refusal_never_raises_a_cap() -> None:
    cap = TrafficCap()
    now = used(cap, 400)
    cap.observe_refusal(RULES, now)
    grown = cap.per_min(now + 300.0)
    later = used(cap, 2000, 0.1, now + 100.5)
    cap.observe_refusal(RULES, later)
    assert cap.per_min(later) == pytest.approx(grown, rel=0.01)


def test_five_seconds_worth_of_calls_use_a_cap_up_for_five_seconds() -> None:
    cap = TrafficCap()
    now = used(cap, 400)
    cap.observe_refusal(RULES, now)
    worth = cap.per_min(now) * 5.0 / 60.0
    calls = 0
    while not cap.begin(RULES, now):
        calls += 1
        assert cap.full_until == 0.0
    assert calls == math.floor(worth)
    assert cap.full_until == pytest.approx(now + 5.0)


def test_over_time_calls_are_made_as_the_cap_allows_but_for_one_in_each_pause() -> None:
    cap = TrafficCap()
    now = used(cap, 400)
    cap.observe_refusal(RULES, now)
    cap_of_all, made = 10.0 * 1.15 * cap.per_min(now), 0
    for i in range(6000):
        at = now + 0.1 * i
        if at >= cap.full_until:
            cap.begin(RULES, at)
            made += 1
    assert 0.97 * cap_of_all <= made <= cap_of_all + 600.0 / RULES.cap_pause_s
