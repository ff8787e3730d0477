"""Rows about providers that bring nothing, or next to nothing, for a long time."""

from __future__ import annotations

from tests.chaos import faults
from tests.chaos.load import Seen
from tests.chaos.recorder import Finding, row
from tests.chaos.trial import trial

FIRST_BYTE_S = 1.0
DEADLINE_S = 2.0
STALL_S = 1.0


@row("hang")
async def hang(rps: float = 50, seconds: float = 60) -> Finding:
    async with trial(route=f"first_byte_timeout = {FIRST_BYTE_S}") as it:
        usual = (await it.load(rps, seconds / 3)).seconds(0.99)
        it.best.fault = faults.hang
        seen = await it.load(rps, seconds)
        finding = Finding().at_least("success", seen.success, 0.999, "%")
        finding.at_most("p99", seen.seconds(0.99), FIRST_BYTE_S + usual, "s")
        return finding.fact(f"normal p99 {usual:.3f} s, first-byte timeout {FIRST_BYTE_S:g} s")


@row("slow drip")
async def slow_drip(count: int = 20) -> Finding:
    """Given up at the caller's deadline; at the route's own limit where the caller has none."""
    finding = Finding()
    header = {"x-windsock-timeout": str(DEADLINE_S)}
    async with trial(count=1, route=f"stall_timeout = {STALL_S}") as it:
        it.best.fault = faults.drip_crumbs
        crumbs = await it.burst(count, at_once=count, kinds=[True], headers=header)
        _note(finding, "crumbs", crumbs.seen, DEADLINE_S)
    async with trial(count=1, route=f"stall_timeout = {STALL_S}") as it:
        it.best.fault = faults.drip_comments
        comments = await it.burst(count, at_once=count, headers=header)
        _note(finding, "comments", comments.seen, DEADLINE_S)
    async with trial(count=1, route=f"stall_timeout = {STALL_S}") as it:
        it.best.fault = faults.stall
        stalled = await it.burst(count, at_once=count, kinds=[True])
        _note(finding, "comments after content", stalled.seen, STALL_S)
    return finding


def _note(finding: Finding, what: str, seen: list[Seen], until_s: float) -> None:
    ended = sum(bool(each.error) and not each.is_claimed for each in seen) / len(seen)
    finding.at_least(f"{what}: told of by an error", ended, 1.0, "%")
    away = max(abs(each.seconds - until_s) for each in seen)
    finding.at_most(f"{what}: off the deadline by", away, 0.5, "s")
