"""Which deployments answer: passive health from live traffic, and what status feeds say.

Ejection follows Envoy's outlier detection: consecutive failures or a failure rate, for a time
that grows with each ejection, then one probe with a real request (half-open).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping
from typing import Any

from windsock.core.model.calls import FAILURES, LASTING, CallKind, CallResult, Out, Outcome
from windsock.core.model.events import Event, EventKind
from windsock.core.model.ticks import HealthReport, HealthState
from windsock.core.resilience.errors.lost import LostRequests
from windsock.core.resilience.errors.proofs import Proofs
from windsock.core.resilience.errors.rates import ErrorRates
from windsock.core.resilience.errors.repeats import Repeats
from windsock.core.resilience.measures import Latency, Pace
from windsock.core.resilience.rules import HealthRules
from windsock.core.resilience.status_reports import StatusBoard
from windsock.core.resilience.vitals import Vitals

NEVER_ASKED = Vitals()


class HealthBoard:
    """Availability of every deployment. `version` grows when an answer of `why_out` changes.

    errors  how much of what each is asked ends in an error, whoever is to blame
    proofs  who was answered of late, by which a refusal is doubted
    lost    requests without an answer, by which failures are doubted
    """

    def __init__(self, rules: HealthRules | None = None) -> None:
        self.rules = rules or HealthRules()
        self.version = 0
        self.errors = ErrorRates()
        self._vitals: dict[str, Vitals] = {}
        self._status = StatusBoard(self.rules.report_s)
        self._repeats, self.proofs, self.lost = Repeats(), Proofs(), LostRequests()

    def why_out(self, deployment: str, provider: str, now: float) -> str | None:
        """Why it gets no traffic just now, or None."""
        vitals = self._vitals.get(deployment)
        if vitals is not None:
            if now < vitals.cooldown_until:
                left = vitals.cooldown_until - now
                return f"cooling down for {left:.0f} s after {vitals.reason}"
            if now < vitals.cap.full_until:
                return f"at its learnt cap of {vitals.cap.per_min(now):.0f} calls a minute"
            if vitals.is_half_open and now < vitals.probe_until:
                return f"a probe is under way after {vitals.reason}"
        report = self.report_of(deployment, provider, now)
        if report is not None and report.state is HealthState.DOWN:
            return f"{report.feed} reports it down" + (f": {report.note}" if report.note else "")
        return None

    def is_worth_a_try(self, deployment: str, now: float) -> bool:
        """True if a deployment that is out may be asked when all others are out as well.

        Not while its provider's word keeps it out, unless others were answered beside that.
        """
        vitals = self._vitals.get(deployment, NEVER_ASKED)
        return now >= vitals.cooldown_until or vitals.is_failing or vitals.may_answer

    def is_ejected(self, deployment: str, now: float) -> bool:
        """True if it is left alone for its failures."""
        vitals = self._vitals.get(deployment, NEVER_ASKED)
        return now < vitals.cooldown_until and vitals.is_failing

    def back_at(self, deployment: str, now: float) -> float:
        """Unix s from which on it may be drawn though all others are out, `now` if it may be."""
        vitals = self._vitals.get(deployment, NEVER_ASKED)
        is_tried = vitals.is_failing or vitals.may_answer or vitals.cause in LASTING
        return max(now, min(vitals.cooldown_until, vitals.again_at if is_tried else math.inf))

    def let_try(self, deployment: str) -> None:
        """The next call may be made at once, though it should be left alone."""
        self.of(deployment).again_at = 0.0
        self.version += 1

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
                ends = (vitals.cooldown_until, vitals.probe_until, vitals.cap.full_until,
                        vitals.again_at)  # fmt: skip
                moments += [t for t in ends if t > now]
        return min(min(moments), *self._status.ends(now), math.inf)

    def absorb(self, report: HealthReport, now: float) -> list[Event]:
        """Take in a status feed's word; unknown is never read as down."""
        shifts = self._status.absorb(report, now)
        self.version += len(shifts)
        return shifts

    def hear_only(self, feeds: Container[str]) -> None:
        """Other status feeds than these are read no more: what they said keeps nothing out."""
        self._status.hear_only(feeds)
        self.version += 1

    def failing(self, now: float) -> list[str]:
        """Deployments that are left alone for their failures."""
        return [name for name in self._vitals if self.is_ejected(name, now)]

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
            most = vitals.ejected_at + max(self.rules.max_timeout_s, self.rules.away_s)
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
        vitals = self._vitals.get(deployment) or self.of(deployment)
        if vitals.cap.begin(self.rules, now):
            self.version += 1
        if now < vitals.cooldown_until:
            vitals.try_out(self.rules, now)
            self.version += vitals.again_at > now
        if vitals.is_half_open and now >= vitals.probe_until:
            vitals.probe_until = now + self.rules.probe_s
            self.version += 1

    def record(self, result: CallResult, now: float, account: Iterable[str] = ()) -> list[Event]:
        """Learn from one finished call.

        account     other deployments that one account serves with it
        """
        deployment, told = result.attempt.deployment, self.errors.count(result, now)
        vitals = self._vitals.get(deployment) or self.of(deployment)
        if result.first_byte_s is not None:
            vitals.note_latency(self.rules, result.first_byte_s, now, result.about.route)
        if result.kind is CallKind.ANSWERED:
            vitals.succeed(self.rules, result, now)
            self.proofs.answered(deployment, now)
            begun_at = now - result.latency_s - result.held_s
            is_over = vitals.is_half_open and begun_at >= vitals.ejected_at
            return told + self._come_back(deployment, vitals, now) if is_over else told
        if result.kind in FAILURES and not self._repeats.note(result, now):
            return told + self._failed(vitals, result, now)
        what, pause_s = self._refused(vitals, result)
        is_doubted = self.proofs.is_doubted(result, account, now)
        if result.kind is CallKind.RATE_LIMITED and not is_doubted and now >= vitals.cooldown_until:
            vitals.cap.observe_refusal(self.rules, now)
        if pause_s and not is_doubted:
            left = (deployment, *account) if what is Out.ACCOUNT else (deployment,)
            return told + self._leave(left, pause_s, result, now)
        return told + self._probe_was_void(vitals)

    def settle(self, outcome: Outcome, now: float) -> list[Event]:
        """Who refused without a reason what another one answered has failed after all; so has who
        failed it as others had."""
        told: list[Event] = []
        for result in self._repeats.at_fault(outcome):
            told += self._failed(self.of(result.attempt.deployment), result, now)
        return told

    def latency(self, deployment: str, now: float, route: str | None = None) -> Latency:
        """Of its calls of the last `latency_s` seconds, first of those of a route."""
        return self._vitals.get(deployment, NEVER_ASKED).latency(self.rules, now, route)

    def pace(self, deployment: str, share: float, now: float, route: str | None = None) -> Pace:
        """What this share of the same calls kept to."""
        return self._vitals.get(deployment, NEVER_ASKED).pace(self.rules, share, now, route)

    def tallies(self, deployment: str) -> tuple[int, int]:
        """Calls that succeeded and that failed since start."""
        vitals = self._vitals.get(deployment, NEVER_ASKED)
        return vitals.successes, vitals.failures

    def failures_in_a_row(self, deployment: str) -> int:
        """Its failures since it last answered, or was last ejected."""
        vitals = self._vitals.get(deployment)
        return vitals.consecutive if vitals else 0

    def cooldown_until(self, deployment: str) -> float:
        """Unix s until which it is left alone; in the past, or 0, if it is not."""
        return self._vitals.get(deployment, NEVER_ASKED).cooldown_until

    def cause(self, deployment: str, now: float) -> CallKind | None:
        """What it is left alone for; None if it is not."""
        vitals = self._vitals.get(deployment, NEVER_ASKED)
        return vitals.cause if now < vitals.cooldown_until else None

    def of(self, deployment: str) -> Vitals:
        """Of one deployment, opened if there are none."""
        vitals = self._vitals.get(deployment)
        if vitals is None:
            vitals = self._vitals[deployment] = Vitals()
        return vitals

    def to_state(self) -> dict[str, Any]:
        """By deployment that was ever asked, JSON-able: see `Vitals.to_state`."""
        return {name: vitals.to_state() for name, vitals in self._vitals.items()}

    def from_state(self, state: Mapping[str, Any]) -> None:
        """Take over a `to_state` in place of what is known of these."""
        for name, kept in state.items():
            self._vitals[name] = Vitals.of_state(kept)
        self.version += 1

    def _come_back(self, deployment: str, vitals: Vitals, now: float) -> list[Event]:
        """It answered a call that was not under way yet when it began to fail."""
        for name in vitals.account or (deployment,):
            self.of(name).come_back(now)
        self.version += 1
        return [Event(kind=EventKind.COOLDOWN_ENDED, deployment=deployment, at=now)]

    def _failed(self, vitals: Vitals, result: CallResult, now: float) -> list[Event]:
        vitals.failures += 1
        vitals.consecutive += 1
        vitals.count(self.rules, now, ok=False)
        is_bad = vitals.is_half_open or vitals.is_bad(self.rules)
        asked_s = self.rules.asked_pause_s(result.retry_after_s or 0.0)
        if now < vitals.cooldown_until or not (is_bad or asked_s):
            return []
        vitals.ejections += is_bad
        waited_s = result.latency_s if result.kind is CallKind.TIMED_OUT else 0.0
        ejected_s = self.rules.ejection_pause_s(vitals.ejections, waited_s) if is_bad else 0.0
        pause_s = max(asked_s, ejected_s)
        return self._leave((result.attempt.deployment,), pause_s, result, now, is_failing=is_bad)

    def _refused(self, vitals: Vitals, result: CallResult) -> tuple[Out, float]:
        """What a refusal takes out, and for how long; 0 s if nothing but this request. An account
        that cannot pay one request after the other pays none."""
        rules, verdict = self.rules, result.verdict
        if verdict.kind is CallKind.OUT_OF_CREDIT and verdict.out is Out.REQUEST:
            vitals.unaffordable += 1
            is_empty = vitals.unaffordable >= rules.max_consecutive
            return Out.ACCOUNT, rules.credit_s if is_empty else 0.0
        if verdict.out in (Out.NOTHING, Out.REQUEST):
            return verdict.out, 0.0
        return verdict.out, rules.refusal_pause_s(verdict.kind, result.retry_after_s)

    def _leave(
        self,
        names: tuple[str, ...],
        pause_s: float,
        result: CallResult,
        now: float,
        *,
        is_failing: bool = False,
    ) -> list[Event]:
        """Leave these alone, the first of which was asked; the others share its account."""
        for name in names:
            vitals = self.of(name)
            vitals.account = names if len(names) > 1 else ()
            vitals.leave(self.rules, result, pause_s, now, is_failing=is_failing)
            vitals.may_answer = self.proofs.may_pass(result, now)
        self.version += 1
        facts: dict[str, object] = {
            "reason": result.kind.value,
            "status": result.status,
            "cooldown_s": round(pause_s, 3),
            "ejections": self.of(names[0]).ejections,
        }
        if len(names) > 1:
            facts["with"] = list(names[1:])
        return [Event(kind=EventKind.COOLDOWN_BEGAN, deployment=names[0], at=now, facts=facts)]

    def _probe_was_void(self, vitals: Vitals) -> list[Event]:
        if vitals.is_half_open and vitals.probe_until:
            vitals.probe_until = 0.0
            self.version += 1
        return []
