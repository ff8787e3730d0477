"""How well success is known from a biased judge and few labels, and what that costs in dollars.

    python -m tests.benchmarks.evidence [--seeds N] [--rates CSV] [--harder] [--write]

Tables of true success are public ones (`data/success_rates.csv`, or any of that form); judges are
simulated (`evidence_judges`). The beliefs are those of the router: labels as rewards, scores as
sums beside them. Beside them stand the mean of the labels, the judge taken at its word, and
prediction-powered inference (PPI, Angelopoulos et al. 2023; PPI++, 2024) cell by cell.

RMSE is that of mean success over cells, coverage the share of cells whose 95 % interval holds the
truth. Cost is that of asking, for each task, whoever is worth most by what is believed, beside the
cheapest way to the same success for whoever knows all rates; the geometric mean where a success is
worth 1 to 1,000 times what the median deployment costs. Flattery is a deployment that is always
wrong and always praised; what it gets is by the router's weights under wishes and floors.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
from scipy import special

from tests.benchmarks.cold_start_tables import RATES, Table, tables
from tests.benchmarks.evidence_costs import CAMPS, cost_ratios, flattered
from tests.benchmarks.evidence_judges import HARDER, JUDGES, Judge, Sample, drawn
from tests.benchmarks.tables import DOCS, markdown, write_between
from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.proxies.hearing import Proxy
from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell

LABELS = (0, 5, 50)
LEVEL = 0.95

BOUNDS = ((5, 0.90, 0.12), (50, 0.94, 0.055))
"""Labels, least coverage, greatest root mean square error."""


class Found(NamedTuple):
    """Of one draw and way: mean squared error, share of intervals that hold the truth, and the
    mean logarithm of what is spent beside the cheapest way to the same success."""

    square: float
    covered: float
    dearer: float


Means = tuple[FloatArray, FloatArray, FloatArray]
"""Mean success, and the bounds of its interval."""


def windsock(sample: Sample, table: Table, *, hears: bool = True) -> Means:
    """The router's own beliefs."""
    beliefs = Beliefs()
    cells = [[(task, name) for name in table.names] for task in table.tasks]
    if hears:
        sums = {
            (task, name): sample.of(t, d)
            for t, task in enumerate(table.tasks)
            for d, name in enumerate(table.names)
        }
        judge = Proxy(name="judge", weight=1.0, is_one_sided=False, sums=sums)
        beliefs.listen(lambda *_: (judge,))
    for t, task in enumerate(table.tasks):
        cell = Cell("n", "auto", task)
        for d, name in enumerate(table.names):
            beliefs.note_proxy(cell, name, 0.0)
            count, total = (float(each[t, d]) for each in sample.labels)
            if count:
                beliefs.count_sums(cell, name, count, total, total, observed_at=0.0)
    pairs = [beliefs.posteriors(Cell("n", "auto", row[0][0]), table.names) for row in cells]
    return _of_beta(np.array(pairs)[..., 0], np.array(pairs)[..., 1])


def without_judge(sample: Sample, table: Table) -> Means:
    """The same beliefs from labels alone."""
    return windsock(sample, table, hears=False)


def labels_only(sample: Sample, _: Table) -> Means:
    """The mean of each cell's labels; Jeffreys' interval."""
    n, s = sample.labels
    _, low, high = _of_beta(s + 0.5, n - s + 0.5)
    return np.divide(s, n, out=np.full_like(n, 0.5), where=n > 0), low, high


def judge_alone(sample: Sample, _: Table) -> Means:
    """The judge taken at its word."""
    judged, total = sample.sums[:2] + sample.sums[[3, 6]]
    return _of_beta(total + 0.5, judged - total + 0.5)


def ppi(sample: Sample, _: Table, *, is_tuned: bool = False) -> Means:
    """The judge's mean, corrected by that of success less score in the same cell."""
    judged, total, _, n, s, squares, j, scores, products = sample.sums
    judged, total = judged + n, total + j
    n = np.maximum(n, 1.0)
    of_j = np.maximum(scores / n - (j / n) ** 2, 0.0)
    with_s = products / n - j * s / n**2
    slope = np.ones_like(n)
    if is_tuned:
        tuned = np.divide(with_s, of_j, out=np.zeros_like(n), where=of_j > 0)
        slope = np.clip(tuned / (1 + n / judged), 0.0, 1.0)
    centre = slope * total / judged + (s - slope * j) / n
    rest = squares / n - (s / n) ** 2 - 2 * slope * with_s + slope**2 * of_j
    spread = total / judged * (1 - total / judged)
    error = np.sqrt(np.maximum(rest, 0.0) / n + slope**2 * spread / judged)
    reach = float(special.ndtri(0.5 + LEVEL / 2)) * error
    return np.clip(centre, 0.0, 1.0), centre - reach, centre + reach


def ppi_tuned(sample: Sample, table: Table) -> Means:
    """PPI++: the judge counts as far as it goes with the labels of the cell."""
    return ppi(sample, table, is_tuned=True)


WAYS = {
    "windsock": windsock,
    "windsock, labels alone": without_judge,
    "mean of labels": labels_only,
    "judge alone": judge_alone,
    "PPI": ppi,
    "PPI++": ppi_tuned,
}
NEED_LABELS = {"mean of labels", "PPI", "PPI++"}
NEED_SCORES = {"judge alone", "PPI", "PPI++"}
ALL = {**JUDGES, **HARDER}


def _of_beta(a: FloatArray, b: FloatArray) -> Means:
    tail = (1 - LEVEL) / 2
    return a / (a + b), special.betaincinv(a, b, tail), special.betaincinv(a, b, 1 - tail)


def one_draw(table: Table, judge: str, labels: int, seed: int) -> dict[str, Found]:
    """All ways on the same answers."""
    rng = np.random.default_rng([seed, labels, list(ALL).index(judge)])
    sample = drawn(table.success, ALL[judge], labels, rng)
    is_whole = bool((sample.sums[0] + sample.sums[3] > 0).all())
    ways = {
        name: way
        for name, way in WAYS.items()
        if (labels or name not in NEED_LABELS) and (is_whole or name not in NEED_SCORES)
    }
    return {name: _found(way(sample, table), table) for name, way in ways.items()}


def _found(means: Means, table: Table) -> Found:
    centre, low, high = means
    is_in = (low <= table.success) & (table.success <= high)
    ratios = np.log(cost_ratios(table, centre))
    return Found(
        float(((centre - table.success) ** 2).mean()), float(is_in.mean()), float(ratios.mean())
    )


class Case(NamedTuple):
    labels: int
    judge: str
    table: str


Drawn = dict[tuple[Case, str], list[Found]]
"""By case and way."""


def measured(seeds: int, rates: Path, judges: Mapping[str, Judge]) -> Drawn:
    """Each of these judges, at every table."""
    known = tables(rates)
    jobs = [
        (Case(labels, judge, name), seed)
        for labels in LABELS
        for judge in judges
        for name in known
        for seed in range(seeds)
    ]
    found: Drawn = {}
    with ProcessPoolExecutor(2) as pool:
        drawn_all = pool.map(
            one_draw,
            [known[case.table] for case, _ in jobs],
            [case.judge for case, _ in jobs],
            [case.labels for case, _ in jobs],
            [seed for _, seed in jobs],
            chunksize=16,
        )
        for (case, _), each in zip(jobs, drawn_all, strict=True):
            for way, one in each.items():
                found.setdefault((case, way), []).append(one)
    return found


def summed(found: Drawn, labels: int, judge: str, way: str) -> Found | None:
    """Root mean square error, coverage and cost over all tables; None where it has no way."""
    own = [
        each
        for (case, name), draws in found.items()
        if (case.labels, case.judge, name) == (labels, judge, way)
        for each in draws
    ]
    if not own:
        return None
    square, covered, dearer = (mean(column) for column in zip(*own, strict=True))
    return Found(square**0.5, covered, float(np.exp(dearer)))


def rows(found: Drawn, judges: Iterable[str]) -> Iterator[list[str]]:
    """RMSE / coverage / cost of each way, one row for each judge and number of labels."""
    for labels in LABELS:
        for judge in judges:
            cells = [_told(summed(found, labels, judge, way)) for way in WAYS]
            yield [str(labels), judge, *cells]


def _told(found: Found | None) -> str:
    if found is None:
        return "-"
    return f"{found.square:.3f} / {found.covered:.2f} / {found.dearer:.2f}"


def bars(found: Drawn, shares: list[dict[str, list[float]]]) -> Iterator[list[str]]:
    """Each bar with its figure: the worst judge's."""
    for labels, _, _ in BOUNDS:
        yield from bars_at(found, JUDGES, labels)
        random, plain = (
            summed(found, labels, "random", way) for way in ("windsock", "windsock, labels alone")
        )
        assert random and plain
        name = f"random judge beside labels alone, at {labels}"
        yield _bar(name, random.square / plain.square, 1.02)
    costs = {way: _cost_without_labels(found, way) for way in ("windsock", "judge alone")}
    yield _bar("cost at equal success without labels, beside the oracle's", costs["windsock"], 1.45)
    yield ["the same, the judge taken at its word", f"{costs['judge alone']:.3f}", "-", "-"]
    for name, bound in CAMPS.items():
        yield _bar(name, max(mean(each[name]) for each in shares), bound)


def bars_at(found: Drawn, judges: Iterable[str], labels: int) -> Iterator[list[str]]:
    """Coverage and error with so many labels, of the worst of these judges."""
    _, least, most = next(each for each in BOUNDS if each[0] == labels)
    own = {name: each for name in judges if (each := summed(found, labels, name, "windsock"))}
    low = min(own, key=lambda judge: own[judge].covered)
    off = max(own, key=lambda judge: own[judge].square)
    yield _bar(f"coverage at {labels} labels ({low})", own[low].covered, least, is_least=True)
    yield _bar(f"RMSE at {labels} labels ({off})", own[off].square, most)


def harder_bars(found: Drawn) -> Iterator[list[str]]:
    """The same bounds where labels are true; what lies among them do has none, as labels are what
    truth is measured by."""
    true = [name for name, judge in HARDER.items() if not judge.lies]
    for labels, _, _ in BOUNDS:
        yield from bars_at(found, true, labels)
    for labels, _, _ in BOUNDS:
        for name, figure, *_ in bars_at(found, HARDER.keys() - set(true), labels):
            yield [name, figure, "-", "-"]


def _cost_without_labels(found: Drawn, way: str) -> float:
    """Geometric mean over judges, tables, draws and what a success is worth."""
    every = [
        each.dearer
        for (case, name), draws in found.items()
        if (case.labels, name) == (0, way)
        for each in draws
    ]
    return float(np.exp(mean(every)))


def _bar(name: str, figure: float, bound: float, *, is_least: bool = False) -> list[str]:
    is_met = figure >= bound if is_least else figure <= bound
    sign = ">=" if is_least else "<="
    return [name, f"{figure:.3f}", f"{sign} {bound}", "met" if is_met else "**missed**"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rates", type=Path, default=RATES, help="a table as success_rates.csv")
    parser.add_argument("--harder", action="store_true", help="judges worse than any is")
    parser.add_argument("--write", action="store_true", help="into docs/evidence.md")
    given = parser.parse_args()
    judges = HARDER if given.harder else JUDGES
    found = measured(given.seeds, given.rates, judges)
    accuracy = markdown(["labels a cell", "judge", *WAYS], rows(found, judges))
    if given.harder:
        bounds = [*harder_bars(found)]
    else:
        shares = [flattered(table, given.seeds) for table in tables(given.rates).values()]
        bounds = [*bars(found, shares)]
    held = markdown(["bar", "found", "must be", ""], bounds)
    print(accuracy, held, sep="\n\n")
    if given.write:
        mark = "harder " if given.harder else ""
        write_between(DOCS / "evidence.md", f"{mark}accuracy", accuracy)
        write_between(DOCS / "evidence.md", f"{mark}bars", held)


if __name__ == "__main__":
    main()
