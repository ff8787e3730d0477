"""Microseconds an append takes on the event loop, rows a second that reach the file, and the CPU
of the writer's thread for each outcome.

python -m tests.benchmarks.store_ledger [ENTRIES] [URL]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from statistics import quantiles

from tests.store.samples import outcome
from windsock.store.engine import open_engine
from windsock.store.ledger import Ledger
from windsock.store.migrations import upgrade_engine

BURST = 50
BAR_US = 26


async def main(entries: int, url: str) -> None:
    engine = open_engine(url)
    upgrade_engine(engine)
    ledger = Ledger(engine, max_pending=entries + 1)
    ledger.open()
    records = [outcome(number) for number in range(entries)]
    idle = await appends(ledger, records[: entries // 10])
    await ledger.flushed()
    started, cpu = time.perf_counter(), beside()
    busy = await appends(ledger, records[entries // 10 :])
    await ledger.flushed()
    spent, cpu = time.perf_counter() - started, beside() - cpu
    ledger.close()
    engine.dispose()
    stats = ledger.stats()
    rows = 2 * (entries - entries // 10)
    cpu_us = cpu / (entries - entries // 10) * 1e6
    print(f"append, few entries:     {said(idle)}")
    print(f"append, writer busy:     {said(busy)}")
    print(
        f"written: {rows / spent:,.0f} rows/s ({rows / spent / 2:,.0f} outcomes/s of two rows); "
        f"dropped {stats.dropped}"
    )
    print(f"CPU of the writer: {cpu_us:.0f} us an outcome; bar {BAR_US}, met: {cpu_us <= BAR_US}")


def beside() -> float:
    """CPU seconds of all threads but this one."""
    return time.process_time() - time.thread_time()


async def appends(ledger: Ledger, records: list[object]) -> list[float]:
    """Seconds of each append, with the loop let go between bursts."""
    seconds = []
    for place, record in enumerate(records):
        before = time.perf_counter()
        ledger.append(record)  # type: ignore[arg-type]
        seconds.append(time.perf_counter() - before)
        if place % BURST == 0:
            await asyncio.sleep(0)
    return seconds


def said(seconds: list[float]) -> str:
    parts = quantiles(seconds, n=1000)
    return (
        f"median {parts[499] * 1e6:.2f} us, p99 {parts[989] * 1e6:.2f} us, "
        f"p99.9 {parts[998] * 1e6:.1f} us, worst {max(seconds) * 1e3:.2f} ms"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        where = sys.argv[2] if len(sys.argv) > 2 else f"sqlite:///{folder}/store.db"
        asyncio.run(main(count, where))
