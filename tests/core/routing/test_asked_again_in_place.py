"""A single error is tried again in place where going elsewhere is dearer."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.routing.router import Router

ONE_OFFS = [CallKind.SERVER_ERROR, CallKind.UNREACHABLE]


def after(
    wind: Router, *kinds: CallKind, order: tuple[str, ...] = (CHEAP, MID), **facts
) -> Attempt:
    """Who is called after a request's calls ended in these ways."""
    exchange = wind.open(request(preferences=Preferences(order=order)), START)
    for kind in kinds:
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        exchange.report(failed(attempt, kind, **facts), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    return attempt


@pytest.mark.parametrize("kind", ONE_OFFS)
def test_it_is_asked_again_after_a_short_pause_where_the_other_is_dearer(kind) -> None:
    again = after(router(), kind)
    assert (again.deployment, again.reason) == (CHEAP, AttemptReason.RETRY)
    assert START < again.not_before <= START + 1.0


@pytest.mark.parametrize("kind", ONE_OFFS)
def test_once(kind) -> None:
    assert after(router(), kind, kind).deployment == MID


@pytest.mark.parametrize("kind", ONE_OFFS)
def test_not_where_the_other_is_as_cheap_or_cheaper(kind) -> None:
    assert after(router(prices={CHEAP: 1.0, MID: 1.0}), kind).deployment == MID
    assert after(router(), kind, order=(FLAGSHIP, MID)).deployment == MID


def test_dearer_is_meant_by_success() -> None:
    """Ten times the success at five times the price is cheaper."""
    wind = router(prices={CHEAP: 1.0, MID: 5.0})
    cell = wind.table("default", "auto", "default", START).cell
    wind.beliefs.observe_sums(cell, CHEAP, 400.0, 20.0, 20.0, now=START)
    wind.beliefs.observe_sums(cell, MID, 400.0, 390.0, 390.0, now=START)
    assert after(wind, CallKind.SERVER_ERROR).deployment == MID


@pytest.mark.parametrize(
    "kind", [CallKind.TIMED_OUT, CallKind.BAD_ANSWER, CallKind.EMPTY_ANSWER, CallKind.BROKEN,
             CallKind.OVERLOADED, CallKind.AUTH_FAILED],
)  # fmt: skip
def test_what_cost_time_or_money_or_lasts_goes_elsewhere(kind) -> None:
    assert after(router(), kind).deployment == MID


def test_nor_is_an_error_that_came_within_an_answer_asked_again() -> None:
    assert after(router(), CallKind.SERVER_ERROR, status=200).deployment == MID


def test_one_of_several_errors_in_a_row_goes_elsewhere() -> None:
    wind = router()
    wind.record(failed(Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)), START)
    assert after(wind, CallKind.SERVER_ERROR).deployment == MID


def test_an_answer_between_makes_errors_single_again() -> None:
    wind = router()
    call = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
    wind.record(failed(call), START)
    wind.record(answered(call), START)
    assert after(wind, CallKind.SERVER_ERROR).deployment == CHEAP


def test_the_last_call_that_is_allowed_is_for_the_other() -> None:
    assert after(router(max_attempts=2), CallKind.SERVER_ERROR).deployment == MID


@pytest.mark.parametrize(("asked_s", "name"), [(0.1, CHEAP), (2.0, MID), (None, MID)])
def test_a_rate_limit_is_waited_out_if_it_says_how_long_and_that_is_short(asked_s, name) -> None:
    assert after(router(), CallKind.RATE_LIMITED, retry_after_s=asked_s).deployment == name


def test_how_short_is_the_routes_to_say() -> None:
    wind = router(patience_s=3.0)
    again = after(wind, CallKind.RATE_LIMITED, retry_after_s=2.0)
    assert again.deployment == CHEAP
    assert again.not_before >= START + 2.0
    assert after(router(patience_s=0.0), CallKind.SERVER_ERROR).deployment == MID


@pytest.mark.parametrize(("models", "name"), [((FLAGSHIP,), MID), ((CHEAP,), CHEAP)])
def test_the_same_holds_where_the_other_is_of_another_model_asked_for(models, name) -> None:
    exchange = router().open(request(model=MID, models=models), START)
    first = exchange.next_attempt(START)
    assert first is not None
    exchange.report(failed(first), START)
    again = exchange.next_attempt(START)
    assert again is not None
    assert again.deployment == name
