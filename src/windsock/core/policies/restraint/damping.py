"""What a look at an arm can earn back, against what it costs.

Thompson's share of an arm ignores whether anybody will say how it did. A request sent to an arm
that seems to be the worse buy costs the difference; it pays if its label, and those to come, may
show that the arm is the better one.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

ROOT_2_PI = 2.5066282746310002

BATCHES = np.array([[1.0], [3.0], [10.0], [30.0]])
"""Labels after which one might think otherwise; (batches, 1)."""


class Damping:
    """Weights times what a look earns back of its cost, 1 at most; the rest to the best buy.

    With u = V mean - usd and the best buy x, b labels move the belief of an arm by sd sqrt(b / (b +
    n)); the expected improvement on u_x over b, times the labels to come, is what a look earns; it
    costs u_x - u and the risk V sd of not knowing better.

    mean, usd   (arms,)
    strength    (arms,) rewards that each belief rests on, a + b
    labels      labels that are expected to come: as many as came, or a likely number
    """

    def __init__(
        self, mean: FloatArray, strength: FloatArray, usd: FloatArray, labels: float
    ) -> None:
        self._mean, self._usd, self._labels = mean, usd, labels
        self._sd = np.sqrt(mean * (1 - mean) / (strength + 1))
        moves = np.maximum(self._sd * np.sqrt(BATCHES / (BATCHES + strength)), 1e-12)
        self._per_move, self._earned = -1.0 / moves, labels * moves / BATCHES

    def damped(self, weights: FloatArray, value_usd: float) -> FloatArray:
        """(arms,), sums to 1; `weights` as they are where V or the labels to come have no end."""
        if not 0.0 < value_usd < np.inf or not np.isfinite(self._labels):
            return weights
        net = self._mean - self._usd / value_usd
        best = int(net.argmax())
        gap = np.minimum(net[best] - net, 1.0)
        z = gap * self._per_move
        gain = self._earned * (np.exp(-0.5 * z * z) / ROOT_2_PI + z * special.ndtr(z))
        earned = np.maximum(gain.max(axis=0), 0.0) / (gap + self._sd)
        kept: FloatArray = weights * np.minimum(1.0, earned)
        kept[best] += 1.0 - kept.sum()
        return kept
