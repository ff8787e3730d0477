"""A prompt that did not fit is only sent where more fits."""

from __future__ import annotations

import pytest

from tests.builders import START, answered, deployment, failed, request, router
from windsock.core.model.calls import AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.router import Router

SMALL, TWIN, LARGE, UNTOLD = "a/small", "b/twin", "c/large", "d/untold"
TOKENS = {SMALL: 8_000, TWIN: 8_000, LARGE: 32_000, UNTOLD: None}


def wind(*names: str) -> Router:
    known = tuple(deployment(name, context_tokens=TOKENS[name]) for name in names)
    return router(prices=dict.fromkeys(names, 1.0), deployments=known)


def asked_first(name: str, *others: str, number: int = 0) -> Exchange:
    """A request whose first call went to `name`; the numbers before it were other requests."""
    made = wind(name, *others)
    for _ in range(1000):
        exchange = made.open(request(), START)
        if exchange.decision.deployment == name:
            number -= 1
            if number < 0:
                return exchange
    raise AssertionError(f"{name} is never drawn")


def after(exchange: Exchange, *kinds: CallKind) -> list[str]:
    """Who is asked in turn, if the first calls end so and the next one answers."""
    called, ends = [], list(kinds)
    while (attempt := exchange.next_attempt(START)) is not None:
        called.append(attempt.deployment)
        kind = ends.pop(0) if ends else CallKind.ANSWERED
        is_fine = kind is CallKind.ANSWERED
        exchange.report(answered(attempt) if is_fine else failed(attempt, kind), START)
    return called


@pytest.mark.parametrize("number", range(8))
def test_a_window_just_as_large_is_not_asked_but_a_larger_one(number: int) -> None:
    exchange = asked_first(SMALL, TWIN, LARGE, number=number)
    assert after(exchange, CallKind.CONTEXT_EXCEEDED) == [SMALL, LARGE]


def test_where_none_is_larger_nobody_else_is_asked() -> None:
    assert after(asked_first(SMALL, TWIN), CallKind.CONTEXT_EXCEEDED) == [SMALL]
    assert after(asked_first(LARGE, SMALL, TWIN), CallKind.CONTEXT_EXCEEDED) == [LARGE]


def test_a_window_that_is_not_known_may_be_larger() -> None:
    assert after(asked_first(LARGE, UNTOLD), CallKind.CONTEXT_EXCEEDED) == [LARGE, UNTOLD]
    assert after(asked_first(UNTOLD, SMALL), CallKind.CONTEXT_EXCEEDED) == [UNTOLD, SMALL]


@pytest.mark.parametrize("kind", [CallKind.SERVER_ERROR, CallKind.CANNOT_SERVE])
def test_after_any_other_failure_size_does_not_matter(kind: CallKind) -> None:
    exchange = asked_first(SMALL, TWIN)
    assert after(exchange, kind) == [SMALL, TWIN]
    assert exchange.calls.ended[1].attempt.reason is AttemptReason.FALLBACK


@pytest.mark.parametrize("kind", [CallKind.SERVER_ERROR, CallKind.BAD_ANSWER])
def test_a_prompt_that_did_not_fit_is_remembered_over_another_failure(kind: CallKind) -> None:
    called = after(asked_first(SMALL, TWIN, LARGE), CallKind.CONTEXT_EXCEEDED, kind)
    assert TWIN not in called


def test_the_callers_order_skips_windows_that_are_no_larger() -> None:
    wishes = Preferences(order=(SMALL, TWIN, LARGE))
    exchange = wind(SMALL, TWIN, LARGE).open(request(preferences=wishes), START)
    assert after(exchange, CallKind.CONTEXT_EXCEEDED) == [SMALL, LARGE]
