"""A late call and its twin, by the calls themselves."""

import asyncio

import pytest

from tests.builders import CHEAP, MID, START, answered, failed, request, router
from windsock.clock import ManualClock
from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.model.requests import Preferences
from windsock.core.routing.exchange import Exchange
from windsock.service.execution.hedged_calls import OUTRUN, run_call


def hedged() -> Exchange:
    """An exchange whose first call is late after a few milliseconds."""
    prices = {CHEAP: 1.0, MID: 1.0}
    wind = router(prices=prices, hedge_share=0.05)
    for _ in range(100):
        for name in prices:
            exchange = wind.open(request(preferences=Preferences(order=(name,))), START)
            first = exchange.next_attempt(START)
            exchange.hedge_after_s(START)
            exchange.report(answered(first, latency_s=0.01), START)
    return wind.open(request(), START)


@pytest.mark.parametrize(
    ("end", "kind"),
    [(answered, CallKind.CANCELLED), (failed, CallKind.SERVER_ERROR)],
)
async def test_a_loser_that_ended_in_the_same_moment_is_recorded_as_it_ended(end, kind) -> None:
    exchange = hedged()
    first = exchange.next_attempt(START)
    is_over = asyncio.Event()

    async def make(attempt: Attempt) -> CallResult:
        if attempt is first:
            await is_over.wait()
            return end(attempt)
        is_over.set()
        return answered(attempt)

    late_after_s = exchange.hedge_after_s(START)
    await run_call(exchange, first, make, late_after_s, ManualClock(START))
    assert {result.kind for result in exchange.calls.ended} == {CallKind.ANSWERED, kind}
    assert not any(result.is_usage_estimated for result in exchange.calls.ended)
    assert [each.note for each in exchange.calls.ended if each.kind is CallKind.CANCELLED] == [
        OUTRUN for _ in range(kind is CallKind.CANCELLED)
    ]
