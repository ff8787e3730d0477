"""How many calls each provider takes at a time: a fixed ceiling, and one found from its latency.

Only providers with a limit are looked at. A provider that is full gets no further call: another
deployment is drawn, and where none is left the request is refused or waits at the door.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from windsock.core.model.calls import CallKind, CallResult

FIRST_LIMIT = 20.0
LEAST_LIMIT = 4.0
"""Calls at a time of an adaptive limit, at the start and at least."""

LATENCY_TOLERANCE = 1.5
"""Latency over that without load at which the limit falls."""

ADAPT_EVERY_S = 0.25
ADAPT_EVERY_CALLS = 10
"""A window is closed after so many calls, but not sooner."""

UNBOUNDED = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcurrencyRules:
    """max_concurrent: never more; is_adaptive: find the limit from latency, below the ceiling."""

    max_concurrent: int | None = None
    is_adaptive: bool = False


@dataclass(slots=True)
class _Load:
    """One provider's calls.

    peak        most calls under way in this window
    seconds     sum of times to first byte in this window, over `calls`
    unloaded_s  mean time to first byte when there was little to do; None before the first window
    """

    rules: ConcurrencyRules
    limit: float
    ceiling: float
    running: int = 0
    peak: int = 0
    seconds: float = 0.0
    calls: int = 0
    window_at: float = field(default=-math.inf)
    unloaded_s: float | None = None


class ConcurrencyLimits:
    """Calls under way by provider, against limits.

    The adaptive limit is Netflix's Gradient2 in shape: limit * (tolerance * unloaded / now), plus
    a little room to grow. The latency without load is learnt only while the provider is less than
    half full, or it would drift up under lasting overload. A provider that is slow even at the
    least limit is slow by nature, and its latency then counts as that without load.

    are_limited     any provider has a limit
    """

    def __init__(self, rules: Mapping[str, ConcurrencyRules] | None = None) -> None:
        self._loads = {name: _load(each) for name, each in (rules or {}).items()}
        self.are_limited = bool(self._loads)

    def adopt(self, rules: Mapping[str, ConcurrencyRules]) -> None:
        """Other rules; what was found out under unchanged ones, and calls under way, stay."""
        known = self._loads
        self._loads = {}
        for name, each in rules.items():
            load = known.get(name)
            if load is None or load.rules != each:
                running = load.running if load is not None else 0
                load = _load(each)
                load.running = running
            self._loads[name] = load
        self.are_limited = bool(self._loads)

    def is_full(self, provider: str) -> bool:
        """True if it takes no more calls just now."""
        load = self._loads.get(provider)
        return load is not None and load.running >= int(load.limit)

    def limit(self, provider: str) -> float:
        """Calls at a time; inf where there is no limit."""
        load = self._loads.get(provider)
        return UNBOUNDED if load is None else load.limit

    def capacity(self, providers: Iterable[str]) -> float:
        """Calls at a time of all of these; inf if one has no limit."""
        return sum(map(self.limit, providers)) if self._loads else UNBOUNDED

    def running(self, provider: str) -> int:
        """Calls under way; only counted where there is a limit."""
        load = self._loads.get(provider)
        return 0 if load is None else load.running

    def begin(self, provider: str) -> None:
        """A call is being made."""
        load = self._loads.get(provider)
        if load is not None:
            load.running += 1
            load.peak = max(load.peak, load.running)

    def end(self, provider: str, result: CallResult, now: float) -> None:
        """A call has ended; where the limit is found from latency, its answer may move it."""
        load = self._loads.get(provider)
        if load is None:
            return
        load.running = max(0, load.running - 1)
        if load.rules.is_adaptive and result.kind is CallKind.ANSWERED:
            load.seconds += result.latency_s if result.first_byte_s is None else result.first_byte_s
            load.calls += 1
            if load.calls >= ADAPT_EVERY_CALLS and now - load.window_at >= ADAPT_EVERY_S:
                _adapt(load)
                load.window_at = now


def _load(rules: ConcurrencyRules) -> _Load:
    ceiling = UNBOUNDED if rules.max_concurrent is None else float(rules.max_concurrent)
    limit = min(FIRST_LIMIT, ceiling) if rules.is_adaptive else ceiling
    return _Load(rules=rules, limit=limit, ceiling=ceiling)


def _adapt(load: _Load) -> None:
    """Close a window: move the limit, and what is known of the latency without load."""
    mean_s = load.seconds / load.calls
    if load.unloaded_s is None or mean_s < load.unloaded_s:
        load.unloaded_s = mean_s
    elif load.peak < load.limit / 2:
        load.unloaded_s += 0.2 * (mean_s - load.unloaded_s)
    gradient = min(1.0, max(0.5, LATENCY_TOLERANCE * load.unloaded_s / mean_s))
    is_busy = load.peak >= 0.8 * load.limit
    if gradient < 1.0 and load.limit <= LEAST_LIMIT:
        load.unloaded_s = mean_s
    if gradient < 1.0 and load.peak >= load.limit / 2:
        load.limit = max(LEAST_LIMIT, load.limit * gradient)
    elif is_busy:
        load.limit += max(1.0, math.sqrt(load.limit) / 2)
    load.limit = min(load.limit, load.ceiling)
    load.peak, load.seconds, load.calls = load.running, 0.0, 0
