"""What learning costs on public outcome tables, from the first request on, at any rate of labels.

    python -m tests.benchmarks.cold_start [--tables NAME ...] [--aims NAME ...] [--labels SHARE ...]
        [--policies NAME ...] [--seeds N] [--against JSON] [--record JSON]

Every table of `data/success_rates.csv` is a world of its own, replayed by the exact engine:
dollars and success are expected ones, by the true means. A floor is `high`, `middle` or `low`
beside the best deployment of each task; `quality` is the wish of a fresh install. Shortfall is
what tasks lack to the smaller of the floor and their best deployment, averaged over requests.
`--record` writes what was found, `--against` puts an earlier commit's record beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from tests.benchmarks.tables import markdown
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import RouteRequest
from windsock.core.policies.protocol import BasePolicy, CellView, Weighing
from windsock.simulation.engines.contenders import Contender, contenders
from windsock.simulation.engines.runner import run
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World

RATES = Path(__file__).parent / "data" / "success_rates.csv"
REQUESTS, HOURS = 6000, 6
FLOORS = {"high": 0.03, "middle": 0.10, "low": 0.30}
"""By how much a floor lies below the mean of each task's best."""

LABELS = (0.8, 0.1, 0.01, 0.0)
PROMPT_TOKENS = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A public table. success, usd: (tasks, deployments); share: (tasks,) of the requests."""

    name: str
    tasks: tuple[str, ...]
    names: tuple[str, ...]
    share: FloatArray
    success: FloatArray
    usd: FloatArray

    @property
    def best(self) -> float:
        """Success of whoever always asks the best deployment of the task."""
        return float(self.share @ self.success.max(axis=1))

    @property
    def alone(self) -> tuple[FloatArray, FloatArray]:
        """Success and dollars of a request of each deployment where it alone is asked."""
        return self.share @ self.success, self.share @ self.usd


@cache
def tables() -> dict[str, Table]:
    with RATES.open() as lines:
        rows = list(csv.DictReader(lines))
    return {name: _table(name, rows) for name in dict.fromkeys(row["table"] for row in rows)}


def _table(name: str, rows: list[dict[str, str]]) -> Table:
    mine = [row for row in rows if row["table"] == name]
    tasks = tuple(dict.fromkeys(row["task"] for row in mine))
    names = tuple(dict.fromkeys(row["deployment"] for row in mine))
    success, usd, share = (np.zeros((len(tasks), len(names))) for _ in range(3))
    for row in mine:
        at = tasks.index(row["task"]), names.index(row["deployment"])
        success[at], usd[at] = float(row["success"]), float(row["usd"])
        share[at] = float(row["share"])
    # A deployment costs each task the same multiple of its mean: prices are by token alone.
    scale = np.exp(np.log(usd).mean(axis=1))
    own = share[:, 0] / share[:, 0].sum()
    scale /= own @ scale
    return Table(
        name=name,
        tasks=tasks,
        names=names,
        share=own,
        success=success,
        usd=scale[:, None] * (own @ usd),
    )


def goal(table: Table, aim: str) -> dict[str, Any]:
    """The route of an aim: a floor, or a wish for quality."""
    if aim in FLOORS:
        return {"quality_floor": round(table.best - FLOORS[aim], 3)}
    return {"objective": "quality", "quality": aim.removeprefix("quality:"), "quality_floor": None}


def scenario(table: Table, aim: str, labels: float, incumbent: str | None) -> Scenario:
    tokens = table.usd[:, 0] / table.usd[0, 0]
    prices = table.usd[0] / PROMPT_TOKENS * 1e6
    route = goal(table, aim) | ({"incumbent": incumbent} if incumbent else {})
    return Scenario.model_validate(
        {
            "title": table.name,
            "hours": HOURS,
            "requests_per_hour": REQUESTS / HOURS,
            "feedback_share": labels,
            "route": route,
            "rivals": {"flagship": table.names[0], "otherwise": table.names[0]},
            "tasks": {
                task: {
                    "share": float(share),
                    "prompt_tokens": PROMPT_TOKENS * float(size),
                    "output_tokens": 1,
                }
                for task, share, size in zip(table.tasks, table.share, tokens, strict=True)
            },
            "deployments": {
                name: {
                    "input": float(price),
                    "output": 0.0,
                    "quality": dict(zip(table.tasks, rates.tolist(), strict=True)),
                }
                for name, price, rates in zip(table.names, prices, table.success.T, strict=True)
            },
        }
    )


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


def rivals(world: World, table: Table) -> dict[str, Contender]:
    found = contenders(world)
    rates, usd = table.alone
    best = table.names[int(rates.argmax())]
    worth = float(10 * np.median(usd))
    found["ucb"] = Contender(make=lambda _, __, beliefs: UpperConfidence(beliefs, worth))
    found["always_best"] = Contender(make=lambda *_: _fixed(best))
    return found


def _fixed(name: str) -> BasePolicy:
    from windsock.core.policies.baselines import Fixed

    return Fixed(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One run: dollars of all requests, mean success, shortfall in points."""

    usd: float
    success: float
    short: float


def score(table: Table, aim: str, played: Any) -> Score:
    """Expected dollars and success of whoever answered."""
    at = {name: k for k, name in enumerate(table.names)}
    task_of = {name: g for g, name in enumerate(table.tasks)}
    cells = np.array([(task_of[s.task], at[s.deployment]) for s in played.steps if s.deployment])
    success = table.success[cells[:, 0], cells[:, 1]]
    floor = goal(table, aim).get("quality_floor") or 0.0
    count = np.bincount(cells[:, 0], minlength=len(table.tasks))
    reached = np.bincount(cells[:, 0], success, minlength=len(table.tasks)) / np.maximum(count, 1)
    lacks = np.maximum(0.0, np.minimum(floor, table.success.max(axis=1)) - reached)
    return Score(
        usd=float(table.usd[cells[:, 0], cells[:, 1]].sum()) * REQUESTS / len(cells),
        success=float(success.mean()),
        short=100 * float(lacks @ count) / len(cells),
    )


Case = tuple[str, str, float, str]
"""Table, aim, labels and policy."""


def play(case: Case, seed: int) -> Score:
    name, aim, labels, policy = case
    table = tables()[name]
    named, _, who = policy.partition("@")
    incumbent = _incumbent(table, who) if who else None
    world = World(scenario(table, aim, labels, incumbent), seed)
    return score(table, aim, run(world, named, rivals(world, table)[named], seed))


def _incumbent(table: Table, who: str) -> str:
    """`best`: the best single deployment; `dear`: the dearest of those within .05 of it."""
    rates, usd = table.alone
    good = np.flatnonzero(rates >= rates.max() - 0.05)
    return table.names[int(rates.argmax()) if who == "best" else int(good[usd[good].argmax()])]


def cases(given: argparse.Namespace) -> Iterator[Case]:
    for name in given.tables:
        for aim in given.aims:
            for labels in given.labels:
                for policy in given.policies:
                    yield name, aim, labels, policy


def pooled(scores: list[Score], of: Callable[[Score], float]) -> float:
    return mean(of(each) for each in scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=list(tables()))
    parser.add_argument("--aims", nargs="*", default=list(FLOORS))
    parser.add_argument("--labels", nargs="*", type=float, default=LABELS)
    parser.add_argument("--policies", nargs="*", default=["windsock", "oracle"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    before = json.loads(given.against.read_text()) if given.against else {}
    record, rows = {}, []
    for case in cases(given):
        found = [play(case, seed) for seed in range(1, given.seeds + 1)]
        means = [pooled(found, lambda s: s.usd), pooled(found, lambda s: s.success),
                 pooled(found, lambda s: s.short)]  # fmt: skip
        key = " ".join(map(str, case))
        record[key] = means
        was = before.get(key)
        rows.append([*map(str, case), _words(means), _words(was) if was else "-"])
        print(" | ".join(rows[-1]), flush=True)
    head = ["table", "aim", "labels", "policy", "$ / success / short", "before"]
    print(markdown(head, rows))
    if given.record:
        given.record.write_text(json.dumps(record, indent=0))


def _words(means: list[float]) -> str:
    return f"{means[0]:.2f} / {means[1]:.3f} / {means[2]:.2f}"


if __name__ == "__main__":
    main()
