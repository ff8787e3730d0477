"""What the shipped public figures save in the first requests, against an uninformed start.

    python -m tests.benchmarks.bandit_priors [SEEDS]

Eight candidates, five tasks, no history. The shipped figures are LiveBench's; the truth is of other
people and other questions: the success rates of OpenAI's simple-evals (README, commit 0f2cf33).
Writes its table into docs/routing_measured.md.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.config.benchmark_rates import published
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.benchmark_priors import NOTHING
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView

TASKS = ("coding", "math", "extraction", "language", "questions")
"""HumanEval, MATH, DROP, MGSM, MMLU."""

TRUTH = {
    "o3": (0.874, 0.978, 0.806, 0.923, 0.929),
    "o4-mini": (0.973, 0.975, 0.777, 0.937, 0.900),
    "gpt-4.1": (0.945, 0.821, 0.794, 0.869, 0.902),
    "gpt-4.1-mini": (0.938, 0.814, 0.810, 0.882, 0.875),
    "gpt-4.1-nano": (0.870, 0.623, 0.822, 0.730, 0.801),
    "gpt-4o": (0.902, 0.685, 0.815, 0.903, 0.857),
    "gpt-4o-mini": (0.872, 0.702, 0.797, 0.870, 0.820),
    "claude-3-5-sonnet": (0.920, 0.711, 0.871, 0.916, 0.883),
}
PRICES = {
    "o3": (2.0, 8.0),
    "o4-mini": (1.1, 4.4),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4o": (2.5, 10.0),
    "gpt-4o-mini": (0.15, 0.6),
    "claude-3-5-sonnet": (3.0, 15.0),
}
"""Dollars per million tokens, in and out, as listed in 2025."""

TOKENS_IN, TOKENS_OUT, THOUGHT = 600, 300, 1200
USD = tuple(
    (TOKENS_IN * low + (TOKENS_OUT + THOUGHT * name.startswith("o")) * high) / 1e6
    for name, (low, high) in PRICES.items()
)
VALUES = (0.01, 0.05, 0.25)
FLOOR = 0.85
MARKS = (50, 200, 500)
REFRESH = 20


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    aims = [Objective(kind="value", usd_per_success=value) for value in VALUES]
    rows = [row for aim in (*aims, Objective(quality_floor=FLOOR)) for row in rows_of(aim, seeds)]
    head = ["objective", "requests", "uninformed", "priors", "ratio"]
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "routing_measured.md", "priors", text)


def rows_of(objective: Objective, seeds: int) -> list[list[str]]:
    plain, leaning = (
        np.array([start(objective, seed, is_informed=informed) for seed in range(seeds)])
        for informed in (False, True)
    )
    if objective.usd_per_success is not None:
        name = f"value ${objective.usd_per_success:g}: regret"
        return [_row(name, mark, plain[..., 0], leaning[..., 0]) for mark in MARKS]
    name = f"floor {FLOOR:g}: expected failures"
    return [_row(name, mark, 1 - plain[..., 1], 1 - leaning[..., 1]) for mark in MARKS]


def _row(name: str, mark: int, plain: np.ndarray, leaning: np.ndarray) -> list[str]:
    """Means of the sums over the first `mark` requests, and their ratio with its error."""
    much, less = plain[:, :mark].sum(axis=1), leaning[:, :mark].sum(axis=1)
    ratio = less.mean() / much.mean()
    error = (less - ratio * much).std(ddof=1) / len(much) ** 0.5 / much.mean()
    numbers = [f"{side.mean():.3g}" for side in (much, less)]
    return [name, str(mark), *numbers, f"{ratio:.2f} +- {error:.2f}"]


def start(objective: Objective, seed: int, *, is_informed: bool) -> np.ndarray:
    """(requests, 2): expected loss against knowing the truth at V, and expected success."""
    names = tuple(TRUTH)
    models = {name: name for name in names}
    beliefs = Beliefs(published=published(models) if is_informed else NOTHING)
    policy = PriceAware(beliefs, objective)
    success = np.array(list(TRUTH.values())).T
    net = (objective.usd_per_success or 0.0) * success - np.array(USD)
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(max(MARKS)):
        now = float(number)
        if number % REFRESH == 0:
            weights = [np.array(policy.weigh(view, now).weights) for view in views(names)]
        task = int(rng.integers(len(TASKS)))
        w = weights[task]
        rows.append((net[task].max() - w @ net[task], w @ success[task]))
        arm = int(rng.choice(len(names), p=w / w.sum()))
        reward = float(rng.random() < success[task, arm])
        beliefs.observe(views(names)[task].cell, names[arm], reward, now=now)
    return np.array(rows)


def views(names: tuple[str, ...]) -> list[CellView]:
    return [
        CellView(cell=Cell("default", "auto", task), deployments=names, usd=USD) for task in TASKS
    ]


if __name__ == "__main__":
    main()
