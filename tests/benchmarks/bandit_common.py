"""Whether a drift common to all tasks of a deployment earns its place beside the CUSUMs.

    python -m tests.benchmarks.bandit_common [SEEDS]

Regret after a silent event, with beliefs as shipped and without the common drift. Six tasks, four
deployments, 0/1 rewards. Regret where a success has a value; dollars and success where a floor is
held instead. Writes its tables into docs/routing_measured.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import DEFAULTS, Beliefs
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView

TASKS = tuple(f"task {i}" for i in range(6))
NAMES = ("small", "medium", "large", "flagship")
USD = (1e-4, 4e-4, 8e-4, 3e-3)
BASE = np.array([[0.74, 0.86, 0.90, 0.94]] * 6) + np.linspace(-0.04, 0.04, 6)[:, None]
AIM = Objective(kind="value", usd_per_success=0.02)
FLOOR = Objective(quality_floor=0.9)
BEFORE, AFTER, REFRESH = 1500, 1500, 20

EVENTS = {
    "nothing happens": (0.0, range(0)),
    "large loses 5 points on all tasks": (0.05, range(6)),
    "large loses 15 points on all tasks": (0.15, range(6)),
    "large loses 15 points on one task": (0.15, range(1)),
}


PLAIN = BeliefSettings(follows_drift=False)
"""Beliefs of a task that move with its own rewards alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Over the requests after the event: dollars lost against the truth, spent, and success."""

    lost: float
    spent: float
    success: float


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    regrets, floors = [], []
    for words, (loss, tasks) in EVENTS.items():
        plain, drifting = (
            np.array([run(Beliefs(each), AIM, loss, tasks, seed).lost for seed in range(seeds)])
            for each in (PLAIN, DEFAULTS)
        )
        regrets.append([words, f"${plain.mean():.3f}", f"${drifting.mean():.3f}",
                        change(drifting - plain, plain.mean())])  # fmt: skip
        held = [
            [run(Beliefs(each), FLOOR, loss, tasks, seed) for seed in range(seeds)]
            for each in (PLAIN, DEFAULTS)
        ]
        spent = [np.array([each.spent for each in runs]) for runs in held]
        success = [np.mean([each.success for each in runs]) for runs in held]
        floors.append([words, f"${spent[0].mean():.3f} at {success[0]:.3f}",
                       f"${spent[1].mean():.3f} at {success[1]:.3f}",
                       change(spent[1] - spent[0], spent[0].mean())])  # fmt: skip
    text = "\n\n".join(
        [
            markdown(["event", "regret without it", "with it", "change"], regrets),
            "A floor of 0.90 held instead, dollars spent and mean success:",
            markdown(["event", "without it", "with it", "change of dollars"], floors),
        ]
    )
    print(text)
    write_between(DOCS / "routing_measured.md", "common", text)


def change(gap: FloatArray, base: float) -> str:
    error = gap.std(ddof=1) / len(gap) ** 0.5
    return f"{gap.mean() / base:+.0%} +- {error / base:.0%}"


def run(beliefs: Beliefs, aim: Objective, loss: float, tasks: range, seed: int) -> Seen:
    """One run; the same seed has the same luck with either belief."""
    policy = PriceAware(beliefs, aim)
    rng = np.random.default_rng(seed)
    truth, usd = BASE.copy(), np.array(USD)
    lost = spent = success = 0.0
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
        policy.served.observe(views[task].cell, NAMES[arm])
        beliefs.observe(views[task].cell, NAMES[arm], reward, now=now)
        if i >= BEFORE:
            net = (AIM.usd_per_success or 0.0) * truth[task] - usd
            lost += float(net.max() - weights[task] @ net)
            spent += float(weights[task] @ usd)
            success += float(weights[task] @ truth[task]) / AFTER
    return Seen(lost=lost, spent=spent, success=success)


if __name__ == "__main__":
    main()
