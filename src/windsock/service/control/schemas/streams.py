"""Server-sent events without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from windsock.service.gateway.answer_facts import AS_IT_COMES

PULSE_S = 15.0
"""Of silence, after which a comment says that the stream lives: proxies end what says nothing for a
minute."""

PULSE = b": \n\n"


class EventStream(StreamingResponse):
    """Events as they come, with a pulse, past what proxies hold back."""

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        headers = {name.decode(): value.decode() for name, value in AS_IT_COMES}
        super().__init__(with_pulse(events), media_type="text/event-stream", headers=headers)


async def with_pulse(
    events: AsyncIterator[bytes], every_s: float = PULSE_S
) -> AsyncIterator[bytes]:
    """The same, with PULSE for each `every_s` seconds in which nothing comes."""
    following = asyncio.ensure_future(anext(events))
    try:
        while True:
            come, _ = await asyncio.wait({following}, timeout=every_s)
            if not come:
                yield PULSE
                continue
            try:
                yield following.result()
            except StopAsyncIteration:
                return
            following = asyncio.ensure_future(anext(events))
    finally:
        following.cancel()
