"""Least and greatest shares: what exploration, probes and ceilings do to weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from windsock.core.model.arrays import FloatArray, Indices

LEARNING_SHARE = 0.02
"""Most of the spend that the exploration floor may cost."""

Among = Callable[[Indices], FloatArray]
"""(arms,) indices to their weights where nobody else is there: the next best buys."""


class Floors:
    """Least shares of the arms of a cell, prepared once.

    usd         (arms,) expected dollars of one request
    explore     probability kept for learning: explore / arms each, less where that costs too much.
                All together they cost no more than LEARNING_SHARE (or `explore`, if that is more)
                of what the weights spend, or of a tenth of the geometric mean cost: a model a
                hundred times as dear as the rest is still looked at, but seldom
    probe       (arms,) least share for a look at a suspect arm, of which all cost their share of
                what is spent at most; None where nobody is in doubt
    """

    def __init__(self, usd: FloatArray, explore: float, probe: FloatArray | None) -> None:
        self._usd, self._probe = usd, probe
        self._even = explore / len(usd)
        self._part = max(LEARNING_SHARE, explore) / len(usd)
        positive = usd[usd > 0]
        is_bounded = explore > 0 and len(positive)
        self._typical = 0.1 * float(np.exp(np.log(positive).mean())) if is_bounded else None

    def least(self, weights: FloatArray, worth_usd: float = 0.0) -> FloatArray:
        """(arms,) floors of weights.

        worth_usd   what may be spent on probes where that is more than what the weights spend
        """
        floors: FloatArray = np.full(len(weights), self._even)
        spent = float(weights.dot(self._usd))
        if self._typical is not None:
            bound = self._part * max(spent, self._typical)
            floors = np.minimum(floors, bound / np.maximum(self._usd, bound))
        if self._probe is not None:
            part = max(spent, worth_usd) / np.maximum(self._usd, 1e-300)
            floors = np.maximum(floors, self._probe * np.minimum(1.0, part))
        return floors


def above(weights: FloatArray, least: FloatArray) -> FloatArray:
    """Raise weights to their floors, taking from the others in proportion; sums to 1.

    Floors that are more than there is to share are lowered alike.
    """
    low = weights < least
    if not low.any():
        return weights
    if least.sum() >= 1.0:
        lowered: FloatArray = least / least.sum()
        return lowered
    while True:
        scale = (1 - least[low].sum()) / weights[~low].sum()
        raised = np.where(low, least, weights * scale)
        sinking = raised < least
        if not sinking.any():
            return raised
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
