"""Who is to blame: a call that the caller spoilt or gave up says nothing of the deployment."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, MID, START, answered, failed, request, router
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.model.calls import FAILURES, Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.concurrency import ConcurrencyLimits, ConcurrencyRules
from windsock.core.resilience.health import HealthBoard
from windsock.core.routing.router import Router

OF_THE_CALLER = [CallKind.CALLER_ERROR, CallKind.CALLER_TIMED_OUT, CallKind.CANCELLED]
OF_THE_REQUEST = [CallKind.CONTEXT_EXCEEDED, CallKind.CANNOT_SERVE]
OF_THE_ACCOUNT = [
    CallKind.RATE_LIMITED,
    CallKind.AUTH_FAILED,
    CallKind.OUT_OF_CREDIT,
    CallKind.MODEL_GONE,
]
OF_THE_DEPLOYMENT = [
    CallKind.SERVER_ERROR,
    CallKind.OVERLOADED,
    CallKind.TIMED_OUT,
    CallKind.UNREACHABLE,
    CallKind.BAD_ANSWER,
    CallKind.EMPTY_ANSWER,
    CallKind.BROKEN,
]
CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)


def ask(wind: Router, *kinds: CallKind, order: tuple[str, ...] = (CHEAP,)) -> None:
    """One request whose calls end in these ways, in the order of deployments."""
    exchange = wind.open(request(preferences=Preferences(order=order)), START)
    for kind in kinds:
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        exchange.report(failed(attempt, kind), START)
    exchange.outcome(START)


def evidence(wind: Router, name: str = CHEAP) -> float:
    cell = wind.table("default", "auto", "default", START).cell
    return wind.beliefs.summary(cell, name).effective_samples


@pytest.mark.parametrize("kind", OF_THE_CALLER + OF_THE_REQUEST)
def test_what_the_caller_spoilt_is_no_failure_of_who_was_asked(kind: CallKind) -> None:
    wind = router(prices={CHEAP: 1.0})
    for _ in range(50):
        wind.availability.begin(CALL, START)
        wind.record(failed(CALL, kind), START)
    assert wind.health.tallies(CHEAP) == (0, 0)
    for _ in range(50):
        wind.availability.begin(CALL, START)
    assert wind.availability.is_open(CHEAP, START), "nor was a cap learnt"


@pytest.mark.parametrize("kind", OF_THE_DEPLOYMENT)
def test_what_the_deployment_spoilt_is(kind: CallKind) -> None:
    wind = router(prices={CHEAP: 1.0})
    for _ in range(5):
        wind.record(failed(CALL, kind), START)
    assert wind.health.tallies(CHEAP) == (0, 5)
    assert not wind.availability.is_open(CHEAP, START)


@pytest.mark.parametrize("kind", OF_THE_CALLER + OF_THE_REQUEST)
def test_a_caller_between_two_failures_does_not_break_the_row(kind: CallKind) -> None:
    board = HealthBoard()
    for _ in range(5):
        board.record(failed(CALL), START)
        board.record(failed(CALL, kind), START)
    assert board.why_out(CHEAP, "acme", START) is not None


@pytest.mark.parametrize("kind", OF_THE_CALLER + OF_THE_REQUEST)
def test_a_probe_that_its_caller_spoilt_proves_nothing_and_leaves_room_for_another(kind) -> None:
    board = HealthBoard()
    for _ in range(5):
        board.record(failed(CALL), START)
    later = board.cooldown_until(CHEAP) + 1
    board.begin(CHEAP, later)
    assert board.why_out(CHEAP, "acme", later) is not None
    seen = board.version
    assert board.record(failed(CALL, kind), later) == []
    assert board.state_of(CHEAP, "acme", later) == "half_open"
    assert board.why_out(CHEAP, "acme", later) is None
    assert board.version > seen, "whoever keeps the answer must ask again"


@pytest.mark.parametrize("kind", OF_THE_CALLER + OF_THE_REQUEST + OF_THE_ACCOUNT)
def test_belief_learns_nothing_from_what_is_no_fault_of_who_was_asked(kind: CallKind) -> None:
    wind = router(max_attempts=1)
    ask(wind, kind)
    assert evidence(wind) == 0.0
    assert wind.health.tallies(CHEAP) == (0, 0)


def test_whatever_counts_against_health_counts_against_success_and_nothing_else_does() -> None:
    blamed = {kind for kind in CallKind if held_against(kind)}
    assert blamed == {*OF_THE_DEPLOYMENT} == FAILURES


@pytest.mark.parametrize(("kind", "count"), [(CallKind.EMPTY_ANSWER, 1), (CallKind.BROKEN, 0)])
def test_an_answer_of_nothing_counts_also_where_another_one_answered(kind, count) -> None:
    wind = router()
    exchange = wind.open(request(preferences=Preferences(order=(CHEAP, MID))), START)
    first = exchange.next_attempt(START)
    assert first is not None
    exchange.report(failed(first, kind), START)
    second = exchange.next_attempt(START)
    assert second is not None
    exchange.report(answered(second), START)
    exchange.outcome(START)
    assert evidence(wind, CHEAP) == pytest.approx(count * SOURCE_WEIGHTS["transport"])


def held_against(kind: CallKind) -> bool:
    """True if such an end of the only call, at the only deployment, counts; health and belief must
    agree. What others might have answered waits: see `test_lost_requests`."""
    if kind is CallKind.ANSWERED:
        return False
    wind = router(prices={CHEAP: 1.0}, max_attempts=1)
    ask(wind, kind)
    is_failure = wind.health.tallies(CHEAP) == (0, 1)
    assert is_failure is (evidence(wind) > 0.0)
    return is_failure


@pytest.mark.parametrize("kind", OF_THE_DEPLOYMENT)
def test_no_answer_at_all_is_a_little_evidence_against_who_was_asked(kind: CallKind) -> None:
    wind = router(prices={CHEAP: 1.0}, max_attempts=1)
    ask(wind, kind)
    cell = wind.table("default", "auto", "default", START).cell
    belief = wind.beliefs.summary(cell, CHEAP)
    assert belief.effective_samples == pytest.approx(SOURCE_WEIGHTS["transport"])
    assert belief.mean < wind.beliefs.settings.prior_mean


def test_of_one_request_only_the_calls_that_failed_by_themselves_are_held_against_anyone() -> None:
    wind = router()
    ask(wind, CallKind.UNREACHABLE, CallKind.CANCELLED, order=(CHEAP, MID))
    assert evidence(wind, CHEAP) == pytest.approx(SOURCE_WEIGHTS["transport"])
    assert evidence(wind, MID) == 0.0
    assert wind.health.tallies(MID) == (0, 0)


def busy(limits: ConcurrencyLimits, kind: CallKind, seconds: float, now: float) -> float:
    """Eighteen calls at a time that all end alike a second later; when that is."""
    for _ in range(18):
        limits.begin("acme")
    for _ in range(18):
        limits.end("acme", failed(CALL, kind, latency_s=seconds), now + 1.0)
    return now + 1.0


@pytest.mark.parametrize("kind", [*OF_THE_CALLER, CallKind.RATE_LIMITED, CallKind.SERVER_ERROR])
@pytest.mark.parametrize("seconds", [0.001, 30.0])
def test_only_answers_tell_how_many_calls_a_provider_can_take(kind, seconds: float) -> None:
    limits, plain = (
        ConcurrencyLimits({"acme": ConcurrencyRules(is_adaptive=True)}) for _ in range(2)
    )
    now = START
    for _ in range(10):
        busy(limits, kind, seconds, now)
        assert limits.running("acme") == 0, "however a call ends, its place is free again"
        busy(limits, CallKind.ANSWERED, 0.4, now)
        now = busy(plain, CallKind.ANSWERED, 0.4, now)
    assert limits.limit("acme") == plain.limit("acme")


def test_a_cancelled_call_is_not_taken_for_a_quick_answer() -> None:
    wind = router(prices={CHEAP: 1.0})
    wind.record(failed(CALL, CallKind.CANCELLED, latency_s=0.001), START)
    wind.record(answered(CALL), START)
    assert wind.health.tallies(CHEAP) == (1, 0)
    assert wind.health.latency(CHEAP, START).samples == 1
