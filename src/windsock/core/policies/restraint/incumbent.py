"""Traffic leaves an incumbent only as far as the loss against having kept it is surely bounded.

A conservative bandit (Wu et al. 2016) in expectation: what was served lately and what is to come
are judged together by today's belief, so that what others proved to be worth is room for looks.

The bound is one on the route, not on each task: errors of what a task's own rewards say are
independent of those of other tasks, so a task that has a share p of the traffic may take its errors
for sqrt(p) of what they are, and the sum over tasks still holds. What the prior says is common to
all tasks, and counts in full; and to all others, from among which the incumbent was chosen, until
some of them are judged: its errors add up, and are taken for the larger the more others there are,
since the best of many lies further ahead of them and looks at many tell less of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from windsock.core.model.arrays import FloatArray

LOSS = 0.0075
"""Successes a request that may be lost against the incumbent."""

SURE = 1.645
"""Standard errors: the loss is within its bound with a probability of 95 %."""

AHEAD = 250.0
"""Requests to come that are judged with those that were served."""

ANSWERS = 2.0
"""Rewards' worth of mere answers, which say nothing of a task."""

FEW = 7.0
"""Errors of what the prior says of more others than these grow by the root of others / FEW."""

NOTHING_KNOWN = 6.0
"""Rewards' worth of a belief that nobody's judgement is behind: the prior, and mere answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incumbent:
    """
    index       where it stands among the arms
    served      (arms,) last requests of the cell by arm
    floor       success beyond which is worth nothing, None if each is worth V
    strength    (arms,) rewards' worth of the beliefs
    rewards     (arms,) of them the cell's own
    share       of the route's traffic that falls in the cell
    """

    index: int
    served: FloatArray
    floor: float | None
    strength: FloatArray
    rewards: FloatArray
    share: float = 1.0

    def errors(self, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(arms,) variances that are each arm's own, and sd of what the prior says of all alike.

        What was judged of any of the others tells whether the prior is right about all: the first
        such reward halves how far it is wrong about all alike.
        """
        judged = np.maximum(0.0, self.rewards - ANSWERS)
        own = np.clip((self.rewards - ANSWERS) / self.strength, 0.0, 1.0)
        elsewhere = float(judged.sum() - judged[self.index])
        alike = 1.0 / (1.0 + elsewhere)
        apart = own * min(1.0, self.share) + (1.0 - own) * (1.0 - alike)
        many = max(1.0, (len(sd) - 1) / FEW)
        return sd**2 * apart, sd * np.sqrt((1.0 - own) * alike * many)


def kept(
    weights: FloatArray, it: Incumbent, mean: FloatArray, sd: FloatArray, usd: FloatArray,
    value_usd: float,
) -> FloatArray:  # fmt: skip
    """Weights with as much for the incumbent as the bounds on successes and dollars need.

    weights, mean, sd, usd  (arms,)
    value_usd   V: what a success more may cost
    returns     (arms,), sums to 1
    """
    if weights[it.index] >= 1.0:
        return weights
    paid = _paid(weights, it, mean, sd, usd, value_usd)
    return _toward(paid, it, _share(paid, it, _gains(it, mean, usd, value_usd), sd))


def _toward(weights: FloatArray, it: Incumbent, share: FloatArray | float) -> FloatArray:
    """`share` of each other's weight; the rest is the incumbent's."""
    made: FloatArray = weights * share
    made[it.index] = 0.0
    made[it.index] = 1.0 - made.sum()
    return made


def _paid(
    weights: FloatArray, it: Incumbent, mean: FloatArray, sd: FloatArray, usd: FloatArray,
    value_usd: float,
) -> FloatArray:  # fmt: skip
    """Those that are dearer and not surely worth it get what the cheaper ones save."""
    more = usd - usd[it.index]
    if not more.any():
        return weights
    gain = mean - mean[it.index] - SURE * np.hypot(sd, sd[it.index])
    is_doubted = (more > 0) & (value_usd * np.maximum(gain, 0.0) < more)
    wanted = float((weights * more)[is_doubted].sum())
    saved = -float((weights * more)[more < 0].sum())
    if wanted <= saved:
        return weights
    return _toward(weights, it, np.where(is_doubted, saved / wanted, 1.0))


def _gains(it: Incumbent, mean: FloatArray, usd: FloatArray, value_usd: float) -> FloatArray:
    """(arms,) successes that a request gains there, or what money saved is worth in them.

    No gain is credited that nobody's judgement speaks for.
    """
    own = float(mean[it.index])
    if it.floor is not None:
        gains = mean - min(own, it.floor)
    else:
        saved = (usd[it.index] - usd) / value_usd if value_usd > 0 else 0.0
        gains = mean - own + saved
    believed = np.maximum(0.0, 1.0 - NOTHING_KNOWN / it.strength)
    made: FloatArray = np.where(gains > 0, gains * believed, gains)
    return made


def _share(weights: FloatArray, it: Incumbent, gain: FloatArray, sd: FloatArray) -> float:
    """The greatest share of the others' weights with which the loss is surely bounded.

    With n served and v to come, the loss is surely below LOSS a request where
    (n + s v) d + LOSS (N + M) >= SURE sd((n + s v) theta): a quadratic in s.
    """
    others = np.arange(len(gain)) != it.index
    n, v = it.served * others, AHEAD * weights * others
    variance, common = it.errors(sd)
    own = float(variance[it.index] + common[it.index] ** 2) * (gain[it.index] <= 0.0)
    room = float(n @ gain) + LOSS * (float(it.served.sum()) + AHEAD)
    slope = float(v @ gain)

    def covered(x: FloatArray, y: FloatArray) -> float:
        """Covariance of the losses of so many requests."""
        apart = float((x * y) @ variance) + float(x.sum() * y.sum()) * own
        return float(SURE**2 * (apart + float(x @ common) * float(y @ common)))

    return _root(room, slope, covered(n, n), covered(n, v), covered(v, v))


def _root(room: float, slope: float, flat: float, cross: float, steep: float) -> float:
    """The greatest s in 0..1 with room + s slope >= sqrt(flat + 2 s cross + s^2 steep)."""

    def holds(s: float) -> bool:
        left = room + s * slope
        return left >= 0 and left * left >= flat + 2 * s * cross + s * s * steep

    if holds(1.0):
        return 1.0
    a, b, c = slope**2 - steep, room * slope - cross, room**2 - flat
    inner = b * b - a * c
    if inner < 0 or (c < 0 and not holds(0.0)):
        return 0.0
    if abs(a) < 1e-300:
        roots = [-c / (2 * b)] if b else []
    else:
        roots = [(-b - inner**0.5) / a, (-b + inner**0.5) / a]
    inside = [s for s in roots if 0.0 <= s <= 1.0]
    return max((s for s in inside if room + s * slope >= -1e-12), default=0.0)
