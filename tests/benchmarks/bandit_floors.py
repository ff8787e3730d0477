"""Quality floors on ParetoBandit's data: what every task got, over 20 seeds.

    python -m tests.benchmarks.bandit_floors [SEEDS]

Writes its table into docs/routing_measured.md; tasks with over 500 outcomes in both splits.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.bandit_pareto_sides import Windsock, run
from tests.benchmarks.bandit_pareto_world import OLD, Setting, prompts
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.policies.objectives import Objective

FLOORS = (0.85, 0.90, 0.93)
SETTING = Setting(event="stationary", budget=1.0)


BAR = 0.002
HEAD = [
    "floor", "task", "mean reward", "over the floor", "bar -.002",
    "cheapest model alone", "best model alone", "$/request",
]  # fmt: skip


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    measured = [one for floor in FLOORS for one in measure(floor, seeds)]
    text = f"{markdown(HEAD, [one.row() for one in measured])}\n\n{verdict(measured)}"
    print(text)
    write_between(DOCS / "routing_measured.md", "floors", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One task under one floor. error: standard error of the mean over seeds."""

    floor: float
    task: str
    reward: float
    error: float
    cheapest: float
    best: float
    usd: float

    @property
    def gap(self) -> float:
        return self.reward - self.floor

    @property
    def is_met(self) -> bool:
        return self.gap >= -BAR

    def row(self) -> list[str]:
        return [
            f"{self.floor:.2f}",
            self.task,
            f"{self.reward:.4f}",
            f"{self.gap:+.4f} +- {self.error:.4f}",
            "met" if self.is_met else "**missed**",
            f"{self.cheapest:.4f}",
            f"{self.best:.4f}",
            f"{self.usd:.2e}",
        ]


def verdict(measured: list[Measured]) -> str:
    """The bar over all tasks and floors, with the worst."""
    worst = min(measured, key=lambda one: one.gap)
    met = sum(one.is_met for one in measured)
    return (
        f"Bar: no task with over 500 outcomes more than {BAR} below its floor. Met by {met} of "
        f"{len(measured)}; the worst is {worst.task} at {worst.floor:.2f}, {worst.gap:+.4f} +- "
        f"{worst.error:.4f}."
    )


def measure(floor: float, seeds: int) -> list[Measured]:
    objective = Objective(kind="quality_floor", quality_floor=floor)
    test = prompts("test")
    counts = Counter(prompts("val").task) + Counter(test.task)
    found: dict[str, list[list[tuple[float, float]]]] = {}
    for seed in range(seeds):
        phases = SETTING.phases(np.random.default_rng(seed))
        side = Windsock(SETTING, "label", seed, objective)
        rows = run(side, phases, np.random.default_rng(10_000 + seed))["test"]
        for index, pair in zip(phases[0].order, rows.tolist(), strict=True):
            task = test.task[index]
            found.setdefault(task, [[] for _ in range(seeds)])[seed].append(tuple(pair))
    return [
        _measured(floor, task, np.array(found[task]))
        for task in sorted(found)
        if counts[task] > 500
    ]


def _measured(floor: float, task: str, got: np.ndarray) -> Measured:
    """got  (seeds, requests, 2) rewards and dollars"""
    test = prompts("test")
    alone = test.reward[[other == task for other in test.task]][:, : len(OLD)].mean(axis=0)
    by_seed = got[..., 0].mean(axis=1)
    return Measured(
        floor=floor,
        task=task,
        reward=float(by_seed.mean()),
        error=float(by_seed.std(ddof=1) / len(by_seed) ** 0.5),
        cheapest=float(alone[0]),
        best=float(alone.max()),
        usd=float(got[..., 1].mean()),
    )


if __name__ == "__main__":
    main()
