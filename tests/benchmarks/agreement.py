"""When the agreement of two cheap answers pays, and whether its gate sees that.

    python -m tests.benchmarks.agreement

Public answers of nine models (`zeroeval_answers.csv.gz`) to three tasks: what they answered in its
canonical form, and whether that was right. Writes its tables into docs/routing.md.

- Gate: every cascade of two cheaper ones and a dear one is measured on judged requests, beside as
  many judged answers of each deployment alone, and then used or not; the whole table says which was
  right.
- Choice: the cascade with the largest gain on one half of the prompts, measured on the other half,
  and what the best mixture of two deployments costs that succeeds as often.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.cascades.agreement import Offer, PairTally, best_mixture, pair_arm
from windsock.core.cascades.cascade_arm import CascadeArm

DATA = Path(__file__).parent / "data"
SEEDS = 3
JUDGED = (25, 50, 100, 200, 400)
SETTINGS = BeliefSettings()


@dataclass(frozen=True)
class Table:
    """One task: (prompts, models) arrays of what was right and which answers are the same.

    said    a letter for each answer of a prompt that says something else; "-": it says nothing
    """

    task: str
    models: tuple[str, ...]
    right: Any
    said: Any
    usd: Any

    def offers(self, rows: Any) -> list[Offer]:
        """Each deployment alone, by its answers to these prompts."""
        sums = self.right[rows].sum(axis=0)
        return [
            (name, float(usd), (float(total) + 1.0, len(rows) - float(total) + 1.0))
            for name, usd, total in zip(self.models, self.usd, sums, strict=True)
        ]

    def trios(self) -> list[tuple[int, int, int]]:
        """(first, second, strong): the two together are cheaper than the strong one."""
        usd = self.usd
        found = permutations(range(len(usd)), 3)
        return [(a, b, c) for a, b, c in found if usd[a] + usd[b] < usd[c]]

    def agrees(self, first: int, second: int) -> Any:
        """(prompts,) None where one of the two says nothing."""
        one, other = self.said[:, first], self.said[:, second]
        return np.where((one == "-") | (other == "-"), None, one == other)

    def arm(self, trio: tuple[int, int, int], rows: Any, plain: list[Offer]) -> CascadeArm:
        """The cascade as it would be known from these prompts, all of them judged."""
        first, second, strong = trio
        tally, agrees = PairTally(self.models[second]), self.agrees(first, second)
        for row in rows:
            said, is_kept = agrees[row], bool(agrees[row])
            tally.observe(float(said is True), float(said is False), float(said is None))
            value = float(self.right[row, first if is_kept else strong])
            tally.judge((1.0, value, value), 0.0, SETTINGS, is_kept=is_kept)
        return pair_arm(plain[first], plain[second], plain[strong], tally, plain, 0.02)

    def truth(self, trio: tuple[int, int, int], rows: Any) -> tuple[float, float, float]:
        """(success, dollars, gain over the best mixture at its cost) on these prompts."""
        first, second, strong = trio
        kept = self.agrees(first, second)[rows] == True  # noqa: E712
        success = np.where(kept, self.right[rows, first], self.right[rows, strong]).mean()
        usd = self.usd[first] + self.usd[second] + (1 - kept.mean()) * self.usd[strong]
        best = best_mixture(self.offers(rows), float(usd))
        return float(success), float(usd), float(success) - best.mean


@cache
def tables() -> tuple[Table, ...]:
    """The three tasks."""
    with gzip.open(DATA / "zeroeval_answers.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    models = tuple(list(rows[0])[2:])
    usd: dict[tuple[str, str], float] = {}
    with (DATA / "success_rates.csv").open() as rates:
        for rate in csv.DictReader(rates):
            usd[rate["task"], rate["deployment"].removeprefix("any/")] = float(rate["usd"])
    return tuple(_table(task, models, rows, usd) for task in dict.fromkeys(r["task"] for r in rows))


def _table(task: str, models: tuple[str, ...], rows: list[dict[str, str]], usd: Any) -> Table:
    cells = [[row[name] or "0-" for name in models] for row in rows if row["task"] == task]
    return Table(
        task=task,
        models=models,
        right=np.array([[int(cell[0]) for cell in row] for row in cells], dtype=float),
        said=np.array([[cell[1] for cell in row] for row in cells]),
        usd=np.array([usd[task, name] for name in models]),
    )


def main() -> None:
    found = "\n\n".join([gates(), choices()])
    print(found)
    write_between(DOCS / "routing.md", "agreement", found)


def gates() -> str:
    """How often cascades are used that gain, and that lose, by judged requests."""
    head = ["task", "judged", "cascades", "of them gain", "used of those that gain",
            "used of those that lose", "mean true gain of the used"]  # fmt: skip
    return markdown(head, [_gate_row(table, judged) for table in tables() for judged in JUDGED])


def _gate_row(table: Table, judged: int) -> list[str]:
    seen = [each for seed in range(SEEDS) for each in gate(table, judged, seed)]
    used, true = np.array([each[0] for each in seen]), np.array([each[1] for each in seen])
    return [
        table.task,
        str(judged),
        str(len(table.trios())),
        f"{(true > 0).mean():.0%}",
        f"{used[true > 0].mean():.0%}",
        f"{used[true <= 0].mean():.0%}",
        f"{true[used].mean():+.3f}" if used.any() else "none used",
    ]


def gate(table: Table, judged: int, seed: int) -> Iterator[tuple[bool, float]]:
    """(used, true gain) of each cascade of a task, after so many judged requests of it.

    As many others have judged each deployment alone, as far as there are so many prompts.
    """
    rng = np.random.default_rng(seed)
    everything = np.arange(len(table.right))
    for trio in table.trios():
        drawn = rng.permutation(everything)
        arm = table.arm(trio, drawn[:judged], table.offers(drawn[-judged:]))
        yield arm.pays, table.truth(trio, everything)[2]


def choices() -> str:
    """The best cascade of each half, on the other half."""
    head = ["task", "chosen on one half", "gain there", "gain on the other", "used", "success",
            "$ per 1,000", "$ of the best mixture that succeeds as often"]  # fmt: skip
    return markdown(head, [_choice(table, half) for table in tables() for half in (0, 1)])


def _choice(table: Table, half: int) -> list[str]:
    rows = np.arange(len(table.right))
    known, other = rows[rows % 2 == half], rows[rows % 2 != half]
    trio = max(table.trios(), key=lambda each: table.truth(each, known)[2])
    success, usd, gain = table.truth(trio, other)
    arm = table.arm(trio, other, table.offers(other))
    first, second, strong = (table.models[each] for each in trio)
    mixed = mixture_usd(table.offers(other), success)
    assert arm.pair is not None
    return [
        table.task,
        f"{first} + {second} > {strong}",
        f"{table.truth(trio, known)[2]:+.3f}",
        f"{gain:+.3f} +- {arm.pair.error:.3f}",
        "yes" if arm.pays else "no",
        f"{success:.3f}",
        f"{1000 * usd:.2f}",
        f"{1000 * mixed:.2f}" if mixed is not None else "none does",
    ]


def mixture_usd(plain: list[Offer], success: float) -> float | None:
    """Dollars of the cheapest mixture that succeeds so often; None if none does."""
    costs = np.geomspace(min(usd for _, usd, _ in plain), max(usd for _, usd, _ in plain), 4000)
    reached = (usd for usd in costs if best_mixture(plain, float(usd)).mean >= success)
    return next(map(float, reached), None)


if __name__ == "__main__":
    main()
