"""What solving a table of 20 deployments costs, whole: view, weights and facts, after a reward.

    python -m tests.benchmarks.table_speed
    python -m tests.benchmarks.side_by_side be0d6a1 table_speed

Three tasks, up to 600 rewards a cell, prices over 500 times; a route's rungs are chosen anew and
one cell is weighed, as the first request after new evidence does. Best of several rounds.
"""

from __future__ import annotations

import itertools

import numpy as np

from tests.benchmarks.bandit_speed import OBJECTIVES, best_s
from tests.benchmarks.tables import markdown
from tests.builders import START, request, router
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

ARMS, TASKS, REWARDS = 20, 3, 600


def main() -> None:
    rows = [solve(name, objective) for name, objective in OBJECTIVES.items()]
    print(markdown(["20 deployments", "bar", "a table"], rows))


def solve(name: str, objective: Objective) -> list[str]:
    wind, count = world(objective), itertools.count(1)
    asked = [request(task=f"task {i}") for i in range(TASKS)]
    cell = Cell("default", "auto", "task 0")
    for each in asked:
        wind.open(each, START)

    def work() -> None:
        now = START + 2.0 * next(count)
        wind.beliefs.observe(cell, "p/0", 1.0, now=now)
        wind.tables.count_evidence(cell, now)
        wind.open(asked[0], now)

    return [name, "", f"{best_s(work, 60) * 1e3:.2f} ms"]


def world(objective: Objective) -> Router:
    """Beliefs of random evidence up to REWARDS, prices over 500x."""
    rng = np.random.default_rng(0)
    usd = np.exp(np.linspace(0, np.log(500), ARMS)) * 0.05
    wind = router(prices={f"p/{k}": float(usd[k]) for k in range(ARMS)}, objective=objective)
    base = rng.uniform(0.6, 0.95, ARMS)
    for i in range(TASKS):
        cell = Cell("default", "auto", f"task {i}")
        for k, mean in enumerate(np.clip(base + 0.05 * rng.normal(size=ARMS), 0.3, 0.98).tolist()):
            n = float(rng.integers(REWARDS // 4, REWARDS + 1))
            wind.beliefs.observe_sums(cell, f"p/{k}", n, n * mean, n * mean, now=START)
            usage = Usage(input_tokens=300, output_tokens=100)
            wind.beliefs.observe_usage(cell, f"p/{k}", usage, START)
        wind.tables.count_evidence(cell, START)
    return wind


if __name__ == "__main__":
    main()
