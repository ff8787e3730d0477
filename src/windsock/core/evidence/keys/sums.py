"""What each key has said of one deployment at one task: sums, discounted as beliefs are."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from windsock.core.evidence.keys.consensus import LEAST_WEIGHT

MAX_KEYS = 64
"""Keys whose sums are kept apart at a place; the least are thrown together."""

MAX_WEIGHT = 600.0
"""Rewards at a place that are remembered."""

NOBODY = ""
"""Rewards that came without a key: doubted by nobody."""


class Sums(NamedTuple):
    """Rewards, by their number, sum and sum of squares; below 0 they are taken back."""

    weight: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, other: Sums, factor: float = 1.0) -> Sums:
        """These, and `factor` times others."""
        return Sums(*(mine + factor * its for mine, its in zip(self, other, strict=True)))


NOTHING = Sums()


def sums_of(value: float, weight: float) -> Sums:
    """One reward that counts as `weight`."""
    return Sums(weight, weight * value, weight * value * value)


@dataclass(slots=True)
class KeySums:
    """What one key has said at a place.

    said        as reported, discounted
    believed    0..1, the share of it that stands in the belief
    distance    standard errors from what the keys agree on; None where too few have reported
    """

    said: Sums = NOTHING
    believed: float = 1.0
    distance: float | None = None


@dataclass(slots=True)
class Account:
    """All keys at one place, as of a moment."""

    at: float = -math.inf
    keys: dict[str, KeySums] = field(default_factory=dict)

    def advance(self, now: float, half_life_s: float) -> float:
        """Discount what was said until now; how much something said then counts now."""
        if now < self.at:
            return float(2.0 ** ((now - self.at) / half_life_s))
        if now > self.at > -math.inf:
            self.scale(2.0 ** ((self.at - now) / half_life_s))
        self.at = now
        return 1.0

    def scale(self, factor: float) -> None:
        """Count everything `factor` as much."""
        for each in self.keys.values():
            each.said = Sums(*(factor * part for part in each.said))

    def bound(self) -> None:
        """Keep the sums as movable as the belief, and the number of keys bounded."""
        total = sum(each.said.weight for each in self.keys.values())
        if total > MAX_WEIGHT:
            self.scale(MAX_WEIGHT / total)
        if len(self.keys) > MAX_KEYS:
            named = (key for key in self.keys if key != NOBODY)
            least = self.keys.pop(min(named, key=lambda key: self.keys[key].said.weight))
            own = self.keys.setdefault(NOBODY, KeySums())
            own.said = own.said.plus(least.said, least.believed)

    @property
    def counted(self) -> float:
        """Rewards that stand in the belief."""
        return sum(each.believed * each.said.weight for each in self.keys.values())


def keys_of(held: Mapping[str, Any]) -> dict[str, KeySums]:
    """The keys of a stored account."""
    return {
        key: KeySums(Sums(*sums), believed, distance)
        for key, (*sums, believed, distance) in held.items()
    }


def within(held: Sums, said: Sums) -> Sums:
    """Nobody takes back more than was said."""
    if said.weight >= 0 or held.weight >= -said.weight:
        return said
    return Sums(*(-part for part in held))


def heard_at(account: Account, silenced: Container[str]) -> dict[str, KeySums]:
    """Keys that have reported at a place."""
    return {
        key: own
        for key, own in account.keys.items()
        if key != NOBODY and key not in silenced and own.said.weight >= LEAST_WEIGHT
    }
