"""What a success costs where nobody tries hard: the measure of what more of it may cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

NEAR_BEST = 0.05
"""The cheapest deployment within this of the best is the reference."""

DEAREST = 100.0
"""No success is bought for more than this many times what the reference's cost."""

NEAREST = 3.0
"""Where nobody reaches a floor, what comes near it is bought for this many times that."""

SEARCHED = 10.0
"""A floor that is not held is looked for at this many times that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One deployment asked for everything: its success, and dollars of one request."""

    deployment: str
    success: float
    usd: float

    @property
    def usd_per_success(self) -> float:
        """Dollars of one success."""
        return self.usd / max(self.success, 1e-9)


class Offer(NamedTuple):
    """What a deployment is expected to do at one task. share: of the route's traffic."""

    deployment: str
    success: float
    usd: float
    share: float


def reference_of(offers: Sequence[Offer], named: str | None = None) -> Reference | None:
    """The deployment named, else the cheapest within NEAR_BEST of the best over the route.

    Deployments that cannot serve every task are judged by those they can; what costs nothing says
    nothing of what a success may cost. None without offers.
    """
    alone = _alone(offers)
    if named is not None and named in alone:
        return alone[named]
    paid = [each for each in alone.values() if each.usd > 0.0]
    if not paid:
        return None
    least = max(each.success for each in paid) - NEAR_BEST
    return min(
        (each for each in paid if each.success >= least),
        key=lambda each: (each.usd, each.deployment),
    )


def _alone(offers: Sequence[Offer]) -> Mapping[str, Reference]:
    sums: dict[str, tuple[float, float, float]] = {}
    for name, success, usd, share in offers:
        whole, right, spent = sums.get(name, (0.0, 0.0, 0.0))
        sums[name] = whole + share, right + share * success, spent + share * usd
    return {
        name: Reference(deployment=name, success=success / share, usd=usd / share)
        for name, (share, success, usd) in sums.items()
        if share > 0
    }
