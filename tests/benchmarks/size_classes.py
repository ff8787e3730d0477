"""What weights by prompt size save: dollars of the same success, with classes of size and without.

    python -m tests.benchmarks.size_classes

Floors held by beliefs that are sure; prompts log-normal around 1,000 tokens, answers of 200. Both
sides are charged what every single prompt costs where it is sent. Writes docs/routing_measured.md.
"""

from __future__ import annotations

import itertools

import numpy as np

from tests.benchmarks.bandit_speed import best_s
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, request, router
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

PRICES = {"p/small": 0.1, "p/middle": 1.0, "p/large": 5.0}
RATES = {"p/small": 0.75, "p/middle": 0.86, "p/large": 0.92}
ANSWER, REQUESTS = 200, 2000
FLOORS, SPREADS = (0.80, 0.85, 0.88), (0.25, 0.5, 0.75, 1.0, 1.5)
CELL = Cell("default", "auto", "sql")


def main() -> None:
    rows = [row(spread, floor) for spread in SPREADS for floor in FLOORS]
    text = markdown(
        ["spread of sizes", "floor", "classes", "$ per 1,000, one", "by size", "ratio", "solve"],
        rows,
    )
    print(text)
    write_between(DOCS / "routing_measured.md", "sizes", text)


def row(spread: float, floor: float) -> list[str]:
    sizes = prompts(spread)
    one, sized = world(sizes, floor, learns=False), world(sizes, floor, learns=True)
    costs = [1000 * cost(each, sizes) for each in (one, sized)]
    took = [solve_s(each) for each in (one, sized)]
    classes = sized.tables.sizes.of(CELL)
    return [
        f"{spread:g}",
        f"{floor:g}",
        f"{len(classes.shares) if classes else 1}",
        f"{costs[0]:.3f}",
        f"{costs[1]:.3f}",
        f"{costs[1] / costs[0]:.2f}",
        f"x {took[1] / took[0]:.2f}",
    ]


def prompts(spread: float) -> list[int]:
    drawn = 1000 * np.exp(np.random.default_rng(0).normal(0, spread, REQUESTS))
    return np.clip(drawn, 1, 32_000).astype(int).tolist()


def world(sizes: list[int], floor: float, *, learns: bool) -> Router:
    """A router that is sure of success, and has seen these prompts."""
    wind = router(prices=PRICES, objective=Objective(kind="quality_floor", quality_floor=floor))
    for name, rate in RATES.items():
        wind.beliefs.observe_sums(CELL, name, 600.0, 600 * rate, 600 * rate, now=START)
        for size in sizes:
            usage = Usage(input_tokens=size, output_tokens=ANSWER)
            wind.beliefs.observe_usage(CELL, name, usage, START)
            if learns:
                wind.tables.sizes.observe(CELL, name, size, size)
    return wind


def cost(wind: Router, sizes: list[int]) -> float:
    """Expected dollars of a request over these prompts, each charged as it is."""
    dollars = 0.0
    for size in sizes:
        asked = request(task=CELL.task, prompt_tokens=size)
        table = wind.tables.lookup(wind.routes["auto"], asked, START)
        usage = Usage(input_tokens=size, output_tokens=ANSWER)
        for name, weight in zip(table.deployments, table.weights, strict=True):
            dollars += weight * float(wind.book.cost_usd(name, usage, START) or 0)
    return dollars / len(sizes)


def solve_s(wind: Router) -> float:
    """One table after a reward."""
    count = itertools.count(1)

    def work() -> None:
        now = START + 2.0 * next(count)
        wind.beliefs.observe(CELL, "p/small", 1.0, now=now)
        wind.tables.count_evidence(CELL, now)
        wind.tables.lookup(wind.routes["auto"], request(task=CELL.task, prompt_tokens=1000), now)

    return best_s(work, 60)


if __name__ == "__main__":
    main()
