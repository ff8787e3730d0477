"""How fast silent losses and unannounced prices are found, how often wrongly, and the way back.

    python -m tests.benchmarks.bandit_drift [SCALE]
    python -m tests.benchmarks.bandit_drift bounds

Writes its table into docs/routing_measured.md. Rewards and bills are drawn from ParetoBandit's
test split, each prompt judged within its task, or 0/1 with the same means.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from tests.benchmarks.bandit_pareto_world import MODELS, OLD, prompts
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.drift.change_detection import Finding
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.evidence.bill_monitor import BillWatch
from windsock.core.model.requests import Cell
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView
from windsock.core.routing.sampling import uniform

SETTINGS = BeliefSettings(half_life_s=1e9)
CELL = Cell("default", "auto", "all")
NAMES = ("cheap", "mid", "best")
USD = (1e-5, 1e-4, 5e-4)
MEANS = (0.80, 0.86, 0.93)
LOSS = 0.15
WARM, LOST, AFTER = 400, 400, 500


FALSE = 1e-5
"""Alarms a reward that may be false."""

SURE = 0.995


def bounds() -> list[list[str]]:
    """What no test can do better: Lorden 1971 for alarms, Wald 1945 for the way back."""
    test, rows = prompts("test"), []
    for model in OLD:
        column = test.reward[:, MODELS.index(model)]
        mean = {task: column[[t == task for t in test.task]].mean() for task in set(test.task)}
        off = [(r - mean[t]) ** 2 for r, t in zip(column, test.task, strict=True)]
        rate = float(column.mean())
        graded = np.log(1 / FALSE) / (LOSS**2 / (2 * float(np.mean(off))))
        binary = np.log(1 / FALSE) / divergence(rate * (1 - LOSS / 0.9), rate)
        rows.append([f"alarm after {model} loses 15 points", f"{graded:.0f}", f"{binary:.0f}"])
    best = MEANS[2]
    needed = np.log(1 / (1 - SURE)) / divergence(best, best - LOSS)
    graded = np.log(1 / (1 - SURE)) / (LOSS**2 / (2 * best * (1 - best) / 10))
    what = f"rewards of the best until its return is {SURE:.1%} sure"
    return [*rows, [what, f"{graded:.0f}", f"{needed:.0f}"]]


def divergence(p: float, q: float) -> float:
    """Kullback and Leibler's, of a reward of 0 or 1: nats a reward of p tells against q."""
    return float(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


def main() -> None:
    if sys.argv[1:] == ["bounds"]:
        head = ["rewards needed on average, at least", "judge's rewards", "0/1 rewards"]
        write_between(DOCS / "routing_measured.md", "drift-bounds", markdown(head, bounds()))
        return
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rows = [*quality_rows(scale), *lockout_rows(scale), *bill_rows(scale)]
    text = markdown(["what", "bar", "measured"], rows)
    print(text)
    write_between(DOCS / "routing_measured.md", "drift", text)


def quality_rows(scale: float) -> list[list[str]]:
    rows, count = [], int(100_000 * scale)
    for label, is_graded in (("judge's rewards", True), ("0/1 rewards", False)):
        false = sum(alarms(model, is_graded, count) for model in OLD)
        rows.append([f"false alarms, {label}, 3 x {count:,}", "at most 3", str(false)])
        for model in OLD:
            delays = [delay(model, is_graded, seed) for seed in range(int(200 * scale))]
            text = f"median {np.median(delays):.0f}, 95 % within {np.quantile(delays, 0.95):.0f}"
            bar = "30" if is_graded else "not set"
            rows.append([f"alarm after {model} loses 15 points, {label}", bar, text])
    return rows


def rewards(
    model: str, is_graded: bool, rng: np.random.Generator, count: int
) -> list[tuple[str, float]]:
    test = prompts("test")
    picked = rng.integers(0, len(test), count).tolist()
    column = test.reward[:, MODELS.index(model)]
    mean = {task: column[[t == task for t in test.task]].mean() for task in set(test.task)}
    draws = rng.random(count)
    return [
        (test.task[i], float(column[i] if is_graded else u < mean[test.task[i]]))
        for i, u in zip(picked, draws, strict=True)
    ]


def alarms(model: str, is_graded: bool, count: int) -> int:
    """Alarms that were raised though nothing changed."""
    beliefs = Beliefs(SETTINGS)
    found = 0
    stream = rewards(model, is_graded, np.random.default_rng(0), count)
    for i, (task, value) in enumerate(stream):
        _learn(beliefs, Cell("default", "auto", task), model, value, i)
        wrong = (Finding.WORSE.value, Finding.BETTER.value)
        found += sum(shift.facts["finding"] in wrong for shift in beliefs.quality.drain())
    return found


def delay(model: str, is_graded: bool, seed: int) -> int:
    rng = np.random.default_rng(seed)
    beliefs = Beliefs(SETTINGS)
    for i, (task, value) in enumerate(rewards(model, is_graded, rng, 900)):
        _learn(beliefs, Cell("default", "auto", task), model, value, i)
    beliefs.quality.drain()
    for i, (task, value) in enumerate(rewards(model, is_graded, rng, 2000)):
        hit = max(0.0, value - LOSS) if is_graded else value * float(rng.random() > LOSS / 0.9)
        _learn(beliefs, Cell("default", "auto", task), model, hit, 900 + i)
        if any(shift.facts["finding"] == Finding.WORSE.value for shift in beliefs.quality.drain()):
            return i + 1
    return 2000


def _learn(beliefs: Beliefs, cell: Cell, model: str, value: float, number: int) -> None:
    if number % 20 == 0:
        beliefs.posterior(cell, model)
    beliefs.observe(cell, model, value, now=float(number))


def lockout_rows(scale: float) -> list[list[str]]:
    rows = []
    for label, draw in (("judge's rewards", _graded), ("0/1 rewards", _binary)):
        found = np.array([way_back(seed, draw) for seed in range(int(1000 * scale))])
        back = (found[:, 1] <= AFTER).mean()
        text = f"{back:.1%}; median {np.median(found[:, 1]):.0f} requests"
        rows.append([f"best is back above 80 % of its share within 500, {label}", "99.5 %", text])
        text = f"median {np.median(found[:, 0]):.0f} requests"
        rows.append([f"90 % of its traffic has moved after the loss, {label}", "165-265", text])
    return rows


def _graded(mean: float, rng: np.random.Generator) -> float:
    return float(rng.beta(9 * mean, 9 * (1 - mean)))


def _binary(mean: float, rng: np.random.Generator) -> float:
    return float(rng.random() < mean)


def way_back(seed: int, draw: Callable[[float, np.random.Generator], float]) -> tuple[int, int]:
    """Requests until the traffic of the lost model has moved, and until it is back."""
    rng = np.random.default_rng(seed)
    policy = PriceAware(Beliefs(SETTINGS), Objective(kind="value", usd_per_success=0.02))
    view = CellView(cell=CELL, deployments=NAMES, usd=USD)
    rightful, moved, back = 1.0, LOST + 1, AFTER + 1
    weights = policy.weigh(view, 0.0).weights
    for i in range(WARM + LOST + AFTER):
        if i % 20 == 0:
            policy.refresh([view], float(i))
            weights = policy.weigh(view, float(i)).weights
            rightful = weights[2] if i <= WARM else rightful
            if i > WARM and weights[2] < 0.1 * rightful:
                moved = min(moved, i - WARM)
            if i > WARM + LOST and weights[2] > 0.8 * rightful:
                back = min(back, i - WARM - LOST)
        u = uniform(seed, i, 0)
        arm = 0 if u < weights[0] else 1 if u < weights[0] + weights[1] else 2
        is_lost = arm == 2 and WARM <= i < WARM + LOST
        value = draw(MEANS[arm] - LOSS * is_lost, rng)
        policy.beliefs.observe(CELL, NAMES[arm], value, now=float(i))
    return moved, back


def bill_rows(scale: float) -> list[list[str]]:
    count = int(100_000 * scale)
    false = sum(len(bill_alarms(model, 1.0, 0, count)) for model in OLD)
    rows = [[f"false alarms of bills, learnt token mix, 3 x {count:,}", "0", str(false)]]
    for factor, bar in ((5.0, "10"), (1.3, "200")):
        delays = [
            (bill_alarms(model, factor, 300, 2000, seed) or [2300])[0] - 300
            for model in OLD
            for seed in range(int(100 * scale))
        ]
        text = f"median {np.median(delays):.0f}, 95 % within {np.quantile(delays, 0.95):.0f}"
        rows.append([f"bills until an unannounced price x{factor:g} is found", bar, text])
    return rows


def bill_alarms(model: str, factor: float, warm: int, count: int, seed: int = 0) -> list[int]:
    """Numbers of the bills at which an alarm was raised; the price changes after `warm`."""
    test = prompts("test")
    column = test.usd[:, MODELS.index(model)]
    mean = {task: column[[t == task for t in test.task]].mean() for task in set(test.task)}
    watch = BillWatch()
    found = []
    picked = np.random.default_rng(seed).integers(0, len(test), warm + count).tolist()
    for number, i in enumerate(picked):
        billed = float(column[i]) * (factor if number >= warm else 1.0)
        if watch.observe(billed, float(mean[test.task[i]])) is not None:
            found.append(number + 1)
            if factor != 1.0:
                break
    return found


if __name__ == "__main__":
    main()
