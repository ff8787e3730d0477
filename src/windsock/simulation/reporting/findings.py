"""What many runs say together: means over seeds with their range, and one policy against another.

Policies are compared seed by seed, since under one seed they met the same weather.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from windsock.simulation.results.measures import RunSummary
from windsock.simulation.sweeps.parameter_grid import Setting
from windsock.simulation.sweeps.sweep import Result

OURS = "windsock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Over seeds."""

    mean: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One policy in one case, over all seeds.

    saved_usd, saved_share      what windsock spends less than this policy, negative if it is
                                more; None without a whole pair
    success_gain                what windsock answers rightly beyond it, share of all requests
    cost_vs_ours                its cost per success over windsock's, less 1
    """

    settings: tuple[Setting, ...]
    policy: str
    runs: tuple[Result, ...]
    spend_usd: Spread
    success: Spread
    usd_per_success: Spread
    saved_usd: Spread | None
    saved_share: Spread | None
    success_gain: Spread | None
    cost_vs_ours: Spread | None


def spread(values: Iterable[float]) -> Spread:
    """Raises ValueError if there are none."""
    found = list(values)
    return Spread(mean=sum(found) / len(found), least=min(found), most=max(found))


def standings(results: Sequence[Result]) -> list[Standing]:
    """Every case and policy that has a run, in order."""
    grouped: dict[tuple[tuple[Setting, ...], str], list[Result]] = {}
    for result in results:
        grouped.setdefault((result.settings, result.summary.policy), []).append(result)
    return [
        _standing(settings, policy, runs, grouped.get((settings, OURS), []))
        for (settings, policy), runs in grouped.items()
    ]


def of_case(found: Sequence[Standing], settings: tuple[Setting, ...]) -> dict[str, Standing]:
    """Standings of one case by policy."""
    return {each.policy: each for each in found if each.settings == settings}


def _standing(
    settings: tuple[Setting, ...],
    policy: str,
    runs: Sequence[Result],
    ours: Sequence[Result],
) -> Standing:
    summaries = [run.summary for run in runs]
    pairs = [] if policy == OURS else list(_pairs(ours, runs))
    return Standing(
        settings=settings,
        policy=policy,
        runs=tuple(runs),
        spend_usd=spread(each.spend_usd for each in summaries),
        success=spread(each.success for each in summaries),
        usd_per_success=spread(each.cost_per_success_usd for each in summaries),
        saved_usd=_compared(pairs, lambda us, it: it.spend_usd - us.spend_usd),
        saved_share=_compared(pairs, lambda us, it: 1 - _over(us.spend_usd, it.spend_usd)),
        success_gain=_compared(pairs, lambda us, it: us.success - it.success),
        cost_vs_ours=_compared(
            pairs, lambda us, it: _over(it.cost_per_success_usd, us.cost_per_success_usd) - 1
        ),
    )


def _pairs(
    ours: Sequence[Result], theirs: Sequence[Result]
) -> Iterable[tuple[RunSummary, RunSummary]]:
    """Whole runs of both under one seed."""
    by_seed = {run.summary.seed: run.summary for run in ours if run.summary.is_whole}
    for run in theirs:
        if run.summary.is_whole and run.summary.seed in by_seed:
            yield by_seed[run.summary.seed], run.summary


def _compared(
    pairs: Sequence[tuple[RunSummary, RunSummary]],
    measure: Callable[[RunSummary, RunSummary], float],
) -> Spread | None:
    return spread(measure(us, it) for us, it in pairs) if pairs else None


def _over(a: float, b: float) -> float:
    return a / b if b else float("inf")
