"""When the agreement of two cheap answers pays, and whether its gate sees that.

    python -m tests.benchmarks.agreement

Public answers of nine models (`zeroeval_answers.csv.gz`) to three tasks: what they answered in its
canonical form, and whether that was right. Writes its tables into docs/routing_measured.md.

- Gate: every cascade of two cheaper ones and a dear one is measured on judged requests, beside as
  many judged answers of each deployment alone, and then used or not; the whole table says which was
  right.
- Live: the router over a task's prompts, all judged, with and without such a cascade.
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
from tests.builders import START, answered, request, router
from windsock.core.beliefs.statistics import BeliefSettings
from windsock.core.cascades.agreement import Offer, PairTally, best_mixture, pair_arm
from windsock.core.cascades.cascade_arm import CascadeArm
from windsock.core.evidence.agreement.canonical import Canonical, Form
from windsock.core.model.calls import Outcome
from windsock.core.model.rewards import Reward
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Agreement, Cascade

DATA = Path(__file__).parent / "data"
SEEDS = 3
JUDGED = (25, 50, 100, 200, 400)
SETTINGS = BeliefSettings()

USD_PER_MTOK = 1e6 / (500 + 4 * 200)
"""The price, for each dollar of a request, of the prompts and answers of `tests/builders`."""


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

    def truth(
        self, trio: tuple[int, int, int], rows: Any, among: tuple[str, ...] = ()
    ) -> tuple[float, float, float]:
        """(success, dollars, gain over the best mixture at its cost) on these prompts.

        among   the deployments that may be mixed; empty: all
        """
        first, second, strong = trio
        kept = self.agrees(first, second)[rows] == True  # noqa: E712
        success = np.where(kept, self.right[rows, first], self.right[rows, strong]).mean()
        usd = self.usd[first] + self.usd[second] + (1 - kept.mean()) * self.usd[strong]
        plain = [each for each in self.offers(rows) if not among or each[0] in among]
        best = best_mixture(plain, float(usd))
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
    found = "\n\n".join([gates(), choices(), live()])
    print(found)
    write_between(DOCS / "routing_measured.md", "agreement", found)


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


MINI, DEEPSEEK, GPT4O = "gpt-4o-mini-2024-07-18", "deepseek-v2.5-0908", "gpt-4o-2024-08-06"
LLAMA, GEMMA, O1 = "meta-llama-3.1-8b-instruct", "gemma-2-9b-it", "o1-mini-2024-09-12"
HAIKU = "claude-3-haiku-20240307"
REQUESTS, WARM_UP = 6000, 3000
LIVE = (
    ("gsm", (GEMMA, LLAMA, GPT4O), 0.95),
    ("crux", (MINI, DEEPSEEK, GPT4O), 0.84),
    ("math-l5", (MINI, DEEPSEEK, O1), 0.80),
    ("crux", (LLAMA, MINI, HAIKU), 0.70),
    ("math-l5", (DEEPSEEK, GEMMA, HAIKU), 0.40),
)
"""(task, first, second and strong one, floor): three that gain, two that lose."""


def live() -> str:
    """What requests cost and how often they succeed, with and without a cascade."""
    head = ["task", "cascade", "floor", "true gain", "served so", "success with", "without",
            "$ per 1,000 with", "without"]  # fmt: skip
    known = {table.task: table for table in tables()}
    return markdown(head, [_live_row(known[task], trio, floor) for task, trio, floor in LIVE])


def _live_row(table: Table, names: tuple[str, str, str], floor: float) -> list[str]:
    first, second, strong = (table.models.index(name) for name in names)
    trio = first, second, strong
    runs = [_played(table, trio, floor, seed, is_paired=True) for seed in range(SEEDS)]
    success, usd, share = (float(np.mean(each)) for each in zip(*runs, strict=True))
    plain, plain_usd, _ = _played(table, trio, floor, 0, is_paired=False)
    gain = table.truth(trio, np.arange(len(table.right)), (*names,))[2]
    return [
        table.task,
        "{} + {} > {}".format(*names),
        f"{floor}",
        f"{gain:+.3f}",
        f"{share:.0%}",
        f"{success:.3f}",
        f"{plain:.3f}",
        f"{1000 * usd:.2f}",
        f"{1000 * plain_usd:.2f}",
    ]


def _played(
    table: Table, trio: tuple[int, int, int], floor: float, seed: int, *, is_paired: bool
) -> tuple[float, float, float]:
    """Success, dollars and the share of requests served so, after the warm-up."""
    names = {f"any/{table.models[each]}": each for each in trio}
    _, second, strong = names
    by = Agreement(second=second, canonical=Canonical(form=Form.TEXT))
    cascade = Cascade(escalate_below=0.85, to=(strong,), agreement=by) if is_paired else None
    prices = {name: float(table.usd[each]) * USD_PER_MTOK for name, each in names.items()}
    aim = Objective(kind="quality_floor", quality_floor=floor)
    made = router(prices=prices, objective=aim, cascade=cascade, seed=seed)
    rng, agrees, right, spent, served_so = (
        np.random.default_rng(seed),
        table.agrees(*trio[:2]),
        0.0,
        0.0,
        0,
    )
    for i in range(REQUESTS):
        now, row = START + i / 10, int(rng.integers(len(table.right)))
        outcome = _served(made, now, agrees[row])
        assert outcome.served is not None
        value = float(table.right[row, names[outcome.served]])
        made.learn(outcome.decision, outcome.served, Reward(value=value), now)
        if i >= WARM_UP:
            right, spent = right + value, spent + float(outcome.cost_usd or 0)
            served_so += outcome.decision.escalates_to is not None
    counted = REQUESTS - WARM_UP
    return right / counted, spent / counted, served_so / counted


def _served(made: Router, now: float, agrees: bool | None) -> Outcome:
    exchange = made.open(request(), now)
    while (attempt := exchange.next_attempt(now)) is not None:
        if (second := exchange.second(now)) is not None:
            exchange.drop(answered(second, agrees=agrees), now)
        exchange.report(answered(attempt), now)
    return exchange.outcome(now)


def mixture_usd(plain: list[Offer], success: float) -> float | None:
    """Dollars of the cheapest mixture that succeeds so often; None if none does."""
    costs = np.geomspace(min(usd for _, usd, _ in plain), max(usd for _, usd, _ in plain), 4000)
    reached = (usd for usd in costs if best_mixture(plain, float(usd)).mean >= success)
    return next(map(float, reached), None)


if __name__ == "__main__":
    main()
