"""A first answer and a second one beside it: both are waited for, and compared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from windsock.clock import Clock
from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.routing.exchange import Exchange
from windsock.service.execution.hedged_calls import MakeCall
from windsock.service.execution.plain_execution import Answers

Compare = Callable[[Attempt, Attempt], Awaitable[bool | None]]
"""Whether the answers of two calls say the same; None: they cannot be compared."""

PATIENCE_S = 1.0
"""For a comparison, which takes 20 ms at most once a thread has time for it; then it says nothing,
as if the answers could not be compared."""


async def run_pair(
    exchange: Exchange,
    attempt: Attempt,
    second: Attempt,
    make: MakeCall,
    compare: Compare,
    clock: Clock,
) -> None:
    """Make both calls side by side and report them; where the first fails the second answers.

    If the client leaves, both are ended and stay under way in the exchange.
    """
    calls = [asyncio.ensure_future(make(each)) for each in (attempt, second)]
    try:
        first, other = await asyncio.gather(*calls)
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    if first.kind is CallKind.ANSWERED and other.kind is CallKind.ANSWERED:
        other = replace(other, agrees=await compare(first.attempt, other.attempt))
    _report(exchange, first, other, clock.now())


def comparison(exchange: Exchange, answers: Answers) -> Compare:
    """Of two answers of this exchange, as its route's cascade compares them; queries run in a
    thread."""
    cascade = exchange.route.cascade
    assert cascade is not None and cascade.agreement is not None
    canonical = cascade.agreement.canonical

    async def compare(one: Attempt, other: Attempt) -> bool | None:
        agree = partial(_agree, canonical, answers, one.number, other.number)
        if canonical.form is not Form.SQL:
            return agree()
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.to_thread(agree), PATIENCE_S)
        return None

    return compare


def _report(exchange: Exchange, first: CallResult, other: CallResult, now: float) -> None:
    if first.kind is not CallKind.ANSWERED:
        exchange.report(first, now)
        exchange.report(other, now)
        return
    exchange.drop(other, now)
    exchange.report(first, now)


def _agree(canonical: Canonical, answers: Answers, one: int, other: int) -> bool | None:
    first, second = answers[one].answer.message, answers[other].answer.message
    return None if first is None or second is None else canonical.agree(first, second)
