"""A late call and its twin: whichever answers first is taken, the other is given up at once.

Of streams it is the first content that counts: until then nothing has reached the client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from windsock.clock import Clock
from windsock.core.exchange import Exchange
from windsock.core.records import Attempt, CallKind, CallResult
from windsock.core.states import State
from windsock.core.units import Usage

MakeCall = Callable[[Attempt], Awaitable[CallResult]]
Racing = dict[asyncio.Future[CallResult], Attempt]
Events = AsyncGenerator[bytes, None]
MakeStream = Callable[[Attempt], Events]
OUTRUN = "its twin answered first"


async def run_call(exchange: Exchange, attempt: Attempt, make: MakeCall, clock: Clock) -> None:
    """Make the call, and beside it the one that the exchange names once it is late; report both.

    If the client leaves, what is under way is ended and stays `exchange.trying`.
    """
    late_after_s = exchange.hedge_after_s(clock.now())
    if late_after_s is None:
        exchange.report(await make(attempt), clock.now())
        return
    tasks: Racing = {asyncio.ensure_future(make(attempt)): attempt}
    begun = {attempt.number: clock.elapsed()}
    try:
        done, _ = await asyncio.wait(tasks, timeout=late_after_s)
        second = None if done else exchange.hedge(clock.now())
        if second is not None:
            begun[second.number] = clock.elapsed()
            tasks[asyncio.ensure_future(make(second))] = second
        await _race(exchange, tasks, clock)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for lost in tasks.values():
        seconds = clock.elapsed() - begun[lost.number]
        exchange.drop(_given_up(exchange, lost, seconds), clock.now())


async def _race(exchange: Exchange, tasks: Racing, clock: Clock) -> None:
    """Report calls as they end, until one has answered; the losers are left in `tasks`."""
    while tasks and exchange.state is State.TRYING:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        task = next(iter(done))
        del tasks[task]
        exchange.report(task.result(), clock.now())


def _given_up(exchange: Exchange, attempt: Attempt, seconds: float) -> CallResult:
    """The loser's record: its prompt, at least, was paid for."""
    return CallResult(
        attempt=attempt,
        kind=CallKind.CANCELLED,
        latency_s=seconds,
        usage=Usage(input_tokens=exchange.decision.prompt_tokens),
        is_usage_estimated=True,
        note=OUTRUN,
    )


def run_stream(exchange: Exchange, attempt: Attempt, make: MakeStream, clock: Clock) -> Events:
    """The events of the call, or those of its twin if that has content first.

    make    the events of one call, which reports its end itself
    """
    events = make(attempt)
    late_after_s = exchange.hedge_after_s(clock.now())
    if late_after_s is None:
        return events
    return _raced(exchange, events, make, late_after_s, clock)


async def _raced(
    exchange: Exchange, events: Events, make: MakeStream, late_after_s: float, clock: Clock
) -> Events:
    begun = {_first(events): events}
    try:
        done, _ = await asyncio.wait(begun, timeout=late_after_s)
        second = None if done else exchange.hedge(clock.now())
        if second is not None:
            twin = make(second)
            begun[_first(twin)] = twin
        while begun:
            done, _ = await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
            task = next(iter(done))
            async with contextlib.aclosing(begun.pop(task)) as won:
                event = task.result()
                if event is not None:
                    await _leave(begun)
                    yield event
                    async for event in won:
                        yield event
                    return
    finally:
        await _leave(begun)


def _first(events: Events) -> asyncio.Future[bytes | None]:
    """The first event, None if there is none."""
    return asyncio.ensure_future(anext(events, None))


async def _leave(begun: dict[asyncio.Future[bytes | None], Events]) -> None:
    """End these calls; each reports that it was given up."""
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
    for events in begun.values():
        await events.aclose()
    begun.clear()
