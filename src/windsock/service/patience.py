"""Waiting for what was done and is not yet told: by the process that did it, or by its ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Between two looks: what a process has done others know within half a second, and a busy machine's
within a whole."""

T = TypeVar("T")


async def soon(look: Callable[[], Awaitable[T | None]], pauses: Iterable[float]) -> T | None:
    """What `look` finds, now or after some of the pauses; None if it finds nothing in the end.

    An iterator's pauses are used up: calls that share it wait that long together.
    """
    if (found := await look()) is not None:
        return found
    for pause in pauses:
        await asyncio.sleep(pause)
        if (found := await look()) is not None:
            return found
    return None
