"""What a look at an arm can earn back, against what it costs.

Thompson's share of an arm ignores whether anybody will say how it did. A request sent to an arm
that seems to be the worse buy costs the difference; it pays if its label, and those to come, may
show that the arm is the better one.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

BATCHES = np.array([[1.0], [3.0], [10.0], [30.0]])
"""Labels after which one might think otherwise; (batches, 1)."""


def damped(
    weights: FloatArray, mean: FloatArray, strength: FloatArray, usd: FloatArray,
    value_usd: float, labels: float,
) -> FloatArray:  # fmt: skip
    """Weights times what a look earns back of its cost, 1 at most; the rest to the best buy.

    weights, mean, usd  (arms,)
    strength    (arms,) rewards that each belief rests on, a + b
    value_usd   V
    labels      labels that are expected to come: as many as came, or a likely number
    returns     (arms,), sums to 1

    With u = V mean - usd and the best buy x, b labels move the belief of an arm by sd sqrt(b / (b +
    n)); the expected improvement on u_x over b, times the labels to come, is what a look earns; it
    costs u_x - u and the risk V sd of not knowing better.
    """
    if not 0.0 < value_usd < np.inf or not np.isfinite(labels):
        return weights
    net = mean - usd / value_usd
    best = int(net.argmax())
    sd = np.sqrt(mean * (1 - mean) / (strength + 1))
    moves = sd * np.sqrt(BATCHES / (BATCHES + strength))
    gap = np.minimum(net[best] - net, 1.0)
    z = -gap / np.maximum(moves, 1e-12)
    gain = moves * (np.exp(-0.5 * z * z) / 2.5066282746310002 + z * special.ndtr(z)) / BATCHES
    earned = labels * np.maximum(gain, 0.0).max(axis=0) / (gap + sd)
    kept: FloatArray = weights * np.minimum(1.0, earned)
    kept[best] += 1.0 - kept.sum()
    return kept
