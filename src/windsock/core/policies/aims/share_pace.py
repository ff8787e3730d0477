"""No more share is moved in a minute than a route allows."""

from __future__ import annotations

import numpy as np

from windsock.core.model.arrays import FloatArray
from windsock.core.model.requests import Cell
from windsock.core.policies.floor_deficit import MOST_CELLS
from windsock.core.policies.views import CellView

_Place = tuple[Cell, tuple[str, ...], int | None]


class SharePace:
    """Remembers the last weights of each cell where there is a limit.

    per_min     share of the traffic that may move in a minute; 1 is no limit
    """

    def __init__(self, per_min: float) -> None:
        self._per_min = per_min
        self._last: dict[_Place, tuple[FloatArray, float]] = {}

    def slowed(self, view: CellView, wanted: FloatArray, now: float) -> tuple[FloatArray, bool]:
        """(arms,) weights on the way to those wanted, and whether they are not there yet."""
        if self._per_min >= 1.0:
            return wanted, False
        last, at = self._last.get(_place(view), (wanted, now))
        allowed = self._per_min * (now - at) / 60.0
        moved = 0.5 * float(np.abs(wanted - last).sum())
        if moved <= allowed:
            return wanted, False
        return last + (wanted - last) * (allowed / moved), True

    def remember(self, view: CellView, weights: FloatArray, now: float) -> None:
        """These are in force from now on."""
        if self._per_min >= 1.0:
            return
        self._last.pop(_place(view), None)
        self._last[_place(view)] = (weights, now)
        if len(self._last) > MOST_CELLS:
            del self._last[next(iter(self._last))]


def _place(view: CellView) -> _Place:
    """Prompts of each class of size have weights of their own."""
    return view.cell, view.deployments, view.size
