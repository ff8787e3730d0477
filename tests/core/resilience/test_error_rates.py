"""A rise of errors is told, whoever is to blame for each of them."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.errors.rates import ErrorRates

CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
NOT_OF_HEALTH = [
    CallKind.CALLER_ERROR,
    CallKind.CANNOT_SERVE,
    CallKind.CONTENT_REFUSED,
    CallKind.CONTEXT_EXCEEDED,
    CallKind.REFUSED,
]


@pytest.mark.parametrize("kind", [*NOT_OF_HEALTH, CallKind.SERVER_ERROR, CallKind.OUT_OF_CREDIT])
def test_a_rise_of_any_kind_is_told_once_and_so_is_its_end(kind: CallKind) -> None:
    rates = ErrorRates()
    events = [each for _ in range(500) for each in rates.count(failed(CALL, kind), START)]
    assert [event.kind for event in events] == ["errors.rose"]
    assert events[0].facts == {"error": kind.value, "share": 1.0, "calls": 20}
    (rise,) = rates.rises()
    assert (rise.deployment, rise.kind, rise.share) == (CHEAP, kind, 1.0)
    assert str(rise).startswith("100% of the last 50 calls got no answer, mostly as ")
    events = [each for _ in range(50) for each in rates.count(answered(CALL), START)]
    assert [event.kind for event in events] == ["errors.fell"]
    assert rates.rises() == []


def test_a_few_errors_are_no_rise() -> None:
    rates = ErrorRates()
    for i in range(500):
        kind = CallKind.CALLER_ERROR if i % 3 == 0 else CallKind.ANSWERED
        result = answered(CALL) if kind is CallKind.ANSWERED else failed(CALL, kind)
        assert rates.count(result, START) == []


@pytest.mark.parametrize("kind", [CallKind.CANCELLED, CallKind.CALLER_TIMED_OUT])
def test_callers_who_leave_are_no_errors(kind: CallKind) -> None:
    rates = ErrorRates()
    for _ in range(500):
        assert rates.count(failed(CALL, kind), START) == []


def test_errors_of_yesterday_are_forgotten() -> None:
    rates = ErrorRates()
    for _ in range(19):
        rates.count(failed(CALL, CallKind.CALLER_ERROR), START)
    assert rates.count(failed(CALL, CallKind.CALLER_ERROR), START + 86400.0) == []


def ask(wind, *kinds: CallKind | None) -> list[str]:
    """One request in the order CHEAP, MID whose calls end so, None: answered; who was asked."""
    exchange = wind.open(request(preferences=Preferences(order=(CHEAP, MID))), START)
    asked = []
    for kind in kinds:
        attempt = exchange.next_attempt(START)
        if attempt is None:
            break
        asked.append(attempt.deployment)
        exchange.report(answered(attempt) if kind is None else failed(attempt, kind), START)
    exchange.outcome(START)
    return asked


def test_what_nothing_explains_is_asked_elsewhere_once_and_then_is_the_callers() -> None:
    wind = router()
    assert ask(wind, *[CallKind.REFUSED] * 3) == [CHEAP, MID]
    for _ in range(20):
        ask(wind, *[CallKind.REFUSED] * 3)
    assert wind.availability.is_open(CHEAP, START)
    assert wind.health.tallies(CHEAP) == (0, 0)


def test_what_another_one_answers_was_the_fault_of_who_refused() -> None:
    wind = router()
    for _ in range(5):
        assert ask(wind, CallKind.REFUSED, None) == [CHEAP, MID]
    assert not wind.availability.is_open(CHEAP, START)
    assert wind.health.tallies(CHEAP) == (0, 5)


def test_a_callers_mistake_is_not_asked_elsewhere_unless_nearly_all_are_said_to_make_it() -> None:
    wind = router()
    for _ in range(19):
        assert ask(wind, CallKind.CALLER_ERROR, None) == [CHEAP]
    for _ in range(5):
        assert ask(wind, CallKind.CALLER_ERROR, None) == [CHEAP, MID]
    assert not wind.availability.is_open(CHEAP, START), "another one answers the same"


def test_of_a_content_filter_another_one_is_asked_only_where_the_route_says_so() -> None:
    assert ask(router(), CallKind.CONTENT_REFUSED, None) == [CHEAP]
    elsewhere = router(takes_content_elsewhere=True)
    assert ask(elsewhere, CallKind.CONTENT_REFUSED, None) == [CHEAP, MID]
    assert elsewhere.health.tallies(CHEAP) == (0, 0)
