"""Quality floors on ParetoBandit's data: what every task got, over 20 seeds.

    python -m tests.benchmarks.bandit_floors [SEEDS]

Writes its table into docs/routing.md; tasks with over 500 outcomes in both splits together.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np

from tests.benchmarks.bandit_pareto_sides import Windsock, run
from tests.benchmarks.bandit_pareto_world import OLD, Setting, prompts
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.policy import Objective

FLOORS = (0.85, 0.90, 0.93)
SETTING = Setting(event="stationary", budget=1.0)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = [row for floor in FLOORS for row in floor_rows(floor, seeds)]
    head = ["floor", "task", "mean reward", "cheapest model alone", "best model alone", "$/request"]
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "routing.md", "floors", text)


def floor_rows(floor: float, seeds: int) -> list[list[str]]:
    objective = Objective(kind="quality_floor", quality_floor=floor)
    test = prompts("test")
    counts = Counter(prompts("val").task) + Counter(test.task)
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        phases = SETTING.phases(np.random.default_rng(seed))
        side = Windsock(SETTING, "label", seed, objective)
        rows = run(side, phases, np.random.default_rng(10_000 + seed))["test"]
        for index, pair in zip(phases[0].order, rows.tolist(), strict=True):
            found.setdefault(test.task[index], []).append(tuple(pair))
    return [
        _row(floor, task, np.array(found[task])) for task in sorted(found) if counts[task] > 500
    ]


def _row(floor: float, task: str, got: np.ndarray) -> list[str]:
    test = prompts("test")
    alone = test.reward[[other == task for other in test.task]][:, : len(OLD)].mean(axis=0)
    reward, usd = got.mean(axis=0)
    numbers = [f"{value:.4f}" for value in (reward, alone[0], alone.max())]
    return [f"{floor:.2f}", task, *numbers, f"{usd:.2e}"]


if __name__ == "__main__":
    main()
