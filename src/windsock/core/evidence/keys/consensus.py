"""How far what each of several keys says of one deployment lies from what they agree on.

The centre is one of keys, not of volume: a key enters it with no more rewards than the median key
has, and less the further it lies off (an M-estimate with a redescending influence, started from
the weighted median; Hampel 1974). Distances are in standard errors, on the scale on which a rate's
variance does not depend on the rate (Anscombe 1948), so that a key that has said little is doubted
no sooner than one that has said much. While there is little evidence, the more of it a key holds
the further off it is taken to lie: its influence is its share times its distance (a generalised
M-estimate; Krasker & Welsch 1982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

LEAST_KEYS = 3
"""Before so many keys have reported, none is the yardstick for another."""

LEAST_WEIGHT = 1.0
"""Rewards from which on a key has reported."""

MARGIN = 0.02
"""Honest keys differ by so much: they send different requests."""

BELIEVED_WITHIN = 2.0
DOUBTED_BEYOND = 4.0
"""Standard errors within which a key is believed in full, and beyond which not at all."""

SOONER = 1.5
MUCH = 0.2
LITTLE = 30.0
"""A key that holds MUCH of the evidence is taken to lie 1 + SOONER times as far off at first; half
of SOONER is left after LITTLE rewards. Who is thought bad by its first few may not be asked again,
so that no later word would mend a lie."""

ROUNDS = 3


class Said(NamedTuple):
    """What one key has said: rewards, and their sum."""

    weight: float
    total: float


def belief_at(distance: float) -> float:
    """How far a key is believed, 0..1, that lies so many standard errors off."""
    width = DOUBTED_BEYOND - BELIEVED_WITHIN
    return min(1.0, max(0.0, (DOUBTED_BEYOND - abs(distance)) / width))


def distances(said: Sequence[Said]) -> list[float]:
    """Standard errors by which each key is taken to lie off; empty where too few have reported.

    Who is doubted sooner enters the centre as all others do: by few rewards it might settle on the
    wrong half of the keys.
    """
    if len(said) < LEAST_KEYS:
        return []
    usual = median(each.weight for each in said)
    shares = [min(each.weight, usual) for each in said]
    centre = _start(said, shares)
    found: list[float] = []
    for _ in range(ROUNDS):
        found = _distances(said, shares, centre)
        believed = [s * belief_at(far) for s, far in zip(shares, found, strict=True)]
        centre = _mean(said, believed) if any(believed) else centre
    far = _distances(said, shares, centre)
    return [off * times for off, times in zip(far, _sooner(said), strict=True)]


def gap(one: Said, other: Said) -> float:
    """Standard errors by which two keys lie apart; neither of them is right by that."""
    error = math.sqrt(0.25 / (one.weight + 0.5) + 0.25 / (other.weight + 0.5))
    return (_angle(_rate(one)) - _angle(_rate(other))) / error


def _start(said: Sequence[Said], shares: Sequence[float]) -> float:
    """The weighted median of what the keys say."""
    half, below = sum(shares) / 2, 0.0
    rates = sorted((_rate(each), share) for each, share in zip(said, shares, strict=True))
    for rate, share in rates:
        below += share
        if below >= half:
            return rate
    return rates[-1][0]


def _mean(said: Sequence[Said], shares: Sequence[float]) -> float:
    total = sum(each.total / each.weight * share for each, share in zip(said, shares, strict=True))
    return _rate(Said(sum(shares), total))


def _distances(said: Sequence[Said], shares: Sequence[float], centre: float) -> list[float]:
    all_shares = sum(shares)
    return [
        _distance(each, centre, max(LEAST_WEIGHT, all_shares - share))
        for each, share in zip(said, shares, strict=True)
    ]


def _sooner(said: Sequence[Said]) -> list[float]:
    """Times what its distance is that each key is taken to lie off."""
    evidence = sum(each.weight for each in said)
    most = SOONER * LITTLE / (LITTLE + evidence)
    return [1.0 + most * min(1.0, each.weight / evidence / MUCH) for each in said]


def _distance(key: Said, centre: float, others: float) -> float:
    rate = _rate(key)
    off = rate - centre
    near = rate - math.copysign(min(MARGIN, abs(off)), off)
    error = math.sqrt(0.25 / (key.weight + 0.5) + 0.25 / (others + 0.5))
    return (_angle(near) - _angle(centre)) / error


def _rate(key: Said) -> float:
    return (key.total + 0.375) / (key.weight + 0.75)


def _angle(rate: float) -> float:
    """On this scale a rate of n rewards has the variance 1/(4n + 2)."""
    return math.asin(math.sqrt(rate))
