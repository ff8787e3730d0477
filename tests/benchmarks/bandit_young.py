"""How fast a new deployment finds its niche, and what learning about it costs.

    python -m tests.benchmarks.bandit_young [SEEDS]

Four deployments with a history of 600 rewards a task; then a fifth appears, five times: good and
cheap, good for one task only, good and dear, no better than what is there, bad and cheap. Through
`Router.open`, rewards 0/1. Rightful share: that of a policy that knows everything. Writes its table
into docs/routing_measured.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, answered, request, router
from windsock.core.beliefs.route_beliefs import YOUNG_REWARDS
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

TASKS = ("chat", "sql", "ner")
OLD = {
    "a/small": (0.2, (0.75, 0.60, 0.80)),
    "b/medium": (0.8, (0.84, 0.75, 0.86)),
    "c/large": (2.5, (0.90, 0.88, 0.90)),
    "d/flagship": (8.0, (0.94, 0.93, 0.93)),
}
"""Dollars per million input tokens, and true success by task."""

NEW = "e/new"
NEWCOMERS = {
    "good and cheap": (0.4, (0.92, 0.91, 0.92)),
    "good for one task only": (0.4, (0.70, 0.92, 0.70)),
    "good and dear": (6.0, (0.97, 0.96, 0.97)),
    "no better": (0.8, (0.84, 0.75, 0.86)),
    "bad and cheap": (0.1, (0.40, 0.40, 0.40)),
}
AIM = Objective(kind="value", usd_per_success=0.01)
REQUESTS = 1500
WINDOW = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run. until: requests per task until 80 % of its rightful share, None if it has none."""

    until: float | None
    most_share_while_young: float
    learning_usd: float
    spent_usd: float


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    rows = [row_of(name, seeds) for name in NEWCOMERS]
    head = [
        "newcomer", "rightful share", "requests per task until 80 % of it",
        "largest share while young (bound 30 %)", "its bills while young", "of all spent",
    ]  # fmt: skip
    text = markdown(head, rows)
    print(text)
    write_between(DOCS / "routing_measured.md", "young", text)


def row_of(name: str, seeds: int) -> list[str]:
    rightful = shares(known(name))
    found = [one_run(name, rightful, seed) for seed in range(seeds)]
    waits = [one.until for one in found if one.until is not None]
    wait = f"median {np.median(waits):.0f}, 95 % {np.quantile(waits, 0.95):.0f}" if waits else "-"
    share = max(one.most_share_while_young for one in found)
    cost = [one.learning_usd for one in found]
    bound = YOUNG_REWARDS * answer_usd(NEWCOMERS[name][0])
    part = np.mean([one.learning_usd / one.spent_usd for one in found])
    return [
        name,
        ", ".join(f"{task} {w:.2f}" for task, w in zip(TASKS, rightful, strict=True)),
        wait,
        f"{share:.1%}",
        f"${np.mean(cost):.4f}, worst ${np.max(cost):.4f}, bound ${bound:.4f}",
        f"{part:.1%}",
    ]


def answer_usd(usd_per_mtok: float) -> float:
    """What one answer of the builders' size costs: 500 tokens in, 200 out at four times."""
    return (500 + 4 * 200) * usd_per_mtok / 1e6


def start(name: str) -> tuple[Router, dict[str, tuple[float, ...]]]:
    usd, rates = NEWCOMERS[name]
    prices = {each: price for each, (price, _) in OLD.items()} | {NEW: usd}
    it = router(objective=AIM, prices=prices)
    return it, {each: rates for each, (_, rates) in OLD.items()} | {NEW: rates}


def teach(it: Router, name: str, rates: tuple[float, ...], count: float) -> None:
    for task, rate in zip(TASKS, rates, strict=True):
        cell = Cell("default", "auto", task)
        it.learn_sums(cell, name, count, count * rate, count * rate, START)


def known(name: str) -> Router:
    it, truth = start(name)
    for each, rates in truth.items():
        teach(it, each, rates, 600.0)
    return it


def shares(it: Router) -> list[float]:
    tables = [it.table("default", "auto", task, START) for task in TASKS]
    return [dict(zip(t.deployments, t.weights, strict=True)).get(NEW, 0.0) for t in tables]


def one_run(name: str, rightful: list[float], seed: int) -> Found:
    it, truth = start(name)
    for each in OLD:
        teach(it, each, truth[each], 600.0)
    rng = np.random.default_rng(seed)
    seen: list[list[float]] = [[] for _ in TASKS]
    young_share = learnt = spent = rewards = 0.0
    for i in range(REQUESTS):
        now = START + 1.0 + i / 25.0
        task = int(rng.integers(len(TASKS)))
        exchange = it.open(request(task=TASKS[task]), now)
        attempt = exchange.next_attempt(now)
        exchange.report(answered(attempt), now)
        outcome = exchange.outcome(now)
        usd = float(outcome.cost_usd)
        share = dict(zip(exchange.table.deployments, exchange.table.weights, strict=True))[NEW]
        seen[task].append(share)
        spent += usd
        if attempt.deployment == NEW and rewards < YOUNG_REWARDS:
            rewards += 1
            young_share = max(young_share, share)
            learnt += usd
        reward = Reward(value=float(rng.random() < truth[attempt.deployment][task]))
        it.learn(outcome.decision, attempt.deployment, reward, now)
    waits = [_until(seen[k], 0.8 * share) for k, share in enumerate(rightful) if share > 0.6]
    return Found(
        until=max(waits) if waits else None,
        most_share_while_young=young_share,
        learning_usd=learnt,
        spent_usd=spent,
    )


def _until(share: list[float], wanted: float) -> float:
    """Requests of the task until its share over a window reaches what is wanted."""
    rolling = np.convolve(share, np.ones(WINDOW) / WINDOW, mode="valid")
    reached = np.flatnonzero(rolling >= wanted)
    return float(reached[0]) if len(reached) else float(len(share))


if __name__ == "__main__":
    main()
