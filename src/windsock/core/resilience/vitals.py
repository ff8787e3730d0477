"""What is known of one deployment's health."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from windsock.core.model.calls import FAILURES, LASTING, CallKind, CallResult
from windsock.core.resilience.measures import (
    ByRoute,
    Latency,
    Measures,
    Pace,
    Values,
    latency_of,
    note,
    quantile_of,
)
from windsock.core.resilience.rate_cap import TrafficCap
from windsock.core.resilience.rules import HealthRules

HELD_SHARE = 0.1
"""Of the time of a call, for which its client may be waited for, and its speed still be known."""


KEPT_MEASURES = 40
"""The last of each kind that a snapshot keeps; quantiles want `min_latency_samples`."""


@dataclass(slots=True)
class Vitals:
    """Counts and cooldown of one deployment.

    consecutive     failures in a row
    unaffordable    requests in a row that the account could not pay, though it may pay others
    cause           what the cooldown, if there was one, came of
    account         deployments that left with it, itself included, for one account serves all
    is_failing      it was left alone for its failures
    may_answer      others were answered beside what it was left alone for: where no other is left
                    it is asked all the same
    is_dead         the last calls that it was given all failed
    again_at        unix s from which on it may be asked though it should be left alone
    measures        how fast its calls were, of all and of each route
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
    may_answer: bool = False
    is_dead: bool = False
    again_at: float = 0.0
    is_half_open: bool = False
    probe_until: float = 0.0
    measures: ByRoute[Measures] = field(default_factory=lambda: ByRoute(Measures))
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
        fail, or are refused for what a person must mend, a few are enough to see whether that has
        changed.
        """
        if self.cause in LASTING:
            self.again_at = now + rules.retry_lasting_s
        else:
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
        if result.kind in LASTING and result.retry_after_s:
            self.again_at = max(self.again_at, now + rules.asked_pause_s(result.retry_after_s))

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
        self.may_answer = False
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
        for each in self.measures.both(route):
            note(each.latencies, seconds, now, rules.latency_samples)

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
        for each in self.measures.both(result.about.route):
            note(each.speeds, tokens / result.latency_s, now, rules.latency_samples)

    def pace(self, rules: HealthRules, share: float, now: float, route: str | None = None) -> Pace:
        """What this share of its calls of the last `latency_s` seconds kept to, first by those of
        the route."""

        def first(of: Measures) -> float | None:
            return quantile_of(rules, of.latencies, share, now)

        def whole(of: Measures) -> float | None:
            return quantile_of(rules, of.speeds, 1 - share, now)

        return Pace(self.measures.read(route, first), self.measures.read(route, whole))

    def latency(self, rules: HealthRules, now: float, route: str | None = None) -> Latency:
        """Of its calls of the last `latency_s` seconds, first by those of the route."""

        def measured(of: Measures) -> Latency | None:
            found = latency_of(rules, of.latencies, now)
            return None if found.p95_s is None else found

        found = self.measures.read(route, measured)
        return found or latency_of(rules, self.measures.whole.latencies, now)

    def to_state(self) -> dict[str, Any]:
        """Its last measures, JSON-able. Whom it left alone is asked again after a restart: then
        keys, accounts and limits may have been mended."""
        kept = self.measures.whole
        return {"latencies": _last(kept.latencies), "speeds": _last(kept.speeds)}

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Vitals:
        """Those of a `to_state`."""
        kept = Measures(_measures(state["latencies"]), _measures(state["speeds"]))
        return cls(measures=ByRoute(Measures, kept))


def _last(measures: Values) -> list[tuple[float, float]]:
    return list(measures)[-KEPT_MEASURES:]


def _measures(kept: Iterable[Sequence[float]]) -> Values:
    return deque((at, value) for at, value in kept)
