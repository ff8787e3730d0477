"""Share moved step by step, where an objective allows only so much a minute."""

from __future__ import annotations

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.floor_deficit import MOST_CELLS
from windsock.core.policies.protocol import CellView


class SharePace:
    """The last weights of every cell, and how far the next may lie from them."""

    def __init__(self, most_per_min: float) -> None:
        self._most_per_min = most_per_min
        self._last: dict[object, tuple[FloatArray, float]] = {}

    def slowed(self, view: CellView, wanted: FloatArray, now: float) -> tuple[FloatArray, bool]:
        """No more share moved than is allowed since the last weights; whether any was held back."""
        if self._most_per_min >= 1.0:
            return wanted, False
        last, at = self._last.get((view.cell, view.deployments), (wanted, now))
        allowed = self._most_per_min * (now - at) / 60.0
        moved = 0.5 * float(np.abs(wanted - last).sum())
        if moved <= allowed:
            return wanted, False
        return last + (wanted - last) * (allowed / moved), True

    def observe(self, view: CellView, weights: FloatArray, now: float) -> None:
        """These weights are in use from now on."""
        if self._most_per_min >= 1.0:
            return
        self._last.pop((view.cell, view.deployments), None)
        self._last[view.cell, view.deployments] = (weights, now)
        if len(self._last) > MOST_CELLS:
            del self._last[next(iter(self._last))]
