"""What learning costs on public outcome tables, from the first request on, at any rate of labels.

    python -m tests.benchmarks.cold_start [--tables NAME ...] [--aims NAME ...] [--labels SHARE ...]
        [--policies NAME ...] [--only KIND ...] [--seeds N] [--against JSON] [--record JSON]

Every table of `data/success_rates.csv`, and of `data/unseen_rates.csv` by which no rule was shaped,
is a world of its own, replayed by the exact engine: dollars and success are expected ones, by the
true means. Those of `data/later_rates.csv`, found when all rules stood, run where `--tables`
names them. A floor is `high`, `middle` or `low` beside the best deployment of each task; `economy`
to `max` are wishes for quality, `balanced` that of a fresh install; `route-middle` and its kin hold
the floor over all traffic at once. Shortfall is what tasks, or the traffic, lack to the smaller of
the floor and the best there is, averaged over requests. The oracle knows all rates and optimises
the same aim.

Three kinds of runs: `alone` (windsock), `incumbent` (the same with the best single deployment, or
the dearest of the good, named as what is used today), `rivals`; then newcomers. Every bar is told
as met or missed with its figure. Two processes; ten seeds by default, an hour and a half of them.
`--record` writes what was found, `--against` holds it against what another commit recorded.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import cold_start_bars, cold_start_newcomers
from tests.benchmarks.cold_start_bars import Case, Found
from tests.benchmarks.cold_start_tables import (
    BOTH,
    FLOORS,
    OVER_ROUTE,
    Score,
    Table,
    mean_of,
    tables,
)
from tests.benchmarks.tables import markdown
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.protocol import BasePolicy, Weighing
from windsock.core.policies.views import CellView
from windsock.simulation.engines.contenders import Contender, contenders
from windsock.simulation.engines.runner import run
from windsock.simulation.world.world import World

TODAY = Path(__file__).parent / "data" / "cold_start_before.json"
AIMS = (*FLOORS, f"{OVER_ROUTE}middle", "balanced")
KINDS = ("alone", "incumbent", "rivals", "newcomers")
RIVALS = ("plain_thompson", "epsilon_greedy", "ucb", "paretobandit")


class UpperConfidence(BasePolicy):
    """UCB1 on success x V - dollars (Auer, Cesa-Bianchi & Fischer 2002), V a flagship's success."""

    name = "ucb"

    def __init__(self, beliefs: Beliefs, usd_per_success: float) -> None:
        self._beliefs = beliefs
        self._value_usd = usd_per_success

    def weigh(self, view: CellView, now: float, request: RouteRequest | None = None) -> Weighing:
        """All to the greatest bound."""
        found = self._beliefs.summaries(view.cell, view.deployments)
        count = np.array([each.effective_samples for each in found])
        means = np.array([each.mean for each in found])
        bound = means + np.sqrt(2 * np.log(count.sum() + 2) / (count + 1))
        best = int((self._value_usd * bound - np.array(view.usd)).argmax())
        return Weighing(weights=tuple(float(k == best) for k in range(len(bound))))


def policies(world: World, table: Table) -> dict[str, Contender]:
    """Those of the simulator, and one more."""
    worth = float(10 * np.median(table.share @ table.usd))
    ucb = Contender(make=lambda _, __, beliefs: UpperConfidence(beliefs, worth))
    return {**contenders(world), "ucb": ucb}


def play(case: Case, seed: int) -> Score:
    """One run of `policy`, or `policy@incumbent`."""
    table = tables()[case.table]
    policy, _, who = case.policy.partition("@")
    incumbent = table.names[table.incumbent(who)] if who else None
    world = World(table.scenario(case.aim, case.labels, incumbent), seed)
    return score(table, case.aim, run(world, policy, policies(world, table)[policy], seed))


def score(table: Table, aim: str, played: Any) -> Score:
    """Expected dollars and success of whoever answered."""
    shares = np.zeros(table.success.shape)
    for step in played.steps:
        if step.deployment:
            shares[table.tasks.index(step.task), table.names.index(step.deployment)] += 1
    return table.score(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1), aim)


def cases(given: argparse.Namespace) -> Iterator[Case]:
    """In the order in which they are told."""
    for name in given.tables:
        for aim in given.aims:
            for labels in given.labels:
                for policy in given.policies or _policies(aim, labels, given.only):
                    yield Case(name, aim, labels, policy)


def _policies(aim: str, labels: float, only: list[str]) -> Iterator[str]:
    if "alone" in only and labels > 0:
        yield "windsock"
    if "incumbent" in only and labels <= 0.01 and aim in ("middle", "balanced"):
        yield from ("windsock@best", "windsock@dear")
    if "rivals" in only and labels >= 0.1 and aim == "middle":
        yield from RIVALS


def main() -> None:
    given = _arguments()
    jobs = [(case, seed) for case in cases(given) for seed in range(1, given.seeds + 1)]
    with ProcessPoolExecutor(2) as pool:
        scores = list(pool.map(play, *zip(*jobs, strict=True))) if jobs else []
        found: Found = {}
        for (case, _), each in zip(jobs, scores, strict=True):
            found.setdefault(case, []).append(each)
        show(found)
        before = _read(given.against) if given.against.exists() else {}
        newcomers = "newcomers" in given.only and not given.policies
        bars = list(cold_start_bars.bars(found, before))
        if newcomers:
            bars += cold_start_newcomers.bars(pool, given.seeds)
    print("\n" + markdown(["bar", "where", "found", "must be", ""], bars))
    if given.record:
        told = {" ".join(map(str, case)): [asdict(s) for s in each] for case, each in found.items()}
        given.record.write_text(json.dumps(told, indent=0))


def show(found: Found) -> None:
    """Dollars, success and shortfall in points of every case beside those who know all."""
    rows = []
    for case, scores in found.items():
        table = tables()[case.table]
        oracle = table.score(table.oracle(case.aim), case.aim)
        single = table.single(mean_of(scores), case.aim)
        words = "-" if single is None else f"{single:.2f}"
        rows.append([*map(str, case), str(mean_of(scores)), str(oracle), words])
    head = ["table", "aim", "labels", "policy", "$ / success / short", "oracle", "one as good, $"]
    print(markdown(head, rows), flush=True)


def _read(path: Path) -> Found:
    told = json.loads(path.read_text())
    return {
        Case(table, aim, float(labels), policy): [Score(**each) for each in scores]
        for key, scores in told.items()
        for table, aim, labels, policy in (key.split(" "),)
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=list(tables(*BOTH)))
    parser.add_argument("--aims", nargs="*", default=list(AIMS))
    parser.add_argument("--labels", nargs="*", type=float, default=[0.8, 0.1, 0.01, 0.0])
    parser.add_argument("--policies", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--against", type=Path, default=TODAY)
    parser.add_argument("--record", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
