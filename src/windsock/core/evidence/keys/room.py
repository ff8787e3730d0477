"""How much of the evidence at a place one key may hold."""

from __future__ import annotations

import math
from collections.abc import Mapping

from windsock.core.evidence.keys.sums import NOBODY

MOST_SHARE = 0.3
FAIR_SHARES = 1.5
"""A key may hold MOST_SHARE of the evidence, or this many fair shares where few keys report."""

FREE_REWARDS = 20.0
"""Rewards that are taken from anyone, since a share of little is nothing."""


def room_of(weights: Mapping[str, float], key: str, most_share: float = MOST_SHARE) -> float:
    """The weight w at which own + w is its limit of total + w.

    weights     rewards by key, as reported
    """
    own, total = weights.get(key, 0.0), sum(weights.values())
    reporting = sum(1 for name, weight in weights.items() if name != NOBODY and weight > 0)
    limit = max(most_share, FAIR_SHARES / max(1, reporting))
    if limit >= 1.0 or own < FREE_REWARDS * most_share:
        return math.inf
    return max(0.0, (limit * total - own) / (1 - limit))
