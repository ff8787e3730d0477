"""One linear regression as sums: rewards or sizes on (1, features)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from windsock.core.model.arrays import FloatArray

LEAST_VARIANCE = 1e-4
"""Of what a regression leaves unexplained."""


@dataclass(slots=True)
class Ridge:
    """gram (d, d), moment (d,), square () of the observations of y on x; x[0] is 1."""

    gram: FloatArray
    moment: FloatArray
    count: float = 0.0
    square: float = 0.0

    @classmethod
    def of(cls, dimension: int) -> Ridge:
        """No observations yet of `dimension` numbers, the constant among them."""
        return cls(np.zeros((dimension, dimension)), np.zeros(dimension))

    def observe(self, x: FloatArray, y: float, weight: float = 1.0) -> None:
        """One observation y at x, counted as `weight`."""
        self.gram += weight * np.outer(x, x)
        self.moment += weight * y * x
        self.square += weight * y * y
        self.count += weight

    def remember(self, most: float) -> None:
        """Count half of what was seen so far, once it is twice `most` observations."""
        if self.count >= 2 * most:
            self.gram *= 0.5
            self.moment *= 0.5
            self.square *= 0.5
            self.count *= 0.5

    def penalised(self, ridge: float) -> FloatArray:
        """(d, d) gram and penalty. The constant is shrunk to zero by a single observation."""
        penalty = np.full(len(self.moment), ridge)
        penalty[0] = 1.0
        both: FloatArray = self.gram + np.diag(penalty)
        return both

    def coefficients(self, ridge: float) -> FloatArray:
        """(d,) of y on x, shrunk by `ridge` observations."""
        return np.linalg.solve(self.penalised(ridge), self.moment).astype(np.float64)

    def variance(self, coefficients: FloatArray) -> float:
        """Mean square of what the coefficients leave unexplained."""
        explained = 2 * self.moment @ coefficients - coefficients @ self.gram @ coefficients
        return max(LEAST_VARIANCE, float(self.square - explained) / max(1.0, self.count))

    def to_state(self) -> list[Any]:
        """[gram, moment, count, square], JSON-able and exact."""
        return [self.gram.tolist(), self.moment.tolist(), self.count, self.square]

    @classmethod
    def from_state(cls, fields: list[Any]) -> Ridge:
        """Take over [gram, moment, count, square] of `to_state`."""
        gram, moment, count, square = fields
        return cls(np.array(gram), np.array(moment), float(count), float(square))


def with_constant(features: Sequence[float]) -> FloatArray:
    """(features + 1,), 1 first."""
    return np.array((1.0, *features))
