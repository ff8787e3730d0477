"""Discounted sums: all that is remembered of one deployment at one task.

Sums are referred to the time of their latest item and older items are discounted on arrival, so
rows merge by adding, in any order, and a late reward counts as if it had come in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from operator import add, attrgetter, mul
from typing import Any

from windsock.core.model.units import MIX_METERS

_SUMS = attrgetter("count", "total", "squares", "at", "requests", "used_at", "units")

NEVER = -float("inf")
"""Before any moment, unix s."""

LEAST_PARAMETER = 0.5
"""Weights are exact from here on. A parameter below is raised: so little is known of its side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeliefSettings:
    """How belief is formed.

    half_life_s         after which a reward counts half
    evidence_cap        most rewards a belief rests on, so that it stays movable
    prior_mean          success of a deployment and task of which nothing is known
    prior_strength      rewards that the pooled prior is worth
    usage_cap           most requests a token mix rests on
    watches_drift       look for silent changes of quality
    follows_drift       and let a deployment's last rewards move its beliefs of all tasks at once
    prompt_tokens, completion_tokens    of a request of which nothing is known
    """

    half_life_s: float = 14 * 86_400.0
    evidence_cap: float = 600.0
    prior_mean: float = 0.75
    prior_strength: float = 4.0
    usage_cap: float = 600.0
    watches_drift: bool = True
    follows_drift: bool = True
    prompt_tokens: float = 500.0
    completion_tokens: float = 200.0


Change = tuple[float, float, float]
"""Of the number of rewards, of their sum and of the sum of their squares."""


class RewardStatistics:
    """Discounted sums of one deployment at one task, as of `at` (unix s).

    count, total, squares   rewards, their sum, the sum of their squares
    requests, units         requests with known usage, and their units by meter, as of `used_at`
    """

    __slots__ = ("_sums", "at", "count", "requests", "squares", "total", "units", "used_at")

    def __init__(self) -> None:
        self.count = self.total = self.squares = self.requests = 0.0
        self.at = self.used_at = NEVER
        self.units: list[float] | None = None
        self._sums: tuple[Any, ...] | None = None

    def observe(self, value: float, weight: float, at: float, settings: BeliefSettings) -> None:
        """Count a reward; a negative weight takes one back."""
        self.observe_sums(weight, weight * value, weight * value * value, at, settings)

    def observe_sums(
        self, count: float, total: float, squares: float, at: float, settings: BeliefSettings
    ) -> None:
        """Count rewards by their number, sum and sum of squares; less than none takes back."""
        stays, weight = discounts(self.at, at, settings.half_life_s)
        self.at, self._sums = max(self.at, at), None
        self.count = max(0.0, self.count * stays + weight * count)
        self.total = min(self.count, max(0.0, self.total * stays + weight * total))
        self.squares = min(self.total, max(0.0, self.squares * stays + weight * squares))
        if self.count > settings.evidence_cap:
            self.shrink_to(settings.evidence_cap)

    def observe_units(
        self, units: Iterable[float], requests: float, at: float, settings: BeliefSettings
    ) -> None:
        """Count requests that took `units` in all, in the order of MIX_METERS."""
        had = self.units or [0.0] * len(MIX_METERS)
        stays, weight = discounts(self.used_at, at, settings.half_life_s)
        self.used_at, self._sums = max(self.used_at, at), None
        self.requests = self.requests * stays + weight * requests
        spare = min(1.0, settings.usage_cap / self.requests)
        self.requests *= spare
        new = units if weight == 1.0 else map(mul, units, repeat(weight))
        sums = map(add, map(mul, had, repeat(stays)), new)
        self.units = list(map(mul, sums, repeat(spare)))

    def mean_units(self) -> list[float] | None:
        """Units of one request; None if no usage is known."""
        if self.units is None or not self.requests:
            return None
        return [unit / self.requests for unit in self.units]

    def merge(self, other: RewardStatistics, settings: BeliefSettings) -> None:
        """Add the sums of another row."""
        if other.count:
            self.observe_sums(other.count, other.total, other.squares, other.at, settings)
        if other.units is not None:
            self.observe_units(other.units, other.requests, other.used_at, settings)

    def shrink_to(self, most: float) -> None:
        """Shrink the evidence to `most` rewards; the mean stays."""
        if self.count > most:
            factor, self._sums = most / self.count, None
            self.count *= factor
            self.total *= factor
            self.squares *= factor

    def move(self, shift: float, most: float) -> None:
        """Shrink the evidence to `most` rewards and move its mean by `shift`."""
        if self.count <= 0:
            return
        phi = dispersion(self.count, self.total, self.squares)
        mean = min(0.99, max(0.01, self.total / self.count + shift))
        self.count, self._sums = min(self.count, most), None
        self.total = self.count * mean
        self.squares = self.count * (mean * mean + phi * mean * (1 - mean))

    def without(self, excess: float) -> RewardStatistics:
        """A copy as if rewards that summed to `excess` over the mean had been at the mean."""
        copy = RewardStatistics.from_state(self.to_state())
        if copy.count > 0:
            copy.move(-excess / copy.count, copy.count)
        return copy

    def copy_rewards(self, other: RewardStatistics) -> None:
        """Believe what `other` believes of success; token use stays."""
        self.count, self.total, self.squares = other.count, other.total, other.squares
        self.at, self._sums = other.at, None

    def age(self, as_of: float, half_life_s: float) -> float:
        """What these rewards still count at `as_of`."""
        return float(2.0 ** ((self.at - as_of) / half_life_s)) if self.count else 0.0

    def to_state(self) -> list[Any]:
        """JSON-able and exact."""
        return told(self.sums())

    def sums(self) -> tuple[Any, ...]:
        """What `told` reads, never changed: taken anew where the row has, as few have lately."""
        if self._sums is None:
            self._sums = _SUMS(self)
        return self._sums

    @classmethod
    def from_state(cls, state: list[Any]) -> RewardStatistics:
        """The sums of a `to_state`."""
        row = cls()
        row.count, row.total, row.squares, at, row.requests, used_at, units = state
        row.at, row.used_at = infinite(at), infinite(used_at)
        row.units = None if units is None else list(units)
        return row


def told(sums: tuple[Any, ...]) -> list[Any]:
    """What `sums` took of a row, as `to_state` says it."""
    return [None if part == NEVER else part for part in sums]


def dispersion(count: float, total: float, squares: float, *, usual: float = 1.0) -> float:
    """Variance of graded rewards over that of 0/1 rewards with the same mean, 0.02..1.

    Shrunk to `usual` with the weight of 10 rewards.
    """
    spread = total * (count - total) / count if count > 0 else 0.0
    if spread <= 0:
        return usual
    ratio = (squares - total * total / count) / spread
    return min(1.0, max(0.02, (10.0 * usual + count * ratio) / (10.0 + count)))


def pooled_dispersion(rows: Iterable[RewardStatistics]) -> float:
    """The dispersion of one deployment within its tasks."""
    within = spread = count = 0.0
    for row in rows:
        if row.count > 0:
            within += row.squares - row.total * row.total / row.count
            spread += row.total * (row.count - row.total) / row.count
            count += row.count
    ratio = within / spread if spread > 0 else 1.0
    return min(1.0, max(0.02, (10.0 + count * ratio) / (10.0 + count)))


def evidence_by_name(rows: Mapping[tuple[str, str], RewardStatistics]) -> dict[str, float]:
    """Rewards behind each deployment at all its tasks together."""
    found: dict[str, float] = {}
    for (_, name), row in rows.items():
        found[name] = found.get(name, 0.0) + row.count
    return found


def held_share(held: float, counted: float) -> float:
    """How much of what was counted is still held, 0..1."""
    return min(1.0, held / counted) if counted > 0 else 1.0


def discounts(then: float, at: float, half_life_s: float) -> tuple[float, float]:
    """What the old sum keeps and what the new item counts, both referred to the later time."""
    if at >= then:
        return (1.0 if at == then else 2.0 ** ((then - at) / half_life_s)), 1.0
    return 1.0, float(2.0 ** ((at - then) / half_life_s))


def infinite(at: float | None) -> float:
    """A moment as stored, where None stands for NEVER."""
    return NEVER if at is None else at


def moved(pair: tuple[float, float], shift: float) -> tuple[float, float]:
    """Beta parameters with their mean moved, as much evidence behind them as before."""
    total = pair[0] + pair[1]
    a = min(total - LEAST_PARAMETER, max(LEAST_PARAMETER, pair[0] + shift * total))
    return a, total - a
