"""What cold starts are held to: each bar with its figure, met or missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import mean
from typing import NamedTuple

from tests.benchmarks.cold_start_tables import Score, mean_of, tables


class Case(NamedTuple):
    """policy: a name, or `name@incumbent`."""

    table: str
    aim: str
    labels: float
    policy: str


Found = Mapping[Case, list[Score]]
"""Scores of a case, one a seed."""

MOST_SPENT, MOST_SHORT = 1.1, 1.4
"""Of what the oracle spends, and points below the smaller of floor and best."""

MOST_LOST = 1.4
"""Of each 100 requests' worth that a wish for quality may lose to the oracle."""

NOISE = 0.002
"""Success within which two means of a few seeds are the same."""


def bars(found: Found, before: Found) -> Iterator[list[str]]:
    """Rows of bar, where, figure, bound, and whether it is met."""
    for case, scores in found.items():
        name, _, who = case.policy.partition("@")
        if name != "windsock":
            continue
        if who:
            yield from _kept(case, who, scores)
        elif case.labels >= 0.5:
            yield from _near_oracle(case, scores)
        if not who:
            yield from _no_dearer_than_one(case, scores)
            yield from _than_before(case, scores, before.get(case))


def row(bar: str, where: str, figure: str, bound: str, is_met: bool) -> list[str]:
    return [bar, where, figure, bound, "met" if is_met else "**missed**"]


def _where(case: Case) -> str:
    return f"{case.table} {case.aim} {case.labels:.0%} {case.policy}"


def _near_oracle(case: Case, scores: list[Score]) -> Iterator[list[str]]:
    table, where = tables()[case.table], _where(case)
    oracle = table.score(table.oracle(case.aim), case.aim)
    usd, success = mean(s.usd for s in scores), mean(s.success for s in scores)
    if table.floor(case.aim) is not None:
        short = mean(s.short for s in scores)
        yield row("of the oracle's dollars", where, f"{usd / oracle.usd:.2f}", f"{MOST_SPENT}",
                  usd <= MOST_SPENT * oracle.usd)  # fmt: skip
        yield row("points short", where, f"{short:.2f}", f"{MOST_SHORT}", short <= MOST_SHORT)
        return
    lost = table.worth_lost(case.aim, Score(usd=usd, success=success), oracle)
    yield row("worth lost to the oracle, points", where, f"{lost:.2f}", f"{MOST_LOST}",
              lost <= MOST_LOST)  # fmt: skip


def _kept(case: Case, who: str, scores: list[Score]) -> Iterator[list[str]]:
    table, where = tables()[case.table], _where(case)
    own = table.alone[table.incumbent(who)]
    if case.labels > 0:
        kept = mean(s.usd <= own.usd * 1.0001 and s.success >= own.success - 0.01 for s in scores)
        spent, lost = mean(s.usd for s in scores) / own.usd, _worst(own, scores)
        yield row("seeds no dearer and within .01", where,
                  f"{kept:.0%} ({spent:.2f} of its dollars, {100 * lost:+.2f} points at worst)",
                  "95%", kept >= 0.95)  # fmt: skip
        return
    lost = own.success - mean(s.success for s in scores)
    yield row("points below the incumbent", where, f"{100 * lost:.2f}", "1", lost <= 0.01)


def _worst(own: Score, scores: list[Score]) -> float:
    return min(s.success for s in scores) - own.success


def _no_dearer_than_one(case: Case, scores: list[Score]) -> Iterator[list[str]]:
    found, table = mean_of(scores), tables()[case.table]
    for what, lacks_no_more in (("one as good", False), ("one that lacks no more", True)):
        single = table.single(found, case.aim, lacks_no_more=lacks_no_more)
        if single is not None:
            yield row(f"of the dollars of {what}", _where(case), f"{found.usd / single:.2f}", "1.1",
                      found.usd <= 1.1 * single)  # fmt: skip


def _than_before(case: Case, scores: list[Score], old: list[Score] | None) -> Iterator[list[str]]:
    if not old:
        return
    now, was = (
        [mean(getattr(s, k) for s in of) for k in ("usd", "success", "short")]
        for of in (scores, old)
    )
    told = f"{now[0] / was[0]:.2f} of its dollars, {100 * (now[1] - was[1]):+.1f} points"
    if 0.05 <= case.labels < 0.5:
        is_met = now[0] <= 0.5 * was[0] and now[1] >= was[1] - NOISE
        yield row("than before", _where(case), told, "half, no less", is_met)
    elif case.labels >= 0.5 and was[2] <= MOST_SHORT and _is_cheap(case, was[0]):
        is_met = now[0] <= was[0] and now[2] <= was[2] + 0.2
        yield row("than before, where that was good", _where(case), told, "no dearer, .2 short",
                  is_met)  # fmt: skip


def _is_cheap(case: Case, usd: float) -> bool:
    table = tables()[case.table]
    return usd <= MOST_SPENT * table.score(table.oracle(case.aim), case.aim).usd
