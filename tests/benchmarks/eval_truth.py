"""Off-policy evaluation against a known truth: coverage of its intervals, and a price raise.

200 logs of windsock itself in a simulated world (floor 0.85, a tenth explored, three of four
answers judged), each evaluated for a floor of 0.90: how often do the intervals of 95 % hold what
the new weights would truly have come to? The same where one answer of 10, 30 and 100 is judged.
Then the first logs with one model's prices times 1.3, against a world where they are:
`python -m tests.benchmarks.eval_truth [LOGS] [RAISES] [FEW]`; of any number 0 leaves its table.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from statistics import mean, median, stdev

from tests.benchmarks.tables import DOCS, markdown, write_between
from tests.evaluation.logs import (
    WARM_S,
    Truth,
    dearer,
    logged,
    reconsider,
    small,
    truly_run,
    truth_of,
)
from windsock.evaluation.counterfactual import Reconsidered
from windsock.evaluation.estimators import Estimate
from windsock.evaluation.evaluation import Evaluation, Value, evaluation
from windsock.simulation.world.scenario import Scenario
from windsock.simulation.world.world import World

HOURS, LOGGED, NEW, EXPLORE = 2.0, 0.85, 0.90, 0.10
RAISE_HOURS = 6.0
HEAD = ("estimator", "of", "logs", "interval holds the truth", "bias", "RMSE", "half width")
RAISED, FACTOR = "openai/gpt-4o", 1.3

Miss = tuple[bool, float, float]
"""Whether the interval holds the truth, relative error, relative half width."""


FEW = (0.1, 0.03, 0.01)
FEW_HEAD = ("answers judged", "logs", "judged in a log", "success held", "gain held",
            "half width, points", "more labels told")  # fmt: skip


def weather(hours: float = HOURS, judged: float = 0.75) -> Scenario:
    route = {"quality_floor": LOGGED, "explore": EXPLORE}
    return small(hours=hours, route=route, feedback_share=judged)


def evaluated(seed: int, folder: Path, judged: float = 0.75) -> tuple[Evaluation, Truth, Truth]:
    """What is told, what the new weights would truly come to, and what the logged ones do."""
    world = World(weather(judged=judged), seed)
    engine = logged(world, folder)
    found = reconsider(world, engine, floor=NEW, from_s=WARM_S)
    engine.dispose()
    for path in folder.iterdir():
        path.unlink()
    return evaluation(found), truth_of(found, world), truth_of(as_logged(found), world)


def as_logged(found: Reconsidered) -> Reconsidered:
    """The same decisions under the weights that they were drawn from: what was taken."""
    rows = [replace(row, weights=tuple(float(name == row.taken) for name in row.arms))
            for row in found.rows]  # fmt: skip
    return Reconsidered(rows=rows)


def few_labels(logs: int, folder: Path) -> list[tuple[str, ...]]:
    """A row for each share of answers judged."""
    rows = []
    for share in FEW:
        told = [evaluated(seed, folder, share) for seed in range(logs)]
        said = [(verdict, new, old) for verdict, new, old in told if verdict.gain is not None]
        held = [_miss(verdict.new.success, new.success) for verdict, new, _ in said]
        gains = [verdict.gain.low <= new.success - old.success <= verdict.gain.high
                 for verdict, new, old in said]  # fmt: skip
        rows.append((
            f"{share:.0%}",
            f"{len(said)} of {logs}",
            f"{mean(verdict.labels.judged for verdict, _, _ in told):.0f}",
            f"{mean(hit for hit, _, _ in held):.1%}",
            f"{mean(gains):.1%}",
            f"{100 * mean(_half(verdict.new.success) for verdict, _, _ in said):.1f}",
            f"{median(verdict.labels.more for verdict, _, _ in told):.0f}",
        ))  # fmt: skip
        print(markdown(FEW_HEAD, rows), flush=True)
    return rows


def _half(found: Estimate) -> float:
    return (found.high - found.low) / 2


def misses(value: Value, truth: Truth) -> dict[str, Miss]:
    pairs = {
        "success": (value.success, truth.success),
        "dollars": (value.usd, truth.usd),
        "dollars per success": (value.usd_per_success, truth.usd / truth.success),
    }
    return {name: _miss(*pair) for name, pair in pairs.items()}


def _miss(found: Estimate, truth: float) -> Miss:
    return (
        found.low <= truth <= found.high,
        found.mean / truth - 1,
        (found.high - found.low) / 2 / truth,
    )


def coverage(logs: int, folder: Path) -> list[tuple[str, ...]]:
    """The table's rows; printed as far as they are after every twentieth log."""
    found: dict[tuple[str, str], list[Miss]] = defaultdict(list)
    refused = 0
    for seed in range(logs):
        verdict, truth, _ = evaluated(seed, folder)
        refused += verdict.refusal is not None
        for estimator, value in verdict.by_estimator.items():
            for quantity, miss in misses(value, truth).items():
                found[estimator, quantity].append(miss)
        if seed % 20 == 19:
            print(
                f"{seed + 1} of {logs} logs\n" + markdown(HEAD, table(found, refused)), flush=True
            )
    return table(found, refused)


def table(found: dict[tuple[str, str], list[Miss]], refused: int) -> list[tuple[str, ...]]:
    return [
        (
            estimator,
            quantity,
            f"{len(each)} ({refused} refused)",
            f"{mean(hit for hit, _, _ in each):.1%}",
            f"{mean(off for _, off, _ in each):+.2%}",
            f"{mean(off * off for _, off, _ in each) ** 0.5:.2%}",
            f"{mean(half for _, _, half in each):.2%}",
        )
        for (estimator, quantity), each in found.items()
    ]


def raises(logs: int, folder: Path) -> list[tuple[str, ...]]:
    """Estimated and real means of all seeds together, at least two, and the largest miss of one."""
    told: list[Truth] = []
    real: list[Truth] = []
    for seed in range(logs):
        world = World(weather(RAISE_HOURS), seed)
        engine = logged(world, folder)
        found = reconsider(world, engine, floor=LOGGED, explore=EXPLORE,
                           prices=(f"{RAISED}=x{FACTOR}",), from_s=WARM_S)  # fmt: skip
        engine.dispose()
        new = evaluation(found).new
        if new is not None:
            told.append(Truth(success=new.success.mean, usd=new.usd.mean))
            real.append(truly_run(dearer(world.scenario, RAISED, FACTOR), seed))
    rows = []
    for quantity in ("success", "usd"):
        pairs = [
            (getattr(t, quantity), getattr(r, quantity)) for t, r in zip(told, real, strict=True)
        ]
        off = mean(t for t, _ in pairs) / mean(r for _, r in pairs) - 1
        each = [t / r - 1 for t, r in pairs]
        error = stdev(each) / len(each) ** 0.5
        worst = max(each, key=abs)
        rows.append(
            (quantity, f"{len(pairs)} of {logs}", f"{off:+.2%} +- {error:.2%}", f"{worst:+.2%}")
        )
    return rows


def main(logs: int, raised: int, few: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if logs:
            publish("eval-truth", markdown(HEAD, coverage(logs, Path(folder))))
        if few:
            publish("eval-few", markdown(FEW_HEAD, few_labels(few, Path(folder))))
        if raised:
            head = ("per request", "logs", "mean off by +- standard error", "worst log")
            publish("eval-raise", markdown(head, raises(raised, Path(folder))))


def publish(marker: str, text: str) -> None:
    print("\n" + text)
    write_between(DOCS / "simulate.md", marker, text)


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:]]
    main(*(numbers + [200, 40, 30][len(numbers) :]))
