"""Which deployments answer: passive health from live traffic, and what status feeds say.

Ejection follows Envoy's outlier detection: consecutive failures or a failure rate, for a time
that grows with each ejection, then one probe with a real request (half-open).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from windsock.core.model.calls import FAILURES, CallKind, CallResult
from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import HealthReport, HealthState
from windsock.core.resilience.rate_cap import TrafficCap
from windsock.core.resilience.rules import HealthRules
from windsock.core.resilience.status_reports import StatusBoard


@dataclass(slots=True)
class _Vitals:
    consecutive: int = 0
    calls: deque[tuple[float, bool]] = field(default_factory=deque)
    failed_calls: int = 0
    ejections: int = 0
    cooldown_until: float = 0.0
    cooldown_reason: str = ""
    ejected_at: float = 0.0
    away_at: float = 0.0
    is_failing: bool = True
    is_half_open: bool = False
    probe_until: float = 0.0
    latencies: deque[tuple[float, float]] = field(default_factory=deque)
    successes: int = 0
    failures: int = 0
    cap: TrafficCap = field(default_factory=TrafficCap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Time to first content, seconds; None below `min_latency_samples`."""

    p50_s: float | None
    p95_s: float | None
    samples: int


class HealthBoard:
    """Availability of every deployment. `version` grows when an answer of `why_out` changes."""

    def __init__(self, rules: HealthRules | None = None) -> None:
        self.rules = rules or HealthRules()
        self.version = 0
        self._vitals: dict[str, _Vitals] = {}
        self._status = StatusBoard(self.rules.report_s)

    def why_out(self, deployment: str, provider: str, now: float) -> str | None:
        """Why it gets no traffic just now, or None."""
        vitals = self._vitals.get(deployment)
        if vitals is not None:
            if now < vitals.cap.full_until:
                return f"at its learnt cap of {vitals.cap.per_min(now):.0f} calls a minute"
            if now < vitals.cooldown_until:
                left = vitals.cooldown_until - now
                return f"cooling down for {left:.0f} s after {vitals.cooldown_reason}"
            if vitals.is_half_open and now < vitals.probe_until:
                return f"a probe is under way after {vitals.cooldown_reason}"
        report = self.report_of(deployment, provider, now)
        if report is not None and report.state is HealthState.DOWN:
            return f"{report.feed} reports it down" + (f": {report.note}" if report.note else "")
        return None

    def is_worth_a_try(self, deployment: str, now: float) -> bool:
        """True if a deployment that is out may be asked when all others are out as well.

        Not while a rate limit, a refused key, an empty account or an unknown model keeps it out:
        asking then is known to fail.
        """
        vitals = self._vitals.get(deployment)
        return vitals is None or now >= vitals.cooldown_until or vitals.is_failing

    def report_of(self, deployment: str, provider: str, now: float) -> HealthReport | None:
        """The worst fresh report about a deployment or its provider."""
        return self._status.worst(deployment, provider, now)

    def state_of(self, deployment: str, provider: str, now: float) -> str:
        """closed, open or half_open, as circuit breakers call it."""
        vitals = self._vitals.get(deployment)
        if vitals is None:
            return "closed"
        if now < vitals.cooldown_until:
            return "open"
        return "half_open" if vitals.is_half_open else "closed"

    def next_change_at(self, deployments: Iterable[str], now: float) -> float:
        """When an answer of `why_out` may next change by time alone; inf if never."""
        moments = [math.inf]
        for deployment in deployments:
            vitals = self._vitals.get(deployment)
            if vitals is not None:
                ends = (vitals.cooldown_until, vitals.probe_until, vitals.cap.full_until)
                moments += [t for t in ends if t > now]
        return min(min(moments), *self._status.ends(now), math.inf)

    def absorb(self, report: HealthReport, now: float) -> list[Event]:
        """Take in a status feed's word; unknown is never read as down."""
        shifts = self._status.absorb(report, now)
        self.version += len(shifts)
        return shifts

    def failing(self, now: float) -> list[str]:
        """Deployments that are left alone for their failures."""
        return [
            name
            for name, vitals in self._vitals.items()
            if now < vitals.cooldown_until and vitals.is_failing
        ]

    def hear(self, deployment: str, now: float, *, is_there: bool) -> list[Event]:
        """A free signal about an ejected deployment: its provider answers, or does not.

        While it does not, no request is spent on finding that out, `max_ejection_s` at most. Once
        it answers again the ejection ends early, half-open. One that answered all the while says
        nothing: then it is the model that fails, not the provider.
        """
        vitals = self._vitals.get(deployment)
        if vitals is None or not vitals.is_failing or now >= vitals.cooldown_until:
            return []
        if not is_there:
            vitals.away_at = now
            most = vitals.ejected_at + max(self.rules.max_ejection_s, self.rules.away_s)
            until = min(now + self.rules.away_s, most)
            if until > vitals.cooldown_until:
                vitals.cooldown_until = until
                self.version += 1
            return []
        if vitals.away_at <= vitals.ejected_at:
            return []
        vitals.cooldown_until = vitals.away_at = now
        self.version += 1
        return [Event(kind=EventKind.COOLDOWN_CUT_SHORT, deployment=deployment, at=now)]

    def begin(self, deployment: str, now: float) -> None:
        """A call is being made; in half-open state it is the one probe."""
        vitals = self._vitals.get(deployment)
        if vitals is None:
            vitals = self._vitals[deployment] = _Vitals()
        if vitals.cap.begin(self.rules, now):
            self.version += 1
        if vitals.is_half_open and now >= vitals.probe_until:
            vitals.probe_until = now + self.rules.probe_s
            self.version += 1

    def record(self, result: CallResult, now: float) -> list[Event]:
        """Learn from one finished call."""
        deployment = result.attempt.deployment
        vitals = self._vitals.get(deployment)
        if vitals is None:
            vitals = self._vitals[deployment] = _Vitals()
        if result.first_byte_s is not None:
            vitals.latencies.append((now, result.first_byte_s))
            if len(vitals.latencies) > self.rules.latency_samples:
                vitals.latencies.popleft()
        if result.kind is CallKind.ANSWERED:
            return self._succeeded(deployment, vitals, now - result.latency_s, now)
        if result.kind in FAILURES:
            return self._failed(deployment, vitals, result, now)
        pause_s = self._pause_s(result)
        if result.kind is CallKind.RATE_LIMITED and now >= vitals.cooldown_until:
            vitals.cap.observe_refusal(self.rules, now)
        if pause_s:
            return self._cool(deployment, vitals, pause_s, result, now)
        return self._probe_was_void(vitals)

    def latency(self, deployment: str, now: float) -> Latency:
        """Of its calls of the last `latency_s` seconds."""
        vitals = self._vitals.get(deployment)
        if vitals is None:
            return Latency(p50_s=None, p95_s=None, samples=0)
        while vitals.latencies and now - vitals.latencies[0][0] > self.rules.latency_s:
            vitals.latencies.popleft()
        values = sorted(value for _, value in vitals.latencies)
        if len(values) < self.rules.min_latency_samples:
            return Latency(p50_s=None, p95_s=None, samples=len(values))
        last = len(values) - 1
        return Latency(
            p50_s=values[round(last * 0.5)], p95_s=values[round(last * 0.95)], samples=len(values)
        )

    def tallies(self, deployment: str) -> tuple[int, int]:
        """Calls that succeeded and that failed since start."""
        vitals = self._vitals.get(deployment)
        return (vitals.successes, vitals.failures) if vitals else (0, 0)

    def failures_in_a_row(self, deployment: str) -> int:
        """Its failures since it last answered, or was last ejected."""
        vitals = self._vitals.get(deployment)
        return vitals.consecutive if vitals else 0

    def cooldown_until(self, deployment: str) -> float:
        """Unix s until which it is left alone; in the past, or 0, if it is not."""
        vitals = self._vitals.get(deployment)
        return vitals.cooldown_until if vitals else 0.0

    def _succeeded(
        self, deployment: str, vitals: _Vitals, begun_at: float, now: float
    ) -> list[Event]:
        vitals.successes += 1
        vitals.consecutive = 0
        self._count(vitals, True, now)
        if not vitals.is_half_open or begun_at < vitals.ejected_at:
            return []  # nothing to end, or it was under way when the deployment began to fail
        vitals.is_half_open = False
        vitals.probe_until = 0.0
        vitals.cooldown_until = min(vitals.cooldown_until, now)
        vitals.ejections = 0
        self.version += 1
        return [Event(kind=EventKind.COOLDOWN_ENDED, deployment=deployment, at=now)]

    def _failed(
        self, deployment: str, vitals: _Vitals, result: CallResult, now: float
    ) -> list[Event]:
        vitals.failures += 1
        vitals.consecutive += 1
        self._count(vitals, False, now)
        calls = len(vitals.calls)
        is_bad_rate = (
            calls >= self.rules.rate_calls
            and vitals.failed_calls >= self.rules.rate_failures * calls
        )
        is_bad = vitals.consecutive >= self.rules.max_consecutive or is_bad_rate
        if now < vitals.cooldown_until or not (vitals.is_half_open or is_bad):
            return []
        vitals.ejections += 1
        pause_s = min(self.rules.ejection_s * vitals.ejections, self.rules.max_ejection_s)
        return self._cool(deployment, vitals, pause_s, result, now)

    def _count(self, vitals: _Vitals, ok: bool, now: float) -> None:
        vitals.calls.append((now, ok))
        vitals.failed_calls += not ok
        while now - vitals.calls[0][0] > self.rules.rate_window_s:
            _, was_ok = vitals.calls.popleft()
            vitals.failed_calls -= not was_ok

    def _pause_s(self, result: CallResult) -> float:
        rules = self.rules
        if result.kind is CallKind.RATE_LIMITED:
            return rules.rate_limit_s if result.retry_after_s is None else result.retry_after_s
        return {
            CallKind.AUTH_FAILED: rules.key_s,
            CallKind.OUT_OF_CREDIT: rules.credit_s,
            CallKind.MODEL_GONE: rules.gone_s,
        }.get(result.kind, 0.0)

    def _cool(
        self, deployment: str, vitals: _Vitals, pause_s: float, result: CallResult, now: float
    ) -> list[Event]:
        vitals.cooldown_until = max(vitals.cooldown_until, now + pause_s)
        vitals.ejected_at = now
        vitals.cooldown_reason = result.kind.value.replace("_", " ")
        vitals.is_failing = result.kind in FAILURES
        vitals.is_half_open = True
        vitals.probe_until = 0.0
        vitals.consecutive = 0
        vitals.calls.clear()
        vitals.failed_calls = 0
        self.version += 1
        facts = {
            "reason": result.kind.value,
            "status": result.status,
            "cooldown_s": round(pause_s, 3),
            "ejections": vitals.ejections,
        }
        return [Event(kind=EventKind.COOLDOWN_BEGAN, deployment=deployment, at=now, facts=facts)]

    def _probe_was_void(self, vitals: _Vitals) -> list[Event]:
        if vitals.is_half_open and vitals.probe_until:
            vitals.probe_until = 0.0
            self.version += 1
        return []
