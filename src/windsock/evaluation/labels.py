"""How many judged answers more would decide what the log leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from windsock.evaluation.estimators import Estimate

LEAST_DIFFERENCE = 0.01
"""Of success: who differs by less than a point need not be told apart."""

REACH = 1.96
LARGEST_VARIANCE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """
    judged      answers in the log with a reward
    difference  of success that is to be told: what it seems to be, one point at least
    more        judged answers beside them that would tell it, of the same kinds; 0: it is decided
    """

    judged: int
    difference: float
    more: int


def labels_of(gain: Estimate | None, judged: int, *, requests: int, samples: float) -> Labels:
    """What is still needed: errors fall as one over the root of the labels.

    gain        of success; None where too little is known to tell one, then rewards are taken to
                vary as much as they can
    samples     requests that the log is worth under the new policy
    """
    if gain is None:
        spread = LARGEST_VARIANCE * requests / max(samples, 1e-9)
        needed = spread * (REACH / LEAST_DIFFERENCE) ** 2
        more = max(1, ceil(needed) - judged)
        return Labels(judged=judged, difference=LEAST_DIFFERENCE, more=more)
    difference = max(abs(gain.mean), LEAST_DIFFERENCE)
    half = (gain.high - gain.low) / 2
    is_decided = gain.low > 0 or gain.high < 0 or half < LEAST_DIFFERENCE
    more = 0 if is_decided else max(1, ceil(judged * ((half / difference) ** 2 - 1)))
    return Labels(judged=judged, difference=difference, more=more)
