"""Priors and common drifts of one route, fitted to all its rows together."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np

from windsock.core.evidence import BeliefSettings, Row
from windsock.core.pooling import Cells, Fit, FloatArray, fitted, unfitted
from windsock.core.published import Published
from windsock.core.recent import Recent, common_drifts

Rows = Mapping[tuple[str, str], Row]


class Fitting:
    """Looks at rows and last rewards that others change; remembers how they are laid out."""

    def __init__(
        self,
        rows: Rows,
        recents: Mapping[str, Recent],
        settings: BeliefSettings,
        published: Published,
    ) -> None:
        self._rows = rows
        self._recents = recents
        self._settings = settings
        self._published = published
        self._cells: Cells | None = None

    def fit(self, as_of: float) -> Fit:
        if not self._rows:
            return unfitted(self._settings.prior_mean)
        cells, *sums = self._sums(as_of)
        return fitted(cells, *sums, prior_mean=self._settings.prior_mean)

    def fit_and_drifts(self, as_of: float) -> tuple[Fit, dict[str, float]]:
        """The fit, and by how much the tasks of each deployment lie off their beliefs lately."""
        if not self._recents:
            return self.fit(as_of), {}
        cells, n, s, q2, age = self._sums(as_of)
        fit = fitted(cells, n, s, q2, age, prior_mean=self._settings.prior_mean)
        nothing: dict[str, Row] = {}
        never = Row()
        by_name = {name: recent.rows for name, recent in self._recents.items()}
        last = [by_name.get(name, nothing).get(task, never) for task, name in cells.keys]
        last_n, last_s, last_at = _columns(last, "n", "s", "at")
        last_age = self._age(last_n, last_at, as_of)
        drifts = common_drifts(
            cells,
            last_n * last_age,
            last_s * last_age,
            mean=(cells.strengths * fit.pool.means + s * age) / (cells.strengths + n * age),
            phi=np.array([fit.phi[name] for name in cells.names]),
        )
        return fit, dict(zip(cells.names, drifts.tolist(), strict=True))

    def prior(self, task: str, deployment: str, fit: Fit) -> tuple[float, float]:
        """Mean success before own evidence, and what it is worth in rewards."""
        shift, strength = self._lean(task, deployment)
        return fit.pool.mean(task, deployment, shift), strength

    def _sums(self, as_of: float) -> tuple[Cells, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Every cell, and its rewards: count, sum, sum of squares, what they still count."""
        cells, rows = self._laid_out()
        n, s, q2, at = _columns(rows, "n", "s", "q2", "at")
        return cells, n, s, q2, self._age(n, at, as_of)

    def _age(self, n: FloatArray, at: FloatArray, as_of: float) -> FloatArray:
        gap_s = np.subtract(at, as_of, out=np.zeros_like(at), where=n != 0)
        age: FloatArray = np.exp2(gap_s / self._settings.half_life_s)
        return age

    def _laid_out(self) -> tuple[Cells, list[Row]]:
        """Every cell in the order of names, and its row."""
        if self._cells is not None and len(self._cells.keys) == len(self._rows):
            with contextlib.suppress(KeyError):
                return self._cells, [self._rows[key] for key in self._cells.keys]
        self._cells = Cells.of(self._rows, self._lean)
        return self._cells, [self._rows[key] for key in self._cells.keys]

    def _lean(self, task: str, deployment: str) -> tuple[float, float]:
        """What public figures add to a prior mean, and what the prior is worth in rewards."""
        lean = self._published.lean(task, deployment)
        return (lean.shift, lean.strength) if lean else (0.0, self._settings.prior_strength)


def _columns(rows: Sequence[Row], *names: str) -> list[FloatArray]:
    return [np.fromiter(map(attrgetter(name), rows), np.float64, len(rows)) for name in names]
