"""Calls at a time: a ceiling, one found from latency, and what happens when it is reached."""

import math

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult
from windsock.core.model.requests import Preferences
from windsock.core.resilience.concurrency import LEAST_LIMIT, ConcurrencyLimits, ConcurrencyRules

PLACES = 16


def answer(seconds: float) -> CallResult:
    attempt = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=CallKind.ANSWERED, latency_s=seconds)


def serve(
    loads: ConcurrencyLimits, rounds: int, *, wanted: int, base_s: float = 0.1, now: float = 0.0
) -> float:
    """A server with 16 places that queues: as many calls as allowed, a round at a time."""
    for _ in range(rounds):
        calls = min(wanted, int(loads.limit("acme")))
        for _ in range(calls):
            loads.begin("acme")
        seconds = base_s * max(1.0, calls / PLACES)
        now += max(seconds, 0.3)
        for _ in range(calls):
            loads.end("acme", answer(seconds), now)
    return now


def test_without_rules_nothing_is_ever_full() -> None:
    loads = ConcurrencyLimits()
    loads.begin("acme")
    assert not loads.is_full("acme")
    assert loads.capacity(["acme"]) == math.inf


def test_a_full_provider_is_passed_by_for_the_next_draw() -> None:
    wind = router(limits=ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=1)}))
    wish = Preferences(order=(CHEAP, MID, FLAGSHIP))
    first = wind.open(request(preferences=wish), START)
    taken = first.next_attempt(START)
    second = wind.open(request(preferences=wish), START)
    assert second.next_attempt(START).deployment == MID
    first.report(answered(taken), START)
    third = wind.open(request(preferences=wish), START)
    assert third.next_attempt(START).deployment == CHEAP


def test_when_all_are_full_nobody_is_asked() -> None:
    wind = router(
        prices={CHEAP: 1.0}, limits=ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=1)})
    )
    wind.open(request(), START).next_attempt(START)
    exchange = wind.open(request(), START)
    assert exchange.next_attempt(START) is None
    assert exchange.is_full
    assert not exchange.outcome(START).ok
    assert wind.availability.capacity() == 1


def test_the_limit_settles_a_little_above_what_the_provider_serves_at_once() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True)})
    now = serve(loads, 5, wanted=5)
    serve(loads, 60, wanted=200, now=now)
    assert PLACES <= loads.limit("acme") <= 2.2 * PLACES


def test_lasting_overload_does_not_make_the_limit_drift_up() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True)})
    now = serve(loads, 5, wanted=5)
    serve(loads, 3000, wanted=200, now=now)
    assert loads.limit("acme") <= 2.2 * PLACES


def test_a_provider_that_grows_slow_with_little_to_do_keeps_its_limit() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True)})
    now = serve(loads, 20, wanted=10)
    before = loads.limit("acme")
    serve(loads, 50, wanted=8, base_s=1.0, now=now)
    assert loads.limit("acme") >= before


def test_one_that_is_slow_even_at_the_least_limit_recovers() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True)})
    now = serve(loads, 5, wanted=16)
    now = serve(loads, 40, wanted=200, base_s=2.0, now=now)
    assert loads.limit("acme") > LEAST_LIMIT
    assert loads.limit("acme") == pytest.approx(PLACES, rel=1.2)


def test_the_ceiling_holds_whatever_latency_says() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True, max_concurrent=8)})
    serve(loads, 50, wanted=200)
    assert loads.limit("acme") <= 8


def test_other_rules_keep_what_is_under_way() -> None:
    loads = ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=2)})
    loads.begin("acme")
    loads.adopt(
        {"acme": ConcurrencyRules(max_concurrent=1), "bolt": ConcurrencyRules(max_concurrent=1)}
    )
    assert loads.is_full("acme")
    loads.end("acme", answer(0.1), 0.0)
    loads.end("bolt", answer(0.1), 0.0)
    assert (loads.running("acme"), loads.running("bolt")) == (0, 0)
    loads.adopt({})
    assert not loads.is_full("acme")


def test_a_deployment_that_leaves_the_catalog_while_it_is_called_still_ends() -> None:
    wind = router(limits=ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=1)}))
    exchange = wind.open(request(preferences=Preferences(order=(CHEAP,))), START)
    attempt = exchange.next_attempt(START)
    wind.adopt([wind.catalog.deployments[MID]], wind.routes)
    exchange.report(answered(attempt), START)
    assert wind.limits.running("acme") == 0
