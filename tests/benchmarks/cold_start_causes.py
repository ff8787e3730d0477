"""Where the dollars of a cold start go: the same runs with one cause taken away.

    python -m tests.benchmarks.cold_start_causes [--seeds N] [--tables NAME ...] [--labels SHARE]
        [--without NAME ...]

Policy and beliefs alone, re-solved every 25 requests of a task, floors high and middle. Each run
without a cause is held against the whole rule with the same luck. `all rates known` is what the
rule itself costs beside the oracle, `everybody judged` what would be left if each deployment's
answer to each request were judged for nothing, `N labels of each` what is left for whoever is told
N labels of each deployment at each task before the first request. Bars are those of `cold_start`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from tests.benchmarks.cold_start_bars import MOST_SHORT, MOST_SPENT
from tests.benchmarks.cold_start_tables import BOTH, HOURS, REQUESTS, Score, Table, mean_of, tables
from tests.benchmarks.tables import markdown
from windsock.core.beliefs.beliefs import DEFAULTS, Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.model.units import MIX_METERS
from windsock.core.policies.aims.measures import Measures
from windsock.core.policies.floor_deficit import FloorDeficit
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.restraint.reference import Reference
from windsock.core.policies.views import CellView

AIMS = ("high", "middle")
EVERY, EARLY = 25, 5
"""Requests of a task after which it is weighed anew; while the route has had FIRST at most."""

FIRST = 200

KNOWN = 600.0
"""Rewards' worth of a belief that knows the truth: as much as any belief holds."""


class Forgiven(FloorDeficit):
    """Nothing is owed."""

    def missed(self, *_: object) -> float:
        return 0.0


class AtOne(Measures):
    """A wish is measured at the reference by what is expected, whoever else may be it."""

    def standard(self, cells: Sequence[CellView]) -> Reference | None:
        found = super().standard(cells)
        return found and replace(found, rivals=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The rule as it is, but for what is said.

    told    labels of each deployment at each task that are known before the first request
    """

    objective: dict[str, float] = field(default_factory=dict)
    beliefs: BeliefSettings = DEFAULTS
    served: Callable[[], FloorDeficit] = FloorDeficit
    measures: type[Measures] = Measures
    is_known: bool = False
    is_all_judged: bool = False
    told: int = 0


WHOLE = "the whole rule"
AT_ONE = "measured at one alone"
RULES = {
    WHOLE: Rule(),
    "all rates known": Rule(is_known=True),
    "everybody judged": Rule(is_all_judged=True),
    **{f"{told} labels of each": Rule(told=told) for told in (30, 100, 300)},
    AT_ONE: Rule(measures=AtOne),
    "no debts": Rule(served=Forgiven),
    "no exploration floor": Rule(objective={"explore": 0.0}),
    "no watch for drift": Rule(beliefs=BeliefSettings(watches_drift=False, follows_drift=False)),
    "no caution": Rule(objective={"caution": 0.0}),
}

CAUSES = [name for name in RULES if name not in (WHOLE, AT_ONE)]
"""Those that a floor has."""


def play(name: str, aim: str, without: str, labels: float, seed: int) -> Score:
    """One run of a table."""
    table, rule = tables()[name], RULES[without]
    objective = Objective(quality_floor=table.floor(aim), **rule.objective)
    return table.score(shares(table, objective, rule, labels, seed), aim)


def shares(table: Table, objective: Objective, rule: Rule, labels: float, seed: int) -> FloatArray:
    """(tasks, deployments) of the requests of a run, by who answered."""
    beliefs = Beliefs(rule.beliefs)
    policy = PriceAware(beliefs, objective)
    policy.served = rule.served()
    policy._measures = rule.measures(objective, beliefs, policy.served)
    views = _views(table)
    if rule.is_known:
        for (g, k), rate in np.ndenumerate(table.success):
            right = KNOWN * float(rate)
            beliefs.observe_sums(views[g].cell, table.names[k], KNOWN, right, right, now=0.0)
    if rule.told:
        beliefs.quality.is_judge = False
        told = np.random.default_rng([seed, 1]).binomial(rule.told, table.success)
        for (g, k), hits in np.ndenumerate(told):
            beliefs.observe_sums(views[g].cell, table.names[k], rule.told, hits, hits, now=0.0)
        beliefs.quality.is_judge = True
    counts = _served(table, policy, views, 1.0 if rule.is_known else labels, rule, seed)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def _served(
    table: Table, policy: PriceAware, views: list[CellView], labels: float, rule: Rule, seed: int
) -> FloatArray:
    """(tasks, deployments) requests by who answered."""
    rng = np.random.default_rng(seed)
    tasks = rng.choice(len(views), size=REQUESTS, p=table.share / table.share.sum())
    luck, hits = rng.random((REQUESTS, 2)), rng.random((REQUESTS, len(table.names)))
    counts, sums = np.zeros(table.success.shape), np.zeros(table.success.shape)
    due = [0.0] * len(views)
    for i, g in enumerate(tasks.tolist()):
        now, cell = i * HOURS * 3600.0 / REQUESTS, views[g].cell
        if counts[g].sum() >= due[g]:
            due[g] = counts[g].sum() + (EARLY if i < FIRST else EVERY)
            policy.refresh(views, now)
            sums[g] = np.cumsum(policy.weigh(views[g], now).weights)
        k = min(len(table.names) - 1, int(np.searchsorted(sums[g], luck[i, 0] * sums[g, -1])))
        counts[g, k] += 1
        policy.count_served(cell, table.names[k], 1.0)
        units = [1.0] * len(MIX_METERS)
        policy.beliefs.observe_units(cell, table.names[k], units, 1.0, now)
        if rule.is_known or (luck[i, 1] >= labels and not rule.is_all_judged):
            continue
        for j in range(len(table.names)) if rule.is_all_judged else (k,):
            right = float(hits[i, j] < table.success[g, j])
            policy.beliefs.observe(cell, table.names[j], right, now=now)
    return counts


def _views(table: Table) -> list[CellView]:
    return [
        CellView(
            cell=Cell("default", "auto", task),
            deployments=table.names,
            usd=tuple(usd.tolist()),
            share=float(share / table.share.sum()),
        )
        for task, usd, share in zip(table.tasks, table.usd, table.share, strict=True)
    ]


def main() -> None:
    given = _arguments()
    rules = [WHOLE, *given.without]
    jobs = list(
        product(given.tables, AIMS, rules, [given.labels], range(1, given.seeds + 1)),
    )
    with ProcessPoolExecutor(2, initializer=os.nice, initargs=(10,)) as pool:
        found = dict(zip(jobs, pool.map(play, *zip(*jobs, strict=True)), strict=True))
    head = ["rule", "dollars", "points short", "over 1.1 / 1.4"]
    text = markdown(head, [_row(each, found) for each in rules])
    text += (
        f"\n\n{len(given.tables)} tables, floors high and middle, {given.seeds} seeds, labels for "
        f"{given.labels:.0%}; the first row beside the oracle, the others beside the first."
    )
    print(text)


Job = tuple[str, str, str, float, int]


def _row(rule: str, found: dict[Job, Score]) -> list[str]:
    """Dollars by their geometric mean, and points, each with its standard error."""
    mine = {job: score for job, score in found.items() if job[2] == rule}
    if rule == WHOLE:
        beside = [_oracle(job) for job in mine]
    else:
        beside = [found[(*job[:2], WHOLE, *job[3:])] for job in mine]
    pairs = list(zip(mine.values(), beside, strict=True))
    usd = np.array([np.log(score.usd / other.usd) for score, other in pairs])
    short = np.array([score.short - other.short for score, other in pairs])
    size = len(pairs) ** 0.5
    dollars = f"x {np.exp(usd.mean()):.3f} +- {usd.std() / size:.3f}"
    points = f"{short.mean():+.2f} +- {short.std() / size:.2f}"
    return [rule, dollars, points, _over_bars(mine)]


def _over_bars(mine: dict[Job, Score]) -> str:
    """Of the tables at each floor, those whose mean misses the bar of dollars, and of points."""
    runs: dict[Job, list[Score]] = {}
    for job, score in mine.items():
        runs.setdefault((*job[:4], 0), []).append(score)
    means = [(mean_of(scores), _oracle(job)) for job, scores in runs.items()]
    dear = sum(mean.usd > MOST_SPENT * oracle.usd for mean, oracle in means)
    short = sum(mean.short > MOST_SHORT for mean, _ in means)
    return f"{dear} / {short} of {len(means)}"


def _oracle(job: Job) -> Score:
    table = tables()[job[0]]
    return table.score(table.oracle(job[1]), job[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=list(tables(*BOTH)))
    parser.add_argument("--without", nargs="*", choices=list(RULES)[1:], default=list(CAUSES))
    parser.add_argument("--labels", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
