"""How sure answers are of themselves, where they tell: those that are wrong, and those right."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from windsock.core.cascades.calibration import BINS
from windsock.core.model.arrays import FloatArray
from windsock.simulation.world.conditions import Confidence

POINTS = 512
"""Points at which the inverse distribution of confidence is tabled."""


class Claims:
    """Confidence of wrong answers and of right ones, each by a beta distribution."""

    def __init__(self, confidence: Confidence) -> None:
        grid = (np.arange(POINTS) + 0.5) / POINTS
        both = confidence.wrong, confidence.right
        self._levels: list[Any] = [special.betaincinv(*each, grid) for each in both]
        self._shares: list[FloatArray] = [
            np.histogram(levels, bins=BINS, range=(0.0, 1.0))[0] / POINTS for levels in self._levels
        ]

    def confidence(self, doubt: float, *, is_right: bool) -> float:
        """Of one answer, 0..1; `doubt` is even in 0..1."""
        return float(self._levels[is_right][int(doubt * POINTS)])

    def passes(self, threshold: float, success: float) -> tuple[float, float]:
        """Share of wrong and of right answers whose calibrated confidence reaches `threshold`.

        success     share of right answers, from which the calibration follows
        """
        wrong, right = self._shares
        known = np.maximum(success * right + (1 - success) * wrong, 1e-12)
        kept = success * right / known >= threshold
        return float(wrong[kept].sum()), float(right[kept].sum())
