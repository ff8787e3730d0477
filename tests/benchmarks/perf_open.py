"""Microseconds of `Router.open` in process: 8 deployments x 3 tasks, 100 deployments x 50 tasks.

    python -m tests.benchmarks.perf_open [--quick]

Writes its table into docs/performance.md.
"""

from __future__ import annotations

import itertools
import sys
import time
from statistics import median, quantiles

from tests.benchmarks.perf_machine import said
from tests.benchmarks.perf_rounds import BARS, verdict, with_range
from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.builders import START, request, router
from windsock.core.model.requests import RouteRequest
from windsock.core.routing.router import Router

SMALL, LARGE = (8, 3), (100, 50)
BAR_US, RATIO = 5.0, 1.5


def main(*, is_quick: bool) -> None:
    calls, rounds = (2_000, 3) if is_quick else (20_000, 11)
    sides = {shape: prepared(*shape) for shape in (SMALL, LARGE)}
    took: dict[tuple[int, int], list[list[float]]] = {shape: [] for shape in sides}
    for _ in range(rounds):
        for shape, (made, requests) in sides.items():
            took[shape].append(opened(made, requests, calls))
    text = f"{said()}.\n\n" + markdown(BARS, rows(took))
    print(text)
    if not is_quick:
        write_between(DOCS / "performance.md", "open", text)


def prepared(deployments: int, tasks: int) -> tuple[Router, list[RouteRequest]]:
    """A router whose tables are solved, and one request per task."""
    made = router(prices={f"p{i % 5}/m{i}": 0.1 * 1.05**i for i in range(deployments)})
    requests = [request(task=f"task {i}") for i in range(tasks)]
    for each in requests:
        made.open(each, START)
    return made, requests


def opened(made: Router, requests: list[RouteRequest], calls: int) -> list[float]:
    """Microseconds of each of `calls` decisions."""
    clock, took = time.perf_counter_ns, []
    for each in itertools.islice(itertools.cycle(requests), calls):
        begun = clock()
        made.open(each, START)
        took.append((clock() - begun) / 1000)
    return took


def rows(took: dict[tuple[int, int], list[list[float]]]) -> list[list[str]]:
    halves = {shape: [median(us) for us in rounds] for shape, rounds in took.items()}
    tails = {shape: [quantiles(us, n=100)[98] for us in rounds] for shape, rounds in took.items()}
    ratios = [b / a for a, b in zip(halves[SMALL], halves[LARGE], strict=True)]
    small = f"{with_range(halves[SMALL], 2)} us, p99 {median(tails[SMALL]):.1f} us"
    large = f"{with_range(halves[LARGE], 2)} us, p99 {median(tails[LARGE]):.1f} us"
    return [
        ["`Router.open`, 8 deployments x 3 tasks, p50", f"{BAR_US:.0f} us", small,
         verdict(median(halves[SMALL]) <= BAR_US)],
        ["`Router.open`, 100 deployments x 50 tasks, p50", "", large, ""],
        ["the second over the first", f"{RATIO} x", with_range(ratios, 2) + " x",
         verdict(median(ratios) <= RATIO)],
    ]  # fmt: skip


if __name__ == "__main__":
    main(is_quick="--quick" in sys.argv)
