"""Fallbacks of a route are asked in their order, after its own candidates and only then."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, failed, request, router, run
from windsock.core.model.calls import CallKind
from windsock.core.routing.caps.cap import Cap
from windsock.core.routing.router import Router
from windsock.errors import NoCandidate


def routed(**fallbacks: tuple[str, ...]) -> Router:
    """Routes `cheap` and `mid` over one deployment each, and `auto` over all, with fallbacks."""
    made = router()
    auto = made.routes["auto"]
    for name, candidates in (("cheap", (CHEAP,)), ("mid", (MID,))):
        made.routes[name] = dataclasses.replace(  # type: ignore[index]
            auto, name=name, candidates=candidates, fallbacks=fallbacks.get(name, ())
        )
    return made


def take_out(made: Router, deployment: str) -> None:
    """Its key is refused: it is left alone."""
    exchange = made.open(request(model=deployment), START)
    attempt = exchange.next_attempt(START)
    exchange.report(failed(attempt, CallKind.AUTH_FAILED), START)
    exchange.outcome(START)


def test_a_fallback_is_asked_after_the_candidates_and_a_route_stands_for_its_own() -> None:
    made = routed(cheap=("mid", FLAGSHIP))
    down = [CallKind.BAD_ANSWER, CallKind.BAD_ANSWER]
    assert run(made.open(request(model="cheap"), START), START, *down) == [CHEAP, MID, FLAGSHIP]
    assert run(made.open(request(model="cheap"), START), START) == [CHEAP]


def test_without_fallbacks_another_routes_candidates_are_never_asked() -> None:
    made = routed()
    down = [CallKind.AUTH_FAILED] * 3
    assert run(made.open(request(model="cheap"), START), START, *down) == [CHEAP]


def test_the_callers_own_order_is_stronger() -> None:
    made = routed(cheap=("mid",))
    asked = request(model="cheap", models=(FLAGSHIP,))
    assert run(made.open(asked, START), START, CallKind.BAD_ANSWER) == [CHEAP, FLAGSHIP]


def test_where_no_candidate_can_serve_the_first_fallback_that_can_is_asked() -> None:
    made = routed(cheap=("nobody-knows-this", "mid"), mid=("cheap",))
    take_out(made, CHEAP)
    assert run(made.open(request(model="cheap"), START), START) == [MID]


def test_fallbacks_of_two_routes_to_each_other_end() -> None:
    made = routed(cheap=("mid",), mid=("cheap",))
    take_out(made, CHEAP)
    take_out(made, MID)
    with pytest.raises(NoCandidate):
        made.open(request(model="cheap"), START)


def test_a_fallback_that_cannot_serve_the_request_is_passed_over() -> None:
    from tests.builders import deployment

    made = router(deployments=(deployment(MID, tools=False), deployment(CHEAP, tools=True)))
    auto = made.routes["auto"]
    made.routes["cheap"] = dataclasses.replace(  # type: ignore[index]
        auto, name="cheap", candidates=(CHEAP,), fallbacks=(MID, FLAGSHIP)
    )
    asked = request(model="cheap", needs=frozenset({"tools"}))
    assert run(made.open(asked, START), START, CallKind.BAD_ANSWER) == [CHEAP, FLAGSHIP]


def test_who_stands_in_from_the_first_goes_on_to_those_after_it() -> None:
    made = routed(cheap=("mid", FLAGSHIP))
    take_out(made, CHEAP)
    asked = made.open(request(model="cheap"), START)
    assert run(asked, START, CallKind.BAD_ANSWER) == [MID, FLAGSHIP]


def alone(**limits: Any) -> Router:
    """A route over one deployment, with another, which no route has, as its fallback."""
    made = router()
    route = dataclasses.replace(
        made.routes["auto"], name="cheap", candidates=(CHEAP,), fallbacks=(MID,), **limits
    )
    made.routes.clear()  # type: ignore[attr-defined]
    made.routes["cheap"] = route  # type: ignore[index]
    return made


@pytest.mark.parametrize("name", ["cheap", MID])
def test_a_fallback_has_the_limits_of_the_route_that_names_it(name: str) -> None:
    made = alone(first_byte_s=2.0, max_attempts=1)
    take_out(made, CHEAP)
    exchange = made.open(request(model=name), START)
    attempt = exchange.next_attempt(START)
    assert (attempt.deployment, attempt.timeout_s) == (MID, 2.0)
    exchange.report(failed(attempt, CallKind.TIMED_OUT), START)
    assert exchange.next_attempt(START) is None


@pytest.mark.parametrize("name", ["cheap", MID])
def test_a_fallback_that_no_route_has_is_paid_by_the_route_that_names_it(name: str) -> None:
    made = alone()
    made.caps.adopt((Cap(name="c", usd=Decimal(1), routes=("cheap",)),))
    take_out(made, CHEAP)
    assert run(made.open(request(model=name), START), START) == [MID]
    (account,) = made.caps.all_accounts(START)
    assert account.spent_usd > 0
