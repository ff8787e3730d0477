"""A writer that appends until it is killed, and says what it did when."""

from __future__ import annotations

import asyncio
import os
import time

from tests.store.samples import outcome
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine


def write(url: str, said: str, first: int, flush_s: float) -> None:
    """Append outcomes numbered from `first` on; lines of `said` are a word, a number, and when."""
    asyncio.run(_write(url, os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), first, flush_s))


async def _write(url: str, said: int, first: int, flush_s: float) -> None:
    engine = open_engine(url)
    upgrade_engine(engine)
    ledger = Ledger(engine, flush_s=flush_s)
    ledger.open()
    number = first
    while True:
        for _ in range(20):
            ledger.append(outcome(number))
            os.write(said, f"appended {number} {time.monotonic()}\n".encode())
            number += 1
        if number % 200 == 0:
            await ledger.flushed()
            os.write(said, f"flushed {number - 1} {time.monotonic()}\n".encode())
        await asyncio.sleep(0.004)
