"""What cheap features of untagged prompts are worth to routing, with a guard, without, beside tags.

    python -m tests.benchmarks.prompt_features [SEEDS]

Production's policy, beliefs, features, segments and guard. Half of a table's prompts teach: each
judged once at every model, as an evaluation or a shadow gives it, or online, one model each as the
policy draws it. The other half measures what the weights then earn. Points are hundredths of a
success a request, costs at the value of a success taken off, beyond routing without features.
Writes docs/prompt_features.md; fails if a bar is missed.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.context.features import features
from windsock.core.context.ridge import Ridge, with_constant
from windsock.core.context.segments import SegmentSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.calls import Outcome
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import DEFAULT_TASK, Cell, RouteRequest
from windsock.core.model.rewards import Reward
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView

DATA = Path(__file__).parent / "data"
REQUESTS, EVERY = 3000, 50
"""Judged requests of an online run; between two solves of the tables."""

UNGUARDED_RIDGE = 50.0
"""As segments have it."""

WORTHS = (10.0, 100.0, 1000.0)
"""A success is worth so often what one costs at the cheapest that is nearly the best."""

NEARLY = 0.05
LEAST_POINTS, BEST_POINTS = -0.05, 0.2
"""Bars: the guard's mean on each table, and on one at least."""

PARETO = {"llama_8b": "llama-8b", "mistral_large": "mistral-large", "gemini_pro": "gemini-pro"}


@dataclass(frozen=True)
class Table:
    """success and usd (prompts, deployments); tasks and features by prompt."""

    name: str
    names: tuple[str, ...]
    tasks: tuple[str, ...]
    features: tuple[tuple[float, ...], ...]
    success: FloatArray
    usd: FloatArray

    @property
    def usd_per_success(self) -> float:
        """At the cheapest deployment whose success is nearly the best."""
        success, usd = self.success.mean(axis=0), self.usd.mean(axis=0)
        near = np.flatnonzero(success >= success.max() - NEARLY)
        return float((usd / success)[near[usd[near].argmin()]])


class Side(NamedTuple):
    """One way to route, and to be taught."""

    has_features: bool = False
    has_tags: bool = False
    is_online: bool = False


def main(args: Sequence[str]) -> int:
    seeds = int(args[0]) if args else 4
    rows, guarded = [], {}
    for table in (prompts("routellm"), prompts("zeroeval"), pareto()):
        gains = gains_of(table, seeds)
        guarded[table.name] = fmean(gains["guarded"])
        size = [table.name, f"{len(table.tasks):,}", f"{len(table.names)}"]
        rows.append([*size, *(told(each) for each in gains.values())])
        print(rows[-1], flush=True)
    text = markdown(["table", "prompts", "models", *gains], rows)
    print(text)
    write_between(DOCS / "prompt_features.md", "features", text)
    is_kept = min(guarded.values()) >= LEAST_POINTS and max(guarded.values()) > BEST_POINTS
    print("bars:", "kept" if is_kept else "missed", guarded)
    return 0 if is_kept else 1


def told(gains: Sequence[float]) -> str:
    """The mean over runs, and the least and the most of them."""
    return f"{fmean(gains):+.2f} ({min(gains):+.2f} to {max(gains):+.2f})"


def gains_of(table: Table, seeds: int) -> dict[str, list[float]]:
    """Points beyond features off, by side; one for each seed at each worth."""
    sides = {"guarded": Side(has_features=True), "tags alone": Side(has_tags=True)}
    gains: dict[str, list[float]] = {
        name: [] for name in ("guarded", "unguarded", "tags alone", "guarded, online")
    }
    for worth in WORTHS:
        for seed in range(seeds):
            off = taught(table, Side(), seed, worth).earned()
            for name, side in sides.items():
                gains[name].append(100 * (taught(table, side, seed, worth).earned() - off))
            gains["unguarded"].append(100 * (regressed(table, seed, worth) - off))
            online = [
                taught(table, Side(has_features=has, is_online=True), seed, worth).earned()
                for has in (True, False)
            ]
            gains["guarded, online"].append(100 * (online[0] - online[1]))
    return gains


def taught(table: Table, side: Side, seed: int, worth: float) -> Run:
    run = Run(table, side, worth * table.usd_per_success, seed)
    if side.is_online:
        for index in run.random.choice(run.learnt, REQUESTS):
            run.step(int(index))
    else:
        for index in run.learnt:
            run.judge_everywhere(int(index))
    return run


def regressed(table: Table, seed: int, worth: float) -> float:
    """What a regression of success for each model earns that is simply believed."""
    run = Run(table, Side(), worth * table.usd_per_success, seed)
    x = np.array([with_constant(each) for each in table.features])
    ridges = [Ridge.of(x.shape[1]) for _ in table.names]
    for index in run.learnt:
        for arm, ridge in enumerate(ridges):
            ridge.observe(x[index], float(table.success[index, arm]))
    success = np.stack([x @ ridge.coefficients(UNGUARDED_RIDGE) for ridge in ridges], axis=1)
    routed = (success - run.usual / run.value_usd).argmax(axis=1)
    net = table.success - table.usd / run.value_usd
    return fmean(float(net[index, routed[index]]) for index in run.held)


class Run:
    """One route that learns online."""

    def __init__(self, table: Table, side: Side, value_usd: float, seed: int) -> None:
        self.table, self.side, self.value_usd = table, side, value_usd
        self.policy = PriceAware(
            Beliefs(),
            Objective(kind="value", usd_per_success=value_usd),
            segments=SegmentSettings() if side.has_features else None,
        )
        self.random = np.random.default_rng(seed)
        order = self.random.permutation(len(table.tasks))
        self.learnt, self.held = np.array_split(order, 2)
        self.usual = table.usd[self.learnt].mean(axis=0)
        self.sizes: dict[Cell, list[float]] = {}
        self.weights: dict[Cell, FloatArray] = {}
        self.count = 0

    def cell(self, index: int) -> Cell:
        task = self.table.tasks[index] if self.side.has_tags else DEFAULT_TASK
        asked = RouteRequest(model="auto", task=task, features=self.table.features[index])
        return Cell("default", "auto", *self.policy.task_of(asked))

    def view(self, cell: Cell) -> CellView:
        """At the mean dollars of a request, by the size of those that were seen in the cell."""
        count, total = self.sizes.get(cell, (0.0, 0.0))
        size = (total + 20.0) / (count + 20.0)
        return CellView(cell=cell, deployments=self.table.names, usd=tuple(size * self.usual))

    def chances(self, cell: Cell) -> FloatArray:
        if cell not in self.weights:
            self.weights[cell] = np.array(self.policy.weigh(self.view(cell), 0.0).weights)
        return self.weights[cell]

    def step(self, index: int) -> None:
        """Route a request, hear its reward, and solve anew now and then."""
        cell = self.cell(index)
        chances = self.chances(cell)
        arm = int(self.random.choice(len(chances), p=chances / chances.sum()))
        self.settle(cell, index, arm, float(chances[arm]))
        self.solve_now_and_then()

    def judge_everywhere(self, index: int) -> None:
        """Each model answers the prompt once, and is judged."""
        count = len(self.table.names)
        for arm in range(count):
            self.settle(self.cell(index), index, arm, 1.0 / count)
        self.solve_now_and_then()

    def solve_now_and_then(self) -> None:
        self.count += 1
        if self.count % EVERY == 0:
            self.policy.refresh([self.view(each) for each in self.sizes], 0.0)
            self.weights.clear()

    def settle(self, cell: Cell, index: int, arm: int, chance: float) -> None:
        name, reward = self.table.names[arm], float(self.table.success[index, arm])
        relative = float(self.table.usd[index, arm] / self.usual[arm])
        decision = Decision(number=self.count, id="d", at=0.0, cell=cell, table_version=0,
                            deployment=name, propensity=chance, draw=0.0, requested_model="auto",
                            features=self.table.features[index])  # fmt: skip
        self.policy.beliefs.observe(cell, name, reward, now=0.0)
        self.policy.learn(decision, name, Reward(value=reward), 0.0)
        usage = Usage(input_tokens=0, output_tokens=max(1, round(1000 * relative)))
        self.policy.settle(
            Outcome(decision=decision, results=(), served=name, ok=True, cost_usd=Decimal(0),
                    finished_at=0.0, usage=usage), 0.0
        )  # fmt: skip
        size = self.sizes.setdefault(cell, [0.0, 0.0])
        size[0] += 1.0
        size[1] += relative

    def earned(self) -> float:
        """Of a prompt that was not learnt from, on average."""
        self.policy.refresh([self.view(each) for each in self.sizes], 0.0)
        self.weights.clear()
        return fmean(self.worth(int(index)) for index in self.held)

    def worth(self, index: int) -> float:
        """What a prompt earns at the weights of now, in successes."""
        net = self.table.success[index] - self.table.usd[index] / self.value_usd
        return float(self.chances(self.cell(index)) @ net)


def rows_of(name: str) -> list[dict[str, str]]:
    with gzip.open(DATA / name, "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def prompts(name: str) -> Table:
    """A table that carries its prompts: production's features are read from them."""
    rows = rows_of(f"prompts_{name}.csv.gz")
    models = [column.removesuffix(" usd") for column in rows[0] if column.endswith(" usd")]
    return Table(
        name=name,
        names=tuple(f"p/{model}" for model in models),
        tasks=tuple(row["task"] for row in rows),
        features=tuple(features([row["prompt"]]) for row in rows),
        success=np.array([[float(row[f"{model} success"]) for model in models] for row in rows]),
        usd=np.array([[float(row[f"{model} usd"]) for model in models] for row in rows]),
    )


def pareto() -> Table:
    """A table without its prompts: 25 whitened components of a tf-idf stand for them."""
    rows = rows_of("paretobandit_outcomes.csv.gz")
    numbers = [column for column in rows[0] if column[0] == "x" and column[1:].isdigit()]
    return Table(
        name="paretobandit",
        names=tuple(f"p/{name}" for name in PARETO.values()),
        tasks=tuple(row["task"] for row in rows),
        features=tuple(tuple(float(row[each]) for each in numbers) for row in rows),
        success=np.array([[float(row[f"{each}_reward"]) for each in PARETO] for row in rows]),
        usd=np.array([[float(row[f"{each}_cost_usd"]) for each in PARETO] for row in rows]),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
