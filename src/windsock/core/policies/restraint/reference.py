"""What a success costs where nobody tries hard: the measure of what more of it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy import special

from windsock.core.model.arrays import FloatArray

NEAR_BEST = 0.05
"""The cheapest deployment within this of the best is the reference."""

DEAREST = 100.0
"""No success is bought for more than this many times what the reference's cost."""

NEAREST = 3.0
"""Where nobody reaches a floor, what comes near it is bought for this many times that."""

SEARCHED = 10.0
"""A floor that is not held is looked for at this many times that."""


NODES = np.linspace(0.0, 1.0, 65)[:, None]
"""Where the success of the best is looked at, in parts of its range; (nodes, 1)."""

FAR = 5.0
"""Standard errors beyond which no success lies."""

SURE = 1e-6
"""A standard error of what is known."""


class Alone(NamedTuple):
    """One deployment asked for everything: its success with its standard error, $ a request."""

    deployment: str
    success: float
    error: float
    usd: float

    @property
    def usd_per_success(self) -> float:
        """Dollars of one success."""
        return self.usd / max(self.success, 1e-9)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The deployment that is the measure by what is expected.

    rivals  others that cost something and may be it; none where the owner named it
    """

    alone: Alone
    rivals: Sequence[Alone] = field(default=(), repr=False)

    @property
    def deployment(self) -> str:
        """Its name."""
        return self.alone.deployment

    @property
    def success(self) -> float:
        """Of one deployment asked for everything."""
        return self.alone.success

    @property
    def usd_per_success(self) -> float:
        """Dollars of one success at it."""
        return self.alone.usd_per_success

    @property
    def most_usd_per_success(self) -> float:
        """Dollars for which another success is bought at most, whatever floor asks for it."""
        return DEAREST * self.usd_per_success

    @property
    def likely_most_usd_per_success(self) -> float:
        """The same by the chances of whoever may be the reference."""
        return DEAREST * self.likely_usd_per_success

    @cached_property
    def likely_usd_per_success(self) -> float:
        """Dollars of one success at whoever may be the reference, by their chances.

        As long as little is known, the cheap that seem good enough may not be: measured by them
        alone, a better answer would seem too dear to be tried, and nobody would find out.
        """
        offers = sorted((self.alone, *self.rivals), key=lambda each: (each.usd, each.deployment))
        usd = np.array([each.usd_per_success for each in offers])
        return float(_chances(offers) @ usd)


class Offer(NamedTuple):
    """What a deployment is expected to do at one task.

    share   of the route's traffic
    error   standard error of its success
    """

    deployment: str
    success: float
    usd: float
    share: float
    error: float = 0.0


def reference_of(offers: Sequence[Offer], named: str | None = None) -> Reference | None:
    """The deployment named, else the cheapest within NEAR_BEST of the best over the route.

    Deployments that cannot serve every task are judged by those they can; what costs nothing says
    nothing of what a success may cost. None without offers.
    """
    alone = _alone(offers)
    if named is not None and named in alone:
        return Reference(alone=alone[named])
    paid = [each for each in alone.values() if each.usd > 0.0]
    if not paid:
        return None
    least = max(each.success for each in paid) - NEAR_BEST
    found = min(
        (each for each in paid if each.success >= least),
        key=lambda each: (each.usd, each.deployment),
    )
    return Reference(alone=found, rivals=[each for each in paid if each is not found])


def _alone(offers: Sequence[Offer]) -> Mapping[str, Alone]:
    """Each asked for all it can serve; errors of its tasks are independent."""
    sums: dict[str, tuple[float, float, float, float]] = {}
    for name, success, usd, share, error in offers:
        whole, right, off, spent = sums.get(name, (0.0, 0.0, 0.0, 0.0))
        off += (share * error) ** 2
        sums[name] = whole + share, right + share * success, off, spent + share * usd
    return {
        name: Alone(name, right / share, sqrt(off) / share, usd / share)
        for name, (share, right, off, usd) in sums.items()
        if share > 0
    }


def _chances(offers: Sequence[Alone]) -> FloatArray:
    """(offers,) that each is the cheapest within NEAR_BEST of the best; they sum to 1.

    offers  the cheapest first; success is taken to be normal

    With m the success of the best, F the distributions and B_k the product of those from k on, k is
    the reference with the chance of the product over cheaper j of F_j(m - NEAR_BEST) times
    (dB_k - F_k(m - NEAR_BEST) dB_k+1), summed over m.
    """
    mean = np.array([each.success for each in offers])
    error = np.maximum([each.error for each in offers], SURE)
    low, high = (mean - FAR * error).max(), (mean + FAR * error).max()
    best = low + (high - low) * NODES
    below = special.ndtr((best - mean) / error)
    middle = (best[1:] + best[:-1]) / 2 - NEAR_BEST
    short = special.ndtr((middle - mean) / error)
    none_cheaper = np.ones((len(middle), len(offers) + 1))
    none_cheaper[:, 1:] = short.cumprod(axis=1)
    all_below = np.ones((len(best), len(offers) + 1))
    all_below[:, :-1] = below[:, ::-1].cumprod(axis=1)[:, ::-1]
    gained = np.diff(all_below, axis=0)
    chances: FloatArray = (none_cheaper[:, :-1] * (gained[:, :-1] - short * gained[:, 1:])).sum(0)
    return chances / float(chances.sum())
