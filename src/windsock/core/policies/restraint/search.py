"""A floor that is not held is looked for from the cheap end, never by paying for the dearest."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

OUT = 0.05
"""A floor is out of reach once the chance that somebody reaches it is below this; until then it is
not certain."""


def cheapest_that_holds(
    a: FloatArray, b: FloatArray, usd: FloatArray, floor: float
) -> tuple[FloatArray, float]:
    """Chance of each arm to be the cheapest that reaches a floor, and the chance that none does.

    a, b, usd   (arms,) Beta parameters, and dollars of one request
    returns     (arms,) and a number; they sum to 1; of equally cheap ones the likeliest comes first
    """
    misses = special.betainc(a, b, min(1.0, max(0.0, floor)))
    order = np.lexsort((misses, usd))
    short = misses[order]
    none_before = np.concatenate([[1.0], np.cumprod(short)])
    found = np.empty(len(usd))
    found[order] = (1 - short) * none_before[:-1]
    return found, float(none_before[-1])


def out_or_uncertain(a: FloatArray, b: FloatArray, floor: float) -> str:
    """Why a floor is not held, in words."""
    nobody = float(np.prod(special.betainc(a, b, min(1.0, max(0.0, floor)))))
    return "is out of reach" if 1.0 - nobody < OUT else "is not certain yet"


def cheapest_pair(mean: FloatArray, usd: FloatArray, floor: float) -> FloatArray | None:
    """The cheapest mixture of two arms whose mean is the floor, (arms,); None if none reaches it.

    mean, usd   (arms,) success, and dollars of one request
    """
    reach = np.flatnonzero(mean >= floor)
    if not len(reach):
        return None
    best = int(reach[usd[reach].argmin()])
    weights = np.zeros(len(mean))
    weights[best] = 1.0
    least = float(usd[best])
    for low, high in combinations(np.argsort(mean, kind="stable").tolist(), 2):
        if mean[low] < floor <= mean[high] and usd[low] < usd[high]:
            share = float((floor - mean[low]) / (mean[high] - mean[low]))
            cost = float((1 - share) * usd[low] + share * usd[high])
            if cost < least:
                least, weights = cost, np.zeros(len(mean))
                weights[[low, high]] = 1 - share, share
    return weights
