"""When "cheap, then maybe strong" pays: confidence as a measured rate, cascades as offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BINS = 20
SHRINK = 2.0
"""Rewards that a bin's own confidence is worth against what was measured in it."""


class Calibration:
    """Success by claimed confidence, for one deployment at one task.

    Counts in bins, made monotone by pooling adjacent violators (Ayer et al. 1955).
    """

    def __init__(self) -> None:
        self._count = [0.0] * BINS
        self._sum = [0.0] * BINS

    def learn(self, confidence: float, reward: float, weight: float = 1.0) -> None:
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

    def passes(self, threshold: float) -> Check:
        """What a check of calibrated confidence at `threshold` does, from what was seen."""
        curve = self.curve()
        kept = [rate >= threshold for rate in curve]
        right = sum(self._sum)
        wrong = sum(self._count) - right
        right_kept = sum(s for s, keep in zip(self._sum, kept, strict=True) if keep)
        seen = zip(self._count, self._sum, kept, strict=True)
        wrong_kept = sum(n - s for n, s, keep in seen if keep)
        return Check(
            wrong_found=1.0 - wrong_kept / wrong if wrong > 0 else 1.0,
            right_passed=right_kept / right if right > 0 else 1.0,
        )

    @property
    def judged(self) -> float:
        """Judged answers that the curve rests on."""
        return sum(self._count)

    def rewards_from(self, threshold: float) -> float:
        """Judged answers whose calibrated confidence reaches `threshold`."""
        kept = zip(self._count, self.curve(), strict=True)
        return sum(count for count, rate in kept if rate >= threshold)

    def to_state(self) -> dict[str, Any]:
        return {"count": list(self._count), "sum": list(self._sum)}

    def from_state(self, state: Mapping[str, Any]) -> None:
        self._count, self._sum = list(state["count"]), list(state["sum"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """wrong_found: share of wrong answers that are escalated; right_passed: of right ones kept."""

    wrong_found: float
    right_passed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAndSuccess:
    """Expected dollars and success of one request."""

    usd: float
    success: float


def compound(cheap: CostAndSuccess, strong: CostAndSuccess, check: Check) -> CostAndSuccess:
    """The cascade: ask cheap, keep what passes the check, ask strong for the rest.

    Success of strong is taken to be the same on what cheap fails, which flatters the cascade
    where the same requests are hard for both.
    """
    kept_right = cheap.success * check.right_passed
    kept = kept_right + (1 - cheap.success) * (1 - check.wrong_found)
    return CostAndSuccess(
        usd=cheap.usd + (1 - kept) * strong.usd,
        success=kept_right + (1 - kept) * strong.success,
    )


def gain_over_mixture(cheap: CostAndSuccess, strong: CostAndSuccess, made: CostAndSuccess) -> float:
    """Success of a cascade over that of a plain mixture of its two at the same cost.

    It pays above 0.
    """
    if strong.usd <= cheap.usd:
        return made.success - strong.success
    share = min(1.0, (made.usd - cheap.usd) / (strong.usd - cheap.usd))
    return made.success - (cheap.success + share * (strong.success - cheap.success))


def bin_of(confidence: float) -> int:
    return min(BINS - 1, max(0, int(confidence * BINS)))
