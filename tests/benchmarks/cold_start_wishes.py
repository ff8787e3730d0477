"""What a wish for quality loses to whoever knows all rates, and what a cause takes of that.

    python -m tests.benchmarks.cold_start_wishes [--seeds N] [--tables NAME ...] [--labels SHARE]
        [--wishes NAME ...]

Runs as in `cold_start_causes`, all with the same luck; points of worth are those of `cold_start`.
Writes its table into docs/routing_measured.md where it is run whole.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np

from tests.benchmarks.cold_start_bars import MOST_LOST
from tests.benchmarks.cold_start_causes import AT_ONE, RULES, WHOLE, shares
from tests.benchmarks.cold_start_tables import BOTH, REQUESTS, Score, Table, tables
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.model.arrays import FloatArray
from windsock.core.policies.objectives import Objective

CAUSES = (AT_ONE, "everybody judged", "30 labels of each", "all rates known")
BOUNDS = CAUSES[1:]
BOUND_SEEDS = 2
"""What a bound scatters by is small."""

WISHES = ("economy", "balanced", "high")

Job = tuple[str, str, str, float, int]


def lost(name: str, wish: str, cause: str, labels: float, seed: int) -> float:
    """Points of worth that one run of a table lost."""
    table, objective = tables()[name], Objective(kind="quality", quality=wish)
    found = _score(table, shares(table, objective, RULES[cause], labels, seed))
    net = table.worth_usd(wish) * table.success - table.usd
    oracle = _score(table, np.eye(len(table.names))[net.argmax(axis=1)])
    return table.worth_lost(wish, found, oracle)


def _score(table: Table, served: FloatArray) -> Score:
    usd = float(table.share @ (served * table.usd).sum(axis=1))
    success = float(table.share @ (served * table.success).sum(axis=1))
    return Score(usd=REQUESTS * usd, success=success)


def main() -> None:
    given = _parser().parse_args()
    rules, seeds = (WHOLE, *CAUSES), range(1, given.seeds + 1)
    jobs = [
        job
        for job in product(given.tables, given.wishes, rules, [given.labels], seeds)
        if job[2] not in BOUNDS or job[4] <= BOUND_SEEDS
    ]
    with ProcessPoolExecutor(2, initializer=os.nice, initargs=(10,)) as pool:
        found = dict(zip(jobs, pool.map(lost, *zip(*jobs, strict=True)), strict=True))
    rows = [
        [wish, name, *(_cell(found, name, wish, rule) for rule in rules)]
        for wish, name in product(given.wishes, given.tables)
    ]
    rows += [
        [wish, "mean", *(_cell(found, None, wish, rule) for rule in rules)] for wish in given.wishes
    ]
    text = markdown(["wish", "table", *rules], rows)
    text += (
        f"\n\n{given.seeds} seeds, {BOUND_SEEDS} of the last three columns; labels for "
        f"{given.labels:.0%}. Bar: {MOST_LOST} points."
    )
    print(text)
    if given == _parser().parse_args([]):
        write_between(DOCS / "routing_measured.md", "wishes", text)


def _cell(found: Mapping[Job, float], name: str | None, wish: str, rule: str) -> str:
    """Mean points over the seeds of a table, or of all, and their standard error."""
    each = [
        points
        for job, points in found.items()
        if name in (None, job[0]) and job[1:3] == (wish, rule)
    ]
    return f"{np.mean(each):.2f} +- {np.std(each) / len(each) ** 0.5:.2f}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="*", default=list(tables(*BOTH)))
    parser.add_argument("--wishes", nargs="*", default=list(WISHES))
    parser.add_argument("--labels", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, default=6)
    return parser


if __name__ == "__main__":
    main()
