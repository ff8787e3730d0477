"""How fast a deployment answers, over all routes and by those of one alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from windsock.core.resilience.rules import HealthRules

MOST_ROUTES = 32
"""Whose own times are kept apart; those of the one that was met first go first."""

T = TypeVar("T")
Measured = TypeVar("Measured")


class ByRoute(Generic[T]):
    """What is measured of all calls, and the same of those of each route.

    A route is told of its own calls where they are enough: those of others may have longer prompts,
    and ask for longer answers.
    """

    __slots__ = ("_make", "own", "whole")

    def __init__(self, make: Callable[[], T], whole: T | None = None) -> None:
        self._make = make
        self.whole = make() if whole is None else whole
        self.own: dict[str, T] = {}

    def both(self, route: str) -> tuple[T, T]:
        """Where a call of a route is noted: among all, and among its own."""
        own = self.own.get(route)
        if own is None:
            own = self.own[route] = self._make()
            if len(self.own) > MOST_ROUTES:
                del self.own[next(iter(self.own))]
        return self.whole, own

    def read(self, route: str | None, measure: Callable[[T], Measured | None]) -> Measured | None:
        """Of a route's own calls, or where they are too few for this measure of all; None: of
        neither."""
        own = None if route is None else self.own.get(route)
        found = None if own is None else measure(own)
        return measure(self.whole) if found is None else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Time to first content, seconds; None below `min_latency_samples`."""

    p50_s: float | None
    p95_s: float | None
    samples: int


class Pace(NamedTuple):
    """What a share of calls kept to; None: too few were measured.

    first_content_s     it came within so many seconds
    tokens_per_s        at so many the whole answer came, or faster
    """

    first_content_s: float | None
    tokens_per_s: float | None


Values = deque[tuple[float, float]]
"""Each with its moment, unix s; the oldest first."""


@dataclass(slots=True)
class Measures:
    """Of the last calls: seconds until the first content, tokens a second."""

    latencies: Values = field(default_factory=deque)
    speeds: Values = field(default_factory=deque)


def note(kept: Values, value: float, now: float, most: int) -> None:
    """One more; the oldest go where there are more than `most`."""
    kept.append((now, value))
    if len(kept) > most:
        kept.popleft()


def latency_of(rules: HealthRules, kept: Values, now: float) -> Latency:
    """Of the last `latency_s` seconds."""
    values = _fresh(rules, kept, now)
    if len(values) < rules.min_latency_samples:
        return Latency(p50_s=None, p95_s=None, samples=len(values))
    last = len(values) - 1
    return Latency(
        p50_s=values[round(last * 0.5)], p95_s=values[round(last * 0.95)], samples=len(values)
    )


def quantile_of(rules: HealthRules, kept: Values, share: float, now: float) -> float | None:
    """What this share of the last `latency_s` seconds does not exceed; None of too few."""
    ordered = _fresh(rules, kept, now)
    if len(ordered) < rules.min_latency_samples:
        return None
    return ordered[round((len(ordered) - 1) * share)]


def _fresh(rules: HealthRules, kept: Values, now: float) -> list[float]:
    return sorted(value for at, value in kept if now - at <= rules.latency_s)
