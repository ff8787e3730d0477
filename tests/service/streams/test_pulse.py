"""A stream of the control plane says now and then that it lives."""

import asyncio
from collections.abc import AsyncIterator

from windsock.service.control.schemas.streams import PULSE, with_pulse


async def test_silence_is_filled_and_an_end_is_passed_on() -> None:
    ended = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            while True:
                await asyncio.sleep(3600)
        finally:
            ended.set()

    stream = with_pulse(events(), every_s=0.001)
    assert [await anext(stream) for _ in range(3)] == [b"first", PULSE, PULSE]
    await stream.aclose()
    await ended.wait()


async def test_all_that_comes_is_given_once() -> None:
    async def events() -> AsyncIterator[bytes]:
        for each in (b"1", b"2"):
            yield each

    assert [each async for each in with_pulse(events())] == [b"1", b"2"]
