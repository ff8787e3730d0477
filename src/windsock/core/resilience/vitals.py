"""What is known of one deployment's health."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from windsock.core.model.calls import FAILURES, CallKind, CallResult
from windsock.core.resilience.rate_cap import TrafficCap
from windsock.core.resilience.rules import HealthRules

HELD_SHARE = 0.1
"""Of the time of a call, for which its client may be waited for, and its speed still be known."""


MOST_ROUTES = 32
"""Whose own times are kept apart; those of the one that was met first go first."""

KEPT_MEASURES = 40
"""The last of each kind that a snapshot keeps; quantiles want `min_latency_samples`."""


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


def quantile(values: Iterable[float], share: float, least: int) -> float | None:
    """What this share of the values does not exceed; None of fewer than `least`."""
    ordered = sorted(values)
    if len(ordered) < least:
        return None
    return ordered[round((len(ordered) - 1) * share)]


@dataclass(slots=True)
class Vitals:
    """Counts and cooldown of one deployment.

    consecutive     failures in a row
    unaffordable    requests in a row that the account could not pay, though it may pay others
    cause           what the cooldown, if there was one, came of
    account         deployments that left with it, itself included, for one account serves all
    is_failing      it was left alone for its failures
    is_dead         the last calls that it was given all failed
    again_at        unix s from which on it may be asked though it should be left alone
    routes          latencies of the calls of each route
    latencies, speeds   seconds until the first content, tokens a second, each with its moment
    """

    consecutive: int = 0
    unaffordable: int = 0
    calls: deque[tuple[float, bool]] = field(default_factory=deque)
    failed_calls: int = 0
    ejections: int = 0
    cooldown_until: float = 0.0
    cause: CallKind | None = None
    account: tuple[str, ...] = ()
    ejected_at: float = 0.0
    away_at: float = 0.0
    is_failing: bool = True
    is_dead: bool = False
    again_at: float = 0.0
    is_half_open: bool = False
    probe_until: float = 0.0
    routes: dict[str, deque[tuple[float, float]]] = field(default_factory=dict)
    latencies: deque[tuple[float, float]] = field(default_factory=deque)
    speeds: deque[tuple[float, float]] = field(default_factory=deque)
    successes: int = 0
    failures: int = 0
    cap: TrafficCap = field(default_factory=TrafficCap)

    @property
    def reason(self) -> str:
        """Of the cooldown, in words."""
        return "" if self.cause is None else self.cause.value.replace("_", " ")

    def count(self, rules: HealthRules, now: float, *, ok: bool) -> None:
        """A call ended that tells of health."""
        self.calls.append((now, ok))
        self.failed_calls += not ok
        while now - self.calls[0][0] > rules.rate_window_s:
            _, was_ok = self.calls.popleft()
            self.failed_calls -= not was_ok

    def is_bad(self, rules: HealthRules) -> bool:
        """True if so many calls failed, in a row or by their share, that it must be left alone."""
        calls = len(self.calls)
        is_bad_rate = calls >= rules.rate_calls and self.failed_calls >= rules.rate_failures * calls
        return is_bad_rate or self.consecutive >= rules.max_consecutive

    def try_out(self, rules: HealthRules, now: float) -> None:
        """A call is made though it should be left alone, for want of others.

        Half of the calls that half of the time succeed are worth more than none; of calls that all
        fail a few are enough to see whether that has changed.
        """
        self.again_at = now + rules.retry_dead_s if self.is_dead else 0.0

    def leave(
        self,
        rules: HealthRules,
        result: CallResult,
        pause_s: float,
        now: float,
        *,
        is_failing: bool,
    ) -> None:
        """Leave it alone for what a call came to, half-open afterwards.

        Who answers others is not dead, where it is known which requests failed.
        """
        is_known = result.about.asked is not None
        has_answered = is_known and self.failed_calls < len(self.calls)
        self._leave(rules, result.kind, pause_s, now, is_failing, has_answered)

    def _leave(
        self,
        rules: HealthRules,
        cause: CallKind,
        pause_s: float,
        now: float,
        is_failing: bool,
        has_answered: bool = False,
    ) -> None:
        self.cooldown_until = max(self.cooldown_until, now + pause_s)
        self.ejected_at = now
        self.cause = cause
        self.is_failing = is_failing
        has_failed_all = self.is_dead or self.consecutive >= rules.max_consecutive
        self.is_dead = is_failing and has_failed_all and not has_answered
        self.is_half_open = True
        self.probe_until = 0.0
        self.consecutive = 0
        self.try_out(rules, now)
        self.calls.clear()
        self.failed_calls = 0

    def hear(self, rules: HealthRules, cause: CallKind | None, until: float, now: float) -> None:
        """Another replica leaves it alone until then; in the past: no more."""
        if cause is None or until <= now:
            self.come_back(now)
        elif until > self.cooldown_until:
            self._leave(rules, cause, until - now, now, cause in FAILURES)

    def come_back(self, now: float) -> None:
        """It answered: nothing is held against it any more."""
        self.is_half_open = self.is_dead = False
        self.probe_until = 0.0
        self.cooldown_until = min(self.cooldown_until, now)
        self.ejections = 0
        self.account = ()

    def note_latency(self, rules: HealthRules, seconds: float, now: float, route: str = "") -> None:
        """The first content of a call of a route came after so many seconds."""
        own = self.routes.setdefault(route, deque())
        if len(self.routes) > MOST_ROUTES:
            del self.routes[next(iter(self.routes))]
        for kept in (self.latencies, own):
            kept.append((now, seconds))
            if len(kept) > rules.latency_samples:
                kept.popleft()

    def succeed(self, rules: HealthRules, result: CallResult, now: float) -> None:
        """An answer is whole; without tokens, or read slowly, it tells of no speed.

        What comes while its client is waited for lies ready afterwards: nobody knows when it came.
        """
        self.successes += 1
        self.consecutive = self.unaffordable = 0
        self.count(rules, now, ok=True)
        tokens = result.usage.completion_tokens if result.usage else 0
        if tokens <= 0 or result.latency_s <= 0 or result.held_s > HELD_SHARE * result.latency_s:
            return
        self.speeds.append((now, tokens / result.latency_s))
        if len(self.speeds) > rules.latency_samples:
            self.speeds.popleft()

    def pace(self, rules: HealthRules, share: float, now: float) -> Pace:
        """What this share of its calls of the last `latency_s` seconds kept to."""
        first, whole = (
            [value for at, value in kept if now - at <= rules.latency_s]
            for kept in (self.latencies, self.speeds)
        )
        least = rules.min_latency_samples
        return Pace(quantile(first, share, least), quantile(whole, 1 - share, least))

    def latency(self, rules: HealthRules, now: float, route: str | None = None) -> Latency:
        """Of its calls of the last `latency_s` seconds.

        route   of its calls alone, if they are enough: those of others may ask for longer answers
        """
        own = self.routes.get(route) if route is not None else None
        if own is not None and (found := self._latency(rules, own, now)).p95_s is not None:
            return found
        return self._latency(rules, self.latencies, now)

    @staticmethod
    def _latency(rules: HealthRules, kept: deque[tuple[float, float]], now: float) -> Latency:
        while kept and now - kept[0][0] > rules.latency_s:
            kept.popleft()
        values = sorted(value for _, value in kept)
        if len(values) < rules.min_latency_samples:
            return Latency(p50_s=None, p95_s=None, samples=len(values))
        last = len(values) - 1
        return Latency(
            p50_s=values[round(last * 0.5)], p95_s=values[round(last * 0.95)], samples=len(values)
        )

    def to_state(self) -> dict[str, Any]:
        """Its last measures, JSON-able. Whom it left alone is asked again after a restart: then
        keys, accounts and limits may have been mended."""
        return {"latencies": _last(self.latencies), "speeds": _last(self.speeds)}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Vitals:
        """Those of a `to_state`."""
        return cls(latencies=_measures(state["latencies"]), speeds=_measures(state["speeds"]))


def _last(measures: deque[tuple[float, float]]) -> list[tuple[float, float]]:
    return list(measures)[-KEPT_MEASURES:]


def _measures(kept: Iterable[Sequence[float]]) -> deque[tuple[float, float]]:
    return deque((at, value) for at, value in kept)
