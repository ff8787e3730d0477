"""Least and greatest shares: what exploration, probes and ceilings do to weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from windsock.core.model.arrays import FloatArray, Indices

LEARNING_SHARE = 0.02
"""Most of the spend that the exploration floor may cost."""

Among = Callable[[Indices], FloatArray]
"""(arms,) indices to their weights where nobody else is there: the next best buys."""


def least_shares(weights: FloatArray, usd: FloatArray, explore: float) -> FloatArray:
    """(arms,) exploration floors: explore / arms each, less where that costs too much.

    All floors together cost no more than LEARNING_SHARE (or `explore`, if that is more) of what
    `weights` spend, or of a tenth of the geometric mean cost: a model a hundred times as dear as
    the rest is still looked at, but seldom.
    """
    arms = len(weights)
    even = np.full(arms, explore / arms)
    positive = usd[usd > 0]
    if explore <= 0 or not len(positive):
        return even
    typical = 0.1 * float(np.exp(np.log(positive).mean()))
    budget = max(LEARNING_SHARE, explore) / arms * max(float(weights @ usd), typical)
    floors: FloatArray = np.minimum(even, budget / np.maximum(usd, budget))
    return floors


def above(weights: FloatArray, least: FloatArray) -> FloatArray:
    """Raise weights to their floors, taking from the others in proportion; sums to 1."""
    low = weights < least
    if not low.any():
        return weights
    while True:
        scale = (1 - least[low].sum()) / weights[~low].sum()
        sinking = ~low & (weights * scale < least)
        if not sinking.any():
            return np.where(low, least, weights * scale)
        low |= sinking


def below(weights: FloatArray, most: FloatArray, among: Among | None = None) -> FloatArray:
    """Lower weights to their ceilings; sums to 1.

    What is above a ceiling goes to those without one, as `among` says, who would win if the others
    were not there: in proportion to their weights it would go to whoever has a trace of weight,
    the dearest mostly. Where every ceiling binds, they are lifted alike.

    among   if left out, all goes to the first that has room
    """
    if most.sum() <= 1.0:
        lifted: FloatArray = most / most.sum()
        return lifted
    weights, full = weights.copy(), np.zeros(len(weights), dtype=bool)
    while (excess := float(np.maximum(0.0, weights - most).sum())) > 0.0:
        full |= weights >= most
        free = np.flatnonzero(~full)
        weights = np.minimum(weights, most)
        weights[free] += excess * (among(free) if among else np.eye(1, len(free))[0])
    return weights
