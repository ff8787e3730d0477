"""Priors and common drifts of one route, fitted to all its rows together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np

from windsock.core.beliefs.benchmark_priors import BenchmarkPriors
from windsock.core.beliefs.drift.common_drift import RecentRewards, common_drifts
from windsock.core.beliefs.empirical_bayes import Cells, Fit, fitted, unfitted
from windsock.core.beliefs.labels_to_come import labels_to_come
from windsock.core.beliefs.proxies.hearing import Proxy, Words, heard
from windsock.core.beliefs.random_effects import Unknown
from windsock.core.beliefs.statistics import (
    LEAST_PARAMETER,
    BeliefSettings,
    RewardStatistics,
)
from windsock.core.model.arrays import FloatArray

Rows = Mapping[tuple[str, str], RewardStatistics]
"""By (task, deployment)."""

Betas = Mapping[tuple[str, str], tuple[float, float]]
"""Beta parameters by (task, deployment)."""

_requests = attrgetter("requests")

MOST_MEANS = 10_000
"""Prior means that are kept ready; tasks come and go while nobody judges."""


class PriorFitter:
    """Looks at rows and last rewards that others change.

    What it has seen is kept in columns, and after rewards only their cells are read anew: 10,000
    scattered rows cost more to read than to fit. `changes` counts every change of the rows; if
    there were more than the rewards that were noted, all of them are read.
    """

    def __init__(
        self,
        rows: Rows,
        recents: Mapping[str, RecentRewards],
        settings: BeliefSettings,
        published: BenchmarkPriors,
    ) -> None:
        self._rows = rows
        self._recents = recents
        self._settings = settings
        self._published = published
        self.unknown = Unknown.of(settings.prior_mean, settings.prior_strength)
        self._cells: Cells | None = None
        self._count = 0
        self._sums = np.empty((4, 0))
        self._last = np.empty((3, 0))
        self._read_at = -1
        self._noted: list[tuple[str, str]] = []
        self._means: dict[tuple[str, str], float] = {}
        self._means_by: Fit | None = None

    def note(self, task: str, deployment: str) -> None:
        """The next change is one of this row, and of the deployment's last rewards."""
        if len(self._noted) <= len(self._rows):
            self._noted.append((task, deployment))

    def fit(self, as_of: float, changes: int) -> Fit:
        """Prior means and dispersions of all rows as of `as_of`, unix s."""
        if not self._rows:
            self._cells = None
            return unfitted(self.unknown)
        cells = self._read(changes)
        n, s, q2, at = self._sums
        age = self._age(n, at, as_of)
        return fitted(cells, n, s, q2, age, self.unknown)

    def labels_to_come(self, task: str) -> float:
        """Rewards that a task may be expected to get, by the rows as they were last read."""
        requests, cells = sum(map(_requests, self._rows.values())), self._cells
        if cells is None:
            return labels_to_come(0.0, 0.0, requests)
        counts = self._sums[0].reshape(len(cells.tasks), len(cells.names))
        mine = counts[cells.tasks.index(task)].sum() if task in cells.tasks else 0.0
        return labels_to_come(float(counts.sum()), float(mine), requests)

    def heard(self, fit: Fit, proxies: Sequence[Proxy]) -> tuple[Fit, Words]:
        """The fit with what proxies say in the priors, and the word of each.

        fit     of the rows as they were last read; every cell that was scored has a row
        """
        cells = self._cells
        if cells is None or not proxies:
            return fit, Words()
        return heard(cells, fit, proxies)

    def drifts(self, fit: Fit, as_of: float, changes: int) -> dict[str, float]:
        """By how much the tasks of each deployment lie off their beliefs lately.

        Of one task alone only what it gained is: it learns by itself, and what it lost would be
        held against who is back.

        fit     of the rows as they are
        """
        if not self._recents:
            return {}
        cells = self._read(changes)
        (n, s, _, at), (last_n, last_s, last_at) = self._sums, self._last
        age, last_age = self._age(n, at, as_of), self._age(last_n, last_at, as_of)
        phi = np.array([fit.phi[name] for name in cells.names])
        strength = np.array(fit.pool.strengths) * phi[cells.name]
        drifts = common_drifts(
            cells,
            last_n * last_age,
            last_s * last_age,
            mean=(strength * fit.pool.means + s * age) / (strength + n * age),
            phi=phi,
        )
        if len(cells.tasks) < 2:
            drifts = np.maximum(drifts, 0.0)
        return dict(zip(cells.names, drifts.tolist(), strict=True))

    def betas(self, fit: Fit, drifts: Mapping[str, float], as_of: float) -> Betas:
        """What is to be believed of every cell of a fit: `RouteBeliefs.beta` for all at once.

        fit, drifts     of the rows as they were last read
        """
        cells = self._cells
        if cells is None or not self._rows:
            return {}
        n, s, q2, at = self._sums
        age = self._age(n, at, as_of)
        n, s, q2 = n * age, s * age, q2 * age
        usual = np.array([fit.phi[name] for name in cells.names])[cells.name]
        strength, mean = np.array(fit.pool.strengths) * usual, np.array(fit.pool.means)
        phi = _dispersions(n, s, q2, usual)
        a = np.maximum(LEAST_PARAMETER, (strength * mean + s) / phi)
        b = np.maximum(LEAST_PARAMETER, (strength * (1 - mean) + (n - s)) / phi)
        total, shift = a + b, np.array([drifts.get(name, 0.0) for name in cells.names])[cells.name]
        a = np.minimum(total - LEAST_PARAMETER, np.maximum(LEAST_PARAMETER, a + shift * total))
        pairs = zip(a.tolist(), (total - a).tolist(), strict=True)
        return dict(zip(cells.keys, pairs, strict=True))

    def prior(self, task: str, deployment: str, fit: Fit) -> tuple[float, float]:
        """Mean success before own evidence, and what it is worth in rewards."""
        mean, strength = fit.pool.prior(task, deployment, self._lean)
        return mean, strength * fit.phi.get(deployment, 1.0)

    def mean(self, task: str, deployment: str, fit: Fit) -> float:
        """The mean alone, reckoned once a fit: every answer that nobody judges asks for it."""
        if fit is not self._means_by or len(self._means) > MOST_MEANS:
            self._means, self._means_by = {}, fit
        mean = self._means.get((task, deployment))
        if mean is None:
            mean = self._means[task, deployment] = self.prior(task, deployment, fit)[0]
        return mean

    def _age(self, n: FloatArray, at: FloatArray, as_of: float) -> FloatArray:
        gap_s = np.subtract(at, as_of, out=np.zeros_like(at), where=n != 0)
        age: FloatArray = np.exp2(gap_s / self._settings.half_life_s)
        return age

    def _read(self, changes: int) -> Cells:
        """Bring the columns up to date; every cell in the order of names."""
        noted, self._noted = self._noted, []
        known, self._read_at = self._read_at + len(noted), changes
        cells = self._cells
        if cells is None or known != changes or self._count != len(self._rows):
            return self._read_all()
        for key in set(noted):
            row = self._rows[key]
            self._sums[:, cells.place[key]] = row.count, row.total, row.squares, row.at
        for name in {name for _, name in noted}:
            recent = self._recents.get(name)
            self._last[:, cells.name == cells.names.index(name)] = 0.0
            for task, row in recent.rows.items() if recent else ():
                self._last[:, cells.place[task, name]] = row.count, row.total, row.at
        return cells

    def _read_all(self) -> Cells:
        cells, self._count = self._cells, len(self._rows)
        if cells is None or not _is_of(cells, self._rows):
            cells = self._cells = Cells.of(self._rows, self._lean)
        nothing: dict[str, RewardStatistics] = {}
        never = RewardStatistics()
        by_name = {name: recent.rows for name, recent in self._recents.items()}
        rows = [self._rows.get(key, never) for key in cells.keys]
        last = [by_name.get(name, nothing).get(task, never) for task, name in cells.keys]
        self._sums = _columns(rows, "count", "total", "squares", "at")
        self._last = _columns(last, "count", "total", "at")
        return cells

    def _lean(self, task: str, deployment: str) -> float:
        """What public figures add to a prior mean."""
        lean = self._published.lean(task, deployment)
        return lean.shift if lean else 0.0


def _dispersions(n: FloatArray, s: FloatArray, q2: FloatArray, usual: FloatArray) -> FloatArray:
    """`statistics.dispersion` of every cell."""
    known = np.maximum(n, 1e-300)
    spread = s * (n - s) / known
    ratio = (q2 - s * s / known) / np.where(spread > 0, spread, 1.0)
    found = np.clip((10.0 * usual + n * ratio) / (10.0 + n), 0.02, 1.0)
    return np.where((n > 0) & (spread > 0), found, usual)


def _is_of(cells: Cells, rows: Rows) -> bool:
    """True if they are the cells of these rows."""
    tasks, names = {task for task, _ in rows}, {name for _, name in rows}
    return tasks == set(cells.tasks) and names == set(cells.names)


def _columns(rows: Sequence[RewardStatistics], *names: str) -> FloatArray:
    """(names, rows)"""
    return np.array([list(map(attrgetter(name), rows)) for name in names], dtype=np.float64)
