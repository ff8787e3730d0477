"""Rows about answers that are none, or are too large."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos import faults
from tests.chaos.load import Load
from tests.chaos.provider import now_and_then
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import Trial, trial

PINNED = "acme/m"
EVERY = 6
"""One faulty answer in so many: within the retry budget, a fifth of all requests."""

EVERY_ALONE = 2
"""The same where no other is left: beyond that budget, so that some are told as errors."""


@row("no answer")
async def no_answer(rps: float = 150, seconds: float = 20) -> Finding:
    kinds = list(faults.NO_ANSWER.values())
    async with trial() as it:
        it.best.fault = now_and_then(kinds, EVERY)
        routed = await it.load(rps, seconds)
        it.best.fault = now_and_then(kinds, EVERY_ALONE)
        alone = await it.load(rps, seconds / 3, model=PINNED)
        finding = Finding().at_least("success", routed.success, 0.999, "%")
        finding.at_most("unreadable", routed.unreadable + alone.unreadable, 0)
        finding.at_most("look complete", routed.lies + alone.lies, 0)
        finding.at_least("errors with no other left", sum(not s.is_whole for s in alone.seen), 1)
        shares = f"one request in {EVERY}, in {EVERY_ALONE} with no other"
        return finding.fact(f"{len(kinds)} kinds by turns, {shares}")


@row("oversize")
async def oversize() -> Finding:
    finding = Finding()
    faults.bomb()
    async with trial(count=1) as it:
        await it.burst(50)
        before = it.process.rss_mb()
        slowest, grown = 0.0, 0.0
        refused = tried = 0
        for is_stream, kinds in ((False, faults.OVERSIZE), (True, faults.OVERSIZE_STREAMS)):
            for fault in kinds.values():
                seen, peak = await _one(it, fault, is_stream=is_stream)
                slowest = max(slowest, seen.seen[0].seconds)
                grown = max(grown, peak - before)
                refused += seen.seen[0].status == 502
                tried += 1
        finding.at_most("memory grows", grown, 50, "MB").at_most("slowest 502", slowest, 1.0, "s")
        return finding.at_least("refused with 502", refused / tried, 1.0, "%")


async def _one(it: Trial, fault: faults.Fault, *, is_stream: bool) -> tuple[Load, float]:
    """One such answer, and the most memory the service ever held while it came, MB."""
    it.best.fault = fault
    Path(f"/proc/{it.process.process.pid}/clear_refs").write_text("5")
    seen = await it.burst(1, kinds=[is_stream])
    await asyncio.sleep(0.05)
    peak = it.process.peak_mb()
    it.best.fault = None
    await it.burst(4)
    return seen, peak
