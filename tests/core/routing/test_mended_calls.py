"""A call that was refused for a field is made again at the same place, and costs no other call."""

from typing import Any

from tests.builders import CHEAP, START, answered, failed, request, router
from windsock.core.model.calls import AttemptReason, CallKind, CallResult, Out, Then, Verdict
from windsock.core.model.requests import Unsupported
from windsock.core.routing.dispatch import MAX_MENDS
from windsock.core.routing.exchange import Exchange

MENDED = Verdict(kind=CallKind.CANNOT_SERVE, then=Then.MENDED, out=Out.REQUEST, field="seed")
SEED = (Unsupported(field="seed"),)


def refused(attempt: Any) -> CallResult:
    return failed(attempt, CallKind.CANNOT_SERVE, refusal=MENDED, unsupported=SEED)


def drive(exchange: Exchange, *refusals: int) -> list[tuple[str, str]]:
    """(deployment, reason) of each call; those at these positions are refused for a field."""
    called = []
    while (attempt := exchange.next_attempt(START)) is not None:
        result = refused(attempt) if len(called) in refusals else answered(attempt)
        called.append((attempt.deployment, attempt.reason.value))
        exchange.report(result, START)
    return called


def test_the_same_deployment_is_asked_even_where_only_one_call_is_allowed() -> None:
    wind = router(max_attempts=1)
    exchange = wind.open(request(), START)
    (first, _), (second, reason) = drive(exchange, 0)
    assert first == second
    assert reason == "mended"
    assert exchange.outcome(START).ok


def test_other_calls_are_still_allowed_after_it() -> None:
    exchange = router(max_attempts=2).open(request(), START)
    exchange.report(refused(exchange.next_attempt(START)), START)
    exchange.report(failed(exchange.next_attempt(START)), START)
    other = exchange.next_attempt(START)
    assert other is not None
    assert other.reason is AttemptReason.FALLBACK


def test_a_place_that_finds_one_fault_after_another_is_left() -> None:
    exchange = router(max_attempts=2).open(request(), START)
    called = drive(exchange, *range(MAX_MENDS + 1))
    assert len({deployment for deployment, _ in called}) == 2
    assert [reason for _, reason in called].count("mended") == MAX_MENDS
    assert called[-1][1] == "fallback"


def test_it_is_no_failure_of_the_deployment() -> None:
    wind = router(prices={CHEAP: 1.0})
    for _ in range(50):
        drive(wind.open(request(), START), 0)
    assert wind.health.why_out(CHEAP, "acme", START) is None
    assert wind.health.tallies(CHEAP) == (50, 0)


def test_what_it_teaches_is_told_once() -> None:
    wind = router()
    exchange = wind.open(request(), START)
    drive(exchange, 0)
    told = [event for event in exchange.calls.shifts if event.kind == "parameter.refused"]
    assert [event.facts["field"] for event in told] == ["seed"]
    again = wind.open(request(), START)
    drive(again, 0)
    name = exchange.decision.deployment
    if again.decision.deployment == name:
        assert not [event for event in again.shifts if event.kind == "parameter.refused"]
    assert wind.catalog.unsupported.of(name, START) == SEED
