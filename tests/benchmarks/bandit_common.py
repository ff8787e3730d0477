"""Whether a fast drift common to all tasks of a deployment earns its place beside the CUSUMs.

    python -m tests.benchmarks.bandit_common [SEEDS]

Regret after a silent event, with beliefs as shipped and with some that also carry, per deployment,
a fast discounted mean of (reward - belief) over all its tasks, shrunk by 30 rewards, added to every
mean. Six tasks, four deployments, 0/1 rewards. Writes its table into docs/routing.md.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.neighbours import Neighbours
from windsock.core.objective import Objective
from windsock.core.policy import CellView, PriceAware
from windsock.core.pooling import Fit
from windsock.core.posterior import Beliefs
from windsock.core.records import Cell

TASKS = tuple(f"task {i}" for i in range(6))
NAMES = ("small", "medium", "large", "flagship")
USD = (1e-4, 4e-4, 8e-4, 3e-3)
BASE = np.array([[0.74, 0.86, 0.90, 0.94]] * 6) + np.linspace(-0.04, 0.04, 6)[:, None]
AIM = Objective(kind="value", usd_per_success=0.02)
BEFORE, AFTER, REFRESH = 1500, 1500, 20
MEMORY, SHRINK = 100.0, 30.0

EVENTS = {
    "nothing happens": (0.0, range(0)),
    "large loses 5 points on all tasks": (0.05, range(6)),
    "large loses 15 points on all tasks": (0.15, range(6)),
    "large loses 15 points on one task": (0.15, range(1)),
}


class Drifting(Neighbours):
    """Beliefs with a fast drift per deployment, common to all its tasks."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.excess: dict[str, list[float]] = {}

    def beta(self, task: str, deployment: str, fit: Fit | None = None) -> tuple[float, float]:
        a, b = super().beta(task, deployment, fit)
        if fit is not None or deployment not in self.excess:
            return a, b
        total, count = self.excess[deployment]
        mean = min(0.99, max(0.01, a / (a + b) + total / (count + SHRINK)))
        return (a + b) * mean, (a + b) * (1 - mean)

    def judge(self, task: str, deployment: str, value: float, weight: float):  # type: ignore[no-untyped-def]
        a, b = super().beta(task, deployment)
        held = self.excess.setdefault(deployment, [0.0, 0.0])
        held[0] += -held[0] / MEMORY + value - a / (a + b)
        held[1] += -held[1] / MEMORY + 1.0
        return super().judge(task, deployment, value, weight)


class DriftingBeliefs(Beliefs):
    def _new(self) -> Neighbours:
        return Drifting(self.settings, self.published)


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = []
    for words, (loss, tasks) in EVENTS.items():
        plain, drifting = (
            np.array([regret(kind(), loss, tasks, seed) for seed in range(seeds)])
            for kind in (Beliefs, DriftingBeliefs)
        )
        gap = drifting - plain
        rows.append(
            [
                words,
                f"${plain.mean():.3f}",
                f"${drifting.mean():.3f}",
                f"{gap.mean() / plain.mean():+.0%} +- "
                f"{gap.std(ddof=1) / seeds**0.5 / plain.mean():.0%}",
            ]
        )
    head = ["event", "regret as shipped", "with a common drift", "change"]
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "routing.md", "common", text)


def regret(beliefs: Beliefs, loss: float, tasks: range, seed: int) -> float:
    """Dollars lost against knowing the truth, over the requests after the event."""
    policy = PriceAware(beliefs, AIM)
    rng = np.random.default_rng(seed)
    truth, lost = BASE.copy(), 0.0
    views = [
        CellView(cell=Cell("default", "auto", task), deployments=NAMES, usd=USD) for task in TASKS
    ]
    for i in range(BEFORE + AFTER):
        now = float(i)
        if i == BEFORE:
            truth[list(tasks), 2] -= loss
        if i % REFRESH == 0:
            weights = [np.array(policy.weigh(view, now).weights) for view in views]
        task = int(rng.integers(len(TASKS)))
        arm = int(rng.choice(len(NAMES), p=weights[task] / weights[task].sum()))
        reward = float(rng.random() < truth[task, arm])
        beliefs.observe(views[task].cell, NAMES[arm], reward, now=now)
        if i >= BEFORE:
            net = (AIM.usd_per_success or 0.0) * truth[task] - np.array(USD)
            lost += float(net.max() - weights[task] @ net)
    return lost


if __name__ == "__main__":
    main()
