"""When "cheap, then maybe strong" pays: confidence as a measured rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BINS = 20
"""Of confidence, equally wide."""

SHRINK = 2.0
"""Rewards that a bin's own confidence is worth against what was measured in it."""


class Calibration:
    """Success by claimed confidence, for one deployment at one task.

    Counts in bins, made monotone by pooling adjacent violators (Ayer et al. 1955). SciPy's does
    the same as slowly for 20 bins, and importing it takes 22 MB and a seventh of a start.
    """

    def __init__(self) -> None:
        self._count = [0.0] * BINS
        self._sum = [0.0] * BINS

    def learn(self, confidence: float, reward: float, weight: float = 1.0) -> None:
        """Count an answer of this confidence, 0..1, that was worth `reward`, 0..1."""
        index = bin_of(confidence)
        self._count[index] += weight
        self._sum[index] += weight * reward

    def rate(self, confidence: float) -> float:
        """Measured success at this confidence; the claim itself where nothing was measured."""
        return self.curve()[bin_of(confidence)]

    def curve(self) -> list[float]:
        """Success by bin of confidence, rising."""
        blocks: list[tuple[float, float, int]] = []
        for index, (count, total) in enumerate(zip(self._count, self._sum, strict=True)):
            claim = (index + 0.5) / BINS
            block = (count + SHRINK, total + SHRINK * claim, 1)
            while blocks and blocks[-1][1] / blocks[-1][0] >= block[1] / block[0]:
                last = blocks.pop()
                block = (block[0] + last[0], block[1] + last[1], block[2] + last[2])
            blocks.append(block)
        return [total / count for count, total, width in blocks for _ in range(width)]

    @property
    def judged(self) -> float:
        """Judged answers that the curve rests on."""
        return sum(self._count)

    def rewards_from(self, threshold: float) -> float:
        """Judged answers whose calibrated confidence reaches `threshold`."""
        kept = zip(self._count, self.curve(), strict=True)
        return sum(count for count, rate in kept if rate >= threshold)

    def to_state(self) -> dict[str, Any]:
        """JSON-able and exact."""
        return {"count": list(self._count), "sum": list(self._sum)}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a state of `to_state`."""
        self._count, self._sum = list(state["count"]), list(state["sum"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check does with answers.

    wrong_found     share of wrong answers that are escalated
    right_passed    share of right answers that are kept
    """

    wrong_found: float
    right_passed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAndSuccess:
    """Expected dollars and success of one request."""

    usd: float
    success: float


def gain_over_mixture(cheap: CostAndSuccess, strong: CostAndSuccess, made: CostAndSuccess) -> float:
    """Success of a cascade over that of a plain mixture of its two at the same cost.

    It pays above 0.
    """
    if strong.usd <= cheap.usd:
        return made.success - strong.success
    share = min(1.0, (made.usd - cheap.usd) / (strong.usd - cheap.usd))
    return made.success - (cheap.success + share * (strong.success - cheap.success))


def bin_of(confidence: float) -> int:
    """0..BINS - 1."""
    return min(BINS - 1, max(0, int(confidence * BINS)))
