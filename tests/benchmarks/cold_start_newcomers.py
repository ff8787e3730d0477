"""A newcomer beside what is known: what finding out costs, and who suffers for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from math import inf
from statistics import mean

import numpy as np

from tests.benchmarks.cold_start_bars import row
from windsock.simulation.engines.contenders import contenders
from windsock.simulation.engines.runner import run
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World

TASKS = ("chat", "sql", "ner", "tools")
FLOOR = 0.84
OLD = {"p/small": (50.0, (0.87, 0.86, 0.88, 0.87)), "p/large": (832.0, (0.94, 0.93, 0.95, 0.92))}
"""Millionths of a dollar a request, and success by task."""

NOBODY = "that never comes"
"""What holding the floor costs beside what is known alone: no rule for newcomers can do better."""

NEWCOMERS = {
    "good": (26.0, (0.90, 0.89, 0.91, 0.90)),
    "worse": (26.0, (0.55, 0.50, 0.60, 0.50)),
    "good but for one task": (26.0, (0.90, 0.89, 0.91, 0.60)),
    NOBODY: (inf, (0.0, 0.0, 0.0, 0.0)),
}
NEW = "q/new"
LABELS = (1.0, 0.1, 0.01)
ORDERS = ("wanted", "any")
"""Which answers are judged first."""

HOURS, PER_HOUR, EVALUATED = 7, 1000, 300
"""The newcomer appears after the first hour; the others have been evaluated on so many prompts."""

MOST_COST = {"good": 1.5, "worse": 1.1}
FOUND_WITHIN = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """After the newcomer came.

    ratio       dollars over those of the oracle
    missed      the most that a task was below its floor
    until       requests until most of a hundred go to it, None if never
    """

    ratio: float
    missed: float
    until: int | None


def scenario(kind: str, labels: float, order: str) -> Scenario:
    """Two with a history, and the newcomer."""
    known = OLD if kind == NOBODY else OLD | {NEW: NEWCOMERS[kind]}
    return Scenario.model_validate(
        {
            "title": kind,
            "hours": HOURS,
            "requests_per_hour": PER_HOUR,
            "evaluated": EVALUATED,
            "feedback_share": labels,
            "feedback_order": order,
            "route": {"quality_floor": FLOOR},
            "rivals": {"flagship": "p/large", "otherwise": "p/large"},
            "tasks": {
                task: {"share": 1, "prompt_tokens": 500, "output_tokens": 1} for task in TASKS
            },
            "deployments": {
                name: {
                    "input": usd / 500,
                    "output": 0.0,
                    "quality": dict(zip(TASKS, rates, strict=True)),
                    "from_hour": float(name == NEW),
                }
                for name, (usd, rates) in known.items()
            },
        }
    )


def play(kind: str, labels: float, order: str, seed: int) -> Found:
    """One run, from the moment on when the newcomer comes."""
    world = World(scenario(kind, labels, order), seed)
    steps = run(world, "windsock", contenders(world)["windsock"], seed).steps
    after = [step for step in steps if step.at >= world.starts_at + 3600 and step.deployment]
    known = OLD | {NEW: NEWCOMERS[kind]}
    spent = np.array([known[step.deployment][0] for step in after])
    right = np.array([known[step.deployment][1][TASKS.index(step.task)] for step in after])
    best = [min(usd for usd, rates in known.values() if rates[g] >= FLOOR) for g in range(4)]
    tasks = np.array([TASKS.index(step.task) for step in after])
    return Found(
        ratio=float(spent.sum() / np.array(best)[tasks].sum()),
        missed=max(FLOOR - float(right[tasks == g].mean()) for g in range(4)),
        until=_until([step.deployment == NEW for step in after]),
    )


def _until(is_new: list[bool]) -> int | None:
    share = np.convolve(is_new, np.ones(100) / 100, "valid")
    found = np.flatnonzero(share > 0.5)
    return int(found[0]) + 100 if len(found) else None


def bars(pool: Executor, seeds: int) -> Iterator[list[str]]:
    """Rows of bar, where, figure, bound, and whether it is met."""
    kinds = [
        (kind, labels, order)
        for kind, labels, order in product(NEWCOMERS, LABELS, ORDERS)
        if order == "wanted" or (labels < 1.0 and kind != NOBODY)
    ]
    jobs = [(*each, seed) for each in kinds for seed in range(1, seeds + 1)]
    played = list(pool.map(play, *zip(*jobs, strict=True)))
    for i, (kind, labels, order) in enumerate(kinds):
        found, where = (
            played[i * seeds : (i + 1) * seeds],
            f"newcomer {kind} {labels:.0%}, {order} first",
        )
        ratio, missed = mean(f.ratio for f in found), mean(f.missed for f in found)
        most = MOST_COST.get(kind, inf)
        yield row("of the oracle's dollars", where, f"{ratio:.2f}", f"{most}", ratio <= most)
        yield row("a task below its floor", where, f"{missed:.3f}", "0.03", missed <= 0.03)
        if kind == "good":
            waits = [f.until or 10**6 for f in found]
            yield row("requests until found", where, f"{mean(waits):.0f}", f"{FOUND_WITHIN}",
                      mean(waits) <= FOUND_WITHIN)  # fmt: skip
