"""The rate of calls that a provider takes, learnt from its 429s: cut at each, then raised."""

from __future__ import annotations

import math

from windsock.core.resilience.rules import HealthRules

RATE_MEMORY_S = 30.0
"""Memory of the rate estimate; limits are mostly stated per minute."""


class TrafficCap:
    """A token bucket whose rate is learnt: additive growth by time, one cut per cooldown.

    full_until  no traffic before then, since the bucket ran empty
    """

    __slots__ = ("_cap", "_growth", "_learnt_at", "_rate", "_tokens", "_used_at", "full_until")

    def __init__(self) -> None:
        self._cap = math.inf
        self._growth = 0.0
        self._learnt_at = 0.0
        self._rate = 0.0
        self._tokens = 0.0
        self._used_at = -math.inf
        self.full_until = 0.0

    def per_min(self, now: float) -> float:
        """Calls a minute; inf while nothing was learnt, or once it has grown to the double."""
        grown = 1.0 + self._growth * (now - self._learnt_at) / 60.0
        return math.inf if grown >= 2.0 else self._cap * grown

    def observe_refusal(self, rules: HealthRules, now: float) -> None:
        """A 429 came at the present rate."""
        rate = self._rate_at(now) * 60.0
        if rate < rules.cap_calls:
            return
        self._cap = min(self.per_min(now), rate * rules.cap_share)
        self._growth = rules.cap_growth
        self._learnt_at = now
        self._tokens = 0.0

    def begin(self, rules: HealthRules, now: float) -> bool:
        """A call is being made; True if with it the cap is used up for a while."""
        since_s = now - self._used_at
        self._rate = self._rate_at(now) + 1.0 / RATE_MEMORY_S
        self._used_at = now
        if self._cap == math.inf or (cap := self.per_min(now)) == math.inf:
            return False
        per_s = cap / 60.0
        burst = max(1.0, per_s * rules.cap_pause_s)
        self._tokens = min(burst, self._tokens + since_s * per_s) - 1.0
        if self._tokens > -burst:
            return False
        self._tokens = 0.0
        self.full_until = now + max(rules.cap_pause_s, burst / per_s)
        self._used_at = self.full_until
        return True

    def _rate_at(self, now: float) -> float:
        """Calls a second, exponentially weighted."""
        return self._rate * math.exp(-max(0.0, now - self._used_at) / RATE_MEMORY_S)
