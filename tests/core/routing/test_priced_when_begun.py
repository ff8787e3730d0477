"""A call costs what its price was when it began, however long it takes and whatever comes after."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, MID, START, answered, deployment, failed, quote, request, router
from windsock.core.model.calls import AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.model.ticks import Window
from windsock.core.model.units import Usage
from windsock.core.routing.router import Router

USED = Usage(input_tokens=500, output_tokens=200)
AT_ONE = Decimal("0.0013")
"""Dollars of USED where a million tokens cost 1 in and 4 out."""


def lone() -> Router:
    """A router with one deployment, at 1 $/M."""
    return router(prices={CHEAP: 1.0})


def reprice(wind: Router, usd: float, at: float, name: str = CHEAP) -> None:
    (shift,) = wind.absorb(quote(name, usd=usd, seen_at=at), at)
    assert shift.kind == "price.shifted"


def test_a_price_that_rises_during_a_call_is_not_charged_for_it() -> None:
    wind = lone()
    exchange = wind.open(request(), START)
    attempt = exchange.next_attempt(START)
    reprice(wind, 2.0, START + 5)
    exchange.report(answered(attempt, latency_s=10.0), START + 10)
    assert exchange.next_attempt(START + 10) is None
    assert exchange.outcome(START + 10).cost_usd == AT_ONE


def test_each_attempt_has_the_price_of_its_own_beginning() -> None:
    """Two calls, of 1 $/M and of 2 $/M; when the request ends the price is 4."""
    wind = lone()
    exchange = wind.open(request(), START)
    exchange.report(failed(exchange.next_attempt(START), usage=USED), START + 1)
    reprice(wind, 2.0, START + 2)
    second = exchange.next_attempt(START + 3)
    assert second.reason is AttemptReason.RETRY
    reprice(wind, 4.0, START + 20)
    exchange.report(answered(second), START + 30)
    assert exchange.next_attempt(START + 30) is None
    assert exchange.outcome(START + 30).cost_usd == 3 * AT_ONE


def test_a_call_that_has_to_wait_begins_when_its_wait_is_over() -> None:
    wind = lone()
    exchange = wind.open(request(), START)
    limited = failed(exchange.next_attempt(START), CallKind.RATE_LIMITED, retry_after_s=2.0)
    exchange.report(limited, START)
    second = exchange.next_attempt(START)
    assert second.not_before >= START + 2
    reprice(wind, 2.0, START + 1)
    reprice(wind, 4.0, second.not_before + 1)
    exchange.report(answered(second), second.not_before + 2)
    assert exchange.outcome(second.not_before + 2).cost_usd == 2 * AT_ONE


def test_a_late_call_and_its_twin_began_at_different_prices() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.0}, hedge_share=0.05)
    for name in [CHEAP, MID] * 100:
        earlier = wind.open(request(preferences=Preferences(order=(name,))), START)
        call = earlier.next_attempt(START)
        earlier.hedge_after_s(START)
        earlier.report(answered(call), START)
    exchange = wind.open(request(), START)
    first = exchange.next_attempt(START)
    assert exchange.hedge_after_s(START) is not None
    for name in (CHEAP, MID):
        reprice(wind, 2.0, START + 0.3, name)
    second = exchange.hedge(START + 0.5)
    for name in (CHEAP, MID):
        reprice(wind, 4.0, START + 0.6, name)
    exchange.report(answered(second), START + 0.8)
    exchange.drop(failed(first, CallKind.CANCELLED, usage=USED), START + 0.8)
    assert exchange.next_attempt(START + 0.8) is None
    assert exchange.outcome(START + 0.8).cost_usd == 3 * AT_ONE


@pytest.mark.parametrize("begins_in_the_window", [False, True])
def test_a_window_that_opens_or_closes_during_a_call_changes_nothing(begins_in_the_window) -> None:
    """START is 14:13:20 UTC; prices are tenfold between 14:14 and 14:15."""
    opens = START + 40
    prices = {meter: 10 * usd for meter, usd in quote().usd_per_mtok.items()}
    peak = Window(start_minute=854, end_minute=855, usd_per_mtok=prices)
    wind = lone()
    wind.absorb(replace(quote(usd=1.0, seen_at=START + 1), windows=(peak,)), START + 1)
    begin = opens + 50 if begins_in_the_window else opens - 10
    exchange = wind.open(request(), begin)
    exchange.report(answered(exchange.next_attempt(begin)), begin + 20)
    charged = 10 if begins_in_the_window else 1
    assert exchange.outcome(begin + 20).cost_usd == charged * AT_ONE


def test_a_price_that_ends_during_a_call_still_bills_it() -> None:
    wind = router(prices={}, deployments=(deployment(MID),))
    wind.absorb(quote(MID, usd=2.0, seen_at=START + 1, valid_until=START + 10), START + 1)
    exchange = wind.open(request(), START + 2)
    exchange.report(answered(exchange.next_attempt(START + 2)), START + 20)
    assert exchange.outcome(START + 20).cost_usd == 2 * AT_ONE


def test_bills_of_calls_that_began_before_a_price_moved_are_no_sign_of_a_secret_price() -> None:
    """Eight calls are under way when the price doubles; their bills fit the price they began at."""
    wind = lone()
    for _ in range(60):
        exchange = wind.open(request(), START)
        paid = answered(exchange.next_attempt(START), billed_usd=AT_ONE)
        exchange.report(paid, START)
        exchange.outcome(START)
    under_way = [wind.open(request(), START + 1) for _ in range(8)]
    attempts = [exchange.next_attempt(START + 1) for exchange in under_way]
    reprice(wind, 2.0, START + 2)
    for exchange, attempt in zip(under_way, attempts, strict=True):
        exchange.report(answered(attempt, billed_usd=AT_ONE), START + 3)
    told = [shift.kind for exchange in under_way for shift in exchange.calls.shifts]
    assert "bill.drifted" not in told
