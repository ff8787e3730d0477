"""A late call and its twin: whichever answers first is taken, the other is given up at once.

Of streams it is the first content that counts: until then nothing has reached the client.
"""

from __future__ import annotations

import asyncio
from asyncio import FIRST_COMPLETED
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any

from windsock.clock import Clock
from windsock.core.model.calls import Attempt, CallKind, CallResult
from windsock.core.model.units import Usage
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.plan import State
from windsock.service.texts.stream_copy import Writer

MakeCall = Callable[[Attempt], Awaitable[CallResult]]
Racing = dict[asyncio.Future[CallResult], Attempt]
MakeStream = Callable[[Attempt, Writer], Coroutine[None, None, None]]
Streams = dict[asyncio.Future[Any], Attempt]
OUTRUN = "its twin answered first"
"""The note of a call that was given up for it."""


async def run_call(
    exchange: Exchange, attempt: Attempt, make: MakeCall, late_after_s: float, clock: Clock
) -> None:
    """Make the call, and beside it the one that the exchange names once it is late; report both.

    late_after_s    see `Exchange.hedge_after_s`
    If the client leaves, what is under way is ended and stays `exchange.calls.trying`.
    """
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
    for task, lost in tasks.items():
        seconds = clock.elapsed() - begun[lost.number]
        result = _finished(task) or _given_up(exchange, lost, seconds)
        exchange.drop(result, clock.now())


async def _race(exchange: Exchange, tasks: Racing, clock: Clock) -> None:
    """Report calls as they end, until one has answered; the losers are left in `tasks`."""
    while tasks and exchange.state is State.TRYING:
        done, _ = await asyncio.wait(tasks, return_when=FIRST_COMPLETED)
        task = next(iter(done))
        del tasks[task]
        exchange.report(task.result(), clock.now())


def _finished(task: asyncio.Future[CallResult]) -> CallResult | None:
    """What became of a loser that ended in the same moment; its answer has a price all the same."""
    if task.cancelled() or task.exception() is not None:
        return None
    result = task.result()
    if result.kind is CallKind.ANSWERED:
        return replace(result, kind=CallKind.CANCELLED, note=OUTRUN)
    return result


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


async def run_stream(
    exchange: Exchange, attempt: Attempt, make: MakeStream, writer: Writer, clock: Clock
) -> None:
    """Write the events of the call, or those of its twin if that has content first.

    make    one call, which writes its events and reports its end itself
    """
    late_after_s = exchange.hedge_after_s(clock.now())
    if late_after_s is None:
        await make(attempt, writer)
        return
    first: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    tasks: Streams = {}

    def begin(one: Attempt) -> None:
        async def marked(events: bytes) -> None:
            if not first.done():
                first.set_result(None)
                await _leave(task for task, each in tasks.items() if each is not one)
            await writer.write(events)

        tasks[asyncio.ensure_future(make(one, Writer(marked, writer.at_once)))] = one

    begin(attempt)
    try:
        await asyncio.wait([*tasks, first], timeout=late_after_s, return_when=FIRST_COMPLETED)
        is_late = not first.done() and not any(task.done() for task in tasks)
        second = exchange.hedge(clock.now()) if is_late else None
        if second is not None:
            begin(second)
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
    finally:
        await _leave(tasks)


async def _leave(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """End these calls; each reports that it was given up."""
    listed = list(tasks)
    for task in listed:
        task.cancel()
    await asyncio.gather(*listed, return_exceptions=True)
