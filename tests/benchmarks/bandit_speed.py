"""What a draw, an update and a re-solve cost, and what a cell weighs.

    python -m tests.benchmarks.bandit_speed

CPU time, best of several rounds, so that what else runs on the machine counts little; writes its
table into docs/routing_measured.md.
"""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, request, router
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.policies.price_aware import PriceAware
from windsock.core.policies.views import CellView
from windsock.core.routing.sampling import draw, uniform

OBJECTIVES = {
    "value": Objective(kind="value", usd_per_success=0.01),
    "cost per success over a floor": Objective(quality_floor=0.88),
    "budget": Objective(kind="budget", usd_per_request=3e-4),
}


def main() -> None:
    rows = [draws(), opening(1, 8), opening(50, 100), updates(), memory()]
    for tasks, arms, bar in ((3, 8, "3 ms"), (50, 100, "250 ms")):
        for rewards in (60, 600):
            rows += [resolve(name, tasks, arms, rewards, bar) for name in OBJECTIVES]
    text = markdown(["what", "bar", "measured"], rows)
    print(text)
    write_between(DOCS / "routing_measured.md", "speed", text)


def best_s(work: Callable[[], object], rounds: int) -> float:
    """Seconds of CPU, the least of all rounds."""
    took = []
    for _ in range(rounds):
        begun = time.thread_time()
        work()
        took.append(time.thread_time() - begun)
    return min(took)


def draws() -> list[str]:
    cumulative = tuple(itertools.accumulate([1 / 8] * 8))
    took = best_s(lambda: [draw(cumulative, uniform(1, i, 0)) for i in range(10_000)], 10)
    return ["one draw among 8", "1 us", f"{took * 100:.2f} us"]


def opening(tasks: int, arms: int) -> list[str]:
    """`Router.open` as a request meets it, tables solved ahead; median over the tasks."""
    wind = router(prices={f"p/{k}": 0.1 + 0.05 * k for k in range(arms)})
    asked = [request(task=f"task {i}") for i in range(tasks)]
    for each in asked:
        wind.open(each, START)
    took = []
    for i in range(5000):
        begun = time.perf_counter()
        wind.open(asked[i % tasks], START)
        took.append(time.perf_counter() - begun)
    label = f"Router.open, {tasks} x {arms}, median"
    return [label, "5 us", f"{np.median(took) * 1e6:.1f} us"]


def updates() -> list[str]:
    policy, views = world(3, 8, 200)
    policy.refresh(views, 0.0)
    policy.beliefs.posterior(views[0].cell, "p/0")
    cell = views[0].cell
    usage = Usage(input_tokens=300, output_tokens=100)

    def work() -> None:
        for i in range(1000):
            policy.beliefs.observe(cell, "p/0", 0.9 + 0.1 * (i % 2), now=float(i))
            policy.beliefs.observe_usage(cell, "p/0", usage, float(i))

    return ["one reward and its usage learnt", "20 us", f"{best_s(work, 10) * 1e3:.1f} us"]


def memory() -> list[str]:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    policy, _ = world(50, 100, 5)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert policy.beliefs.tasks("default", "auto")
    return ["memory of one cell (task x deployment)", "1 KB", f"{used / 5000:.0f} bytes"]


def resolve(name: str, tasks: int, arms: int, rewards: int, bar: str) -> list[str]:
    policy, views = world(tasks, arms, rewards, OBJECTIVES[name])
    count = itertools.count()

    def work() -> None:
        policy.beliefs.observe(views[0].cell, "p/0", 1.0, now=float(next(count)))
        policy.refresh(views, 0.0)
        for view in views:
            policy.weigh(view, 0.0)

    took = best_s(work, 20 if tasks < 10 else 3)
    label = f"re-solve {tasks} x {arms}, {name}, up to {rewards} rewards a cell"
    return [label, bar, f"{took * 1e3:.1f} ms"]


def world(
    tasks: int, arms: int, rewards: int, objective: Objective = OBJECTIVES["value"]
) -> tuple[PriceAware, list[CellView]]:
    """Beliefs of random evidence up to `rewards`, prices over 500x."""
    rng = np.random.default_rng(0)
    beliefs = Beliefs()
    names = tuple(f"p/{k}" for k in range(arms))
    base = rng.uniform(0.6, 0.95, arms)
    usd = 2e-5 * np.exp(rng.uniform(0, np.log(500), arms))
    views = []
    for task in range(tasks):
        cell = Cell("default", "auto", f"task {task}")
        for k, name in enumerate(names):
            mean = float(np.clip(base[k] + 0.05 * rng.normal(), 0.3, 0.98))
            count = float(rng.integers(rewards // 4, rewards + 1))
            beliefs.observe_sums(cell, name, count, count * mean, count * mean, now=0.0)
            beliefs.observe_usage(cell, name, Usage(input_tokens=300, output_tokens=100), 0.0)
        cost = usd * np.exp(0.1 * rng.normal(size=arms))
        share = 1.0 / tasks
        views.append(CellView(cell=cell, deployments=names, usd=tuple(cost.tolist()), share=share))
    return PriceAware(beliefs, objective), views


if __name__ == "__main__":
    main()
