"""Priors and common drifts of one route, fitted to all its rows together."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
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
        cells, n, s, q2, age = self._sums(as_of)
        return fitted(cells, n, s, q2, age, prior_mean=self._settings.prior_mean)

    def prior(self, task: str, deployment: str, fit: Fit) -> tuple[float, float]:
        """Mean success before own evidence, and what it is worth in rewards."""
        lean = self._published.lean(task, deployment)
        if lean is None:
            return fit.pool.mean(task, deployment), self._settings.prior_strength
        return fit.pool.mean(task, deployment, lean.shift), lean.strength

    def drifts(self, fit: Fit, as_of: float) -> dict[str, float]:
        """By how much the tasks of each deployment lie off their beliefs lately."""
        if not self._recents:
            return {}
        cells, n, s, _, age = self._sums(as_of)
        prior, strength = np.array([self.prior(*key, fit) for key in cells.keys]).T
        drifts = common_drifts(
            cells,
            self._recents,
            (strength * prior + s * age) / (strength + n * age),
            np.array([fit.phi[name] for name in cells.names]),
            as_of=as_of,
            half_life_s=self._settings.half_life_s,
        )
        return dict(zip(cells.names, drifts.tolist(), strict=True))

    def _sums(self, as_of: float) -> tuple[Cells, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Every cell, and its rewards: count, sum, sum of squares, what they still count."""
        cells, rows = self._laid_out()
        n, s, q2, at = (
            np.fromiter(map(attrgetter(name), rows), np.float64, len(rows))
            for name in ("n", "s", "q2", "at")
        )
        gap_s = np.subtract(at, as_of, out=np.zeros_like(at), where=n != 0)
        return cells, n, s, q2, np.exp2(gap_s / self._settings.half_life_s)

    def _laid_out(self) -> tuple[Cells, list[Row]]:
        """Every cell in the order of names, and its row."""
        if self._cells is not None and len(self._cells.keys) == len(self._rows):
            with contextlib.suppress(KeyError):
                return self._cells, [self._rows[key] for key in self._cells.keys]
        self._cells = Cells.of(self._rows, self._shift_of)
        return self._cells, [self._rows[key] for key in self._cells.keys]

    def _shift_of(self, task: str, deployment: str) -> float:
        lean = self._published.lean(task, deployment)
        return lean.shift if lean else 0.0
