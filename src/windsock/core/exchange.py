"""One request as a state machine: attempts, fallback, cascade, outcome.

READY -> TRYING -> {ANSWERED, STREAMING, FAILED_ONCE}
FAILED_ONCE -> {TRYING, EXHAUSTED}
ANSWERED -> {TRYING (escalate), DONE}
STREAMING -> {DONE, BROKEN}

It is the only retry loop of the product. It makes no call: it says which one to make next, and
which one to make beside a call that is late.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from windsock.core.records import (
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Decision,
    Outcome,
    RouteRequest,
    Shift,
    WeightTable,
)
from windsock.core.timing import (
    MAX_BACKOFF_S,
    backoff_s,
    ended_by_caller,
    first_limit_s,
    rest_limit_s,
)

if TYPE_CHECKING:
    from windsock.core.router import Router
    from windsock.core.routes import Route

FINAL = frozenset({CallKind.CALLER_ERROR, CallKind.CANCELLED, CallKind.CALLER_TIMED_OUT})
"""Another deployment would do no better."""

RETRIABLE = frozenset({CallKind.SERVER_ERROR, CallKind.UNREACHABLE, CallKind.RATE_LIMITED})
"""Worth asking the same deployment once more when there is no other."""

NOTHING = Decimal(0)

HEDGED = frozenset({AttemptReason.FIRST, AttemptReason.FALLBACK})
TIMED = frozenset(
    {CallKind.ANSWERED, CallKind.CANCELLED, CallKind.TIMED_OUT, CallKind.CALLER_TIMED_OUT}
)

UNMADE = 16
"""Stands for attempt 0 where the draw 0 was spent on a deployment that is full."""


class State(StrEnum):
    READY = "ready"
    TRYING = "trying"
    ANSWERED = "answered"
    STREAMING = "streaming"
    FAILED_ONCE = "failed_once"
    EXHAUSTED = "exhausted"
    DONE = "done"
    BROKEN = "broken"


class Exchange:
    """Drive it: `next_attempt` until None, `report` after each call, then `outcome`.

    decision    the first draw
    table       the weights it was drawn from
    shifts      what the calls changed (cooldowns), for the log and the event stream
    trying      the call under way; hedging is the second one beside it
    is_full     nobody was asked, since every deployment takes no more calls at a time
    cost_usd    of all calls, once `outcome` was asked for
    """

    __slots__ = (
        "_answer",
        "_made",
        "_opened_at",
        "_queue",
        "_results",
        "_router",
        "cost_usd",
        "decision",
        "hedging",
        "is_full",
        "request",
        "route",
        "shifts",
        "state",
        "table",
        "trying",
    )

    def __init__(
        self,
        router: Router,
        route: Route,
        request: RouteRequest,
        decision: Decision,
        table: WeightTable,
        queue: tuple[str, ...] = (),
    ) -> None:
        self._router = router
        self.route = route
        self.request = request
        self.decision = decision
        self.table = table
        self.state = State.READY
        self.trying: Attempt | None = None
        self.hedging: Attempt | None = None
        self.is_full = False
        self.shifts: list[Shift] = []
        self._queue = queue
        self._opened_at = decision.at
        self._made = 0
        self._results: list[CallResult] = []
        self._answer: CallResult | None = None
        self.cost_usd = NOTHING

    @property
    def results(self) -> tuple[CallResult, ...]:
        return tuple(self._results)

    @property
    def answer(self) -> CallResult | None:
        """The call whose answer is to be given to the client."""
        return self._answer

    def next_attempt(self, now: float) -> Attempt | None:
        """The call to make now, or None when the exchange is over.

        raises  RuntimeError while a call is under way
        """
        if self.state is State.READY:
            return self._first(now)
        if self.state is State.FAILED_ONCE:
            return self._after_failure(now)
        if self.state is State.ANSWERED:
            return self._after_answer(now)
        if self.state in (State.DONE, State.BROKEN, State.EXHAUSTED):
            return None
        raise RuntimeError(f"a call is under way ({self.state})")

    def hedge_after_s(self, now: float) -> float | None:
        """Seconds from the start of the call under way after which it is late; None: never.

        Asked once per call, when it starts.
        """
        attempt, share = self.trying, self.route.hedge_share
        if not share or attempt is None or attempt.reason not in HEDGED:
            return None
        self._router.hedging.count(self.route.name, share, self._usd(attempt.deployment), now)
        if not self.request.preferences.allow_fallbacks:
            return None
        return self._router.hedging.late_after_s(
            attempt.deployment, is_stream=self.request.is_stream
        )

    def hedge(self, now: float) -> Attempt | None:
        """The second call to make beside the late one, or None if there is none to make."""
        self._expect(State.TRYING)
        if self.hedging is not None or not self._may_go_on(now, under_way=1):
            return None
        other = self._other(now)
        if other is None or not self._router.hedging.take(
            self.route.name, self.route.hedge_share, self._usd(other), now
        ):
            return None
        self.hedging = self._attempt(other, AttemptReason.HEDGE, now)
        return self.hedging

    def rest_s(self, first_byte_s: float, now: float) -> float:
        """Seconds that a plain answer may still take whose head came after `first_byte_s`."""
        return rest_limit_s(self.route, first_byte_s, self._left_s(now))

    def commit(self) -> None:
        """The first content reached the client: from here on there is no other deployment."""
        self._expect(State.TRYING)
        self.state = State.STREAMING

    def drop(self, result: CallResult, now: float) -> None:
        """The call that lost the race against its twin was given up; nothing else changes."""
        self._end(result, now)

    def report(self, result: CallResult, now: float) -> None:
        """How a call under way ended. While its twin still runs, a failure changes nothing else."""
        if self.state not in (State.TRYING, State.STREAMING):
            raise RuntimeError(f"no call is under way ({self.state})")
        kind = self._end(result, now)
        if kind is CallKind.ANSWERED:
            self._answer = result
            self.state = State.DONE if self.state is State.STREAMING else State.ANSWERED
        elif self.trying is not None:
            return
        elif self.state is State.STREAMING:
            self.state = State.BROKEN
        elif kind in FINAL:
            self.state = State.EXHAUSTED
        else:
            self.state = State.FAILED_ONCE

    def outcome(self, now: float, *, is_cached: bool = False) -> Outcome:
        """What happened, settled with the router. Call it once, when `next_attempt` gave None."""
        answer = self._answer
        self.cost_usd = sum((self._router.cost_of(r, now) for r in self._results), NOTHING)
        outcome = Outcome(
            decision=self.decision,
            results=tuple(self._results),
            served=answer.attempt.deployment if answer else None,
            ok=answer is not None,
            cost_usd=self.cost_usd,
            finished_at=now,
            usage=answer.usage if answer else None,
            is_usage_estimated=answer is not None and answer.is_usage_estimated,
            is_cached=is_cached,
        )
        if not is_cached:
            self.shifts += self._router.settle(outcome, now)
            self._router.warmed(self.request, outcome, now)
        return outcome

    def _first(self, now: float) -> Attempt | None:
        """The deployment drawn; while that is full another one, while all are nobody."""
        deployment: str | None = self.decision.deployment
        if self._router.is_full(self.decision.deployment):
            deployment = self._other(now)
        if deployment is None:
            self.is_full = True
            self.state = State.EXHAUSTED
            return None
        is_drawn = deployment == self.decision.deployment
        return self._try(
            deployment, AttemptReason.FIRST if is_drawn else AttemptReason.FALLBACK, now
        )

    def _try(
        self, deployment: str, reason: AttemptReason, now: float, not_before: float = 0.0
    ) -> Attempt:
        self.trying = self._attempt(deployment, reason, now, not_before)
        self.state = State.TRYING
        return self.trying

    def _attempt(
        self, deployment: str, reason: AttemptReason, now: float, not_before: float = 0.0
    ) -> Attempt:
        attempt = Attempt(
            number=self._made,
            deployment=deployment,
            reason=reason,
            not_before=not_before,
            timeout_s=first_limit_s(self.route, self.request, self._left_s(now)),
        )
        self._made += 1
        self._router.begin(attempt, now)
        return attempt

    def _end(self, result: CallResult, now: float) -> CallKind:
        """Take a finished call off, say how it ended; the hedge takes the place of the first."""
        if self.trying is None or result.attempt is not self.trying:
            if self.hedging is None or result.attempt is not self.hedging:
                raise RuntimeError(f"call {result.attempt.number} is not under way")
        else:
            self.trying = self.hedging
        self.hedging = None
        if ended_by_caller(self.route, self.request, result, self._left_s(now)):
            result = replace(result, kind=CallKind.CALLER_TIMED_OUT)
        self._results.append(result)
        self.shifts += self._router.record(result, now)
        if self.route.hedge_share:
            self._time(result)
        return result.kind

    def _time(self, result: CallResult) -> None:
        seconds = result.first_byte_s if self.request.is_stream else None
        if result.kind in TIMED:
            self._router.hedging.observe(
                result.attempt.deployment,
                result.latency_s if seconds is None else seconds,
                is_stream=self.request.is_stream,
            )

    def _usd(self, deployment: str) -> float:
        """What one such request is expected to cost there."""
        arms = self.table.arms
        return next((arm.expected_usd for arm in arms if arm.deployment == deployment), 0.0)

    def _after_failure(self, now: float) -> Attempt | None:
        last = self._results[-1]
        if self._may_go_on(now):
            other = self._other(now)
            if other is not None and self._router.take_retry(now):
                return self._try(other, AttemptReason.FALLBACK, now)
            wait_s = self._retry_wait_s(last, now) if other is None else None
            if wait_s is not None and self._fits(wait_s, now) and self._router.take_retry(now):
                deployment = last.attempt.deployment
                return self._try(deployment, AttemptReason.RETRY, now, now + wait_s)
        if self._answer is not None:
            self.state = State.DONE
        else:
            self.state = State.EXHAUSTED
        return None

    def _after_answer(self, now: float) -> Attempt | None:
        last = self._results[-1]
        stronger = self._router.escalation(self, last, now)
        if stronger is not None and self._may_go_on(now):
            return self._try(stronger, AttemptReason.ESCALATION, now)
        self.state = State.DONE
        return None

    def _may_go_on(self, now: float, *, under_way: int = 0) -> bool:
        left_s = self._left_s(now)
        calls = len(self._results) + under_way
        return calls < self.route.max_attempts and (left_s is None or left_s > 0)

    def _left_s(self, now: float) -> float | None:
        deadline_s = self.request.deadline_s
        return None if deadline_s is None else self._opened_at + deadline_s - now

    def _other(self, now: float) -> str | None:
        """Another deployment: the next in the caller's order, else drawn anew from the weights."""
        if not self.request.preferences.allow_fallbacks:
            return None
        tried = {result.attempt.deployment for result in self._results}
        if self.trying is not None:
            tried.add(self.trying.deployment)
        if self._queue:
            rest = [name for name in self._queue if name not in tried]
            return next((name for name in rest if self._router.can_take(name, now)), None)
        last = self._results[-1] if self._results else None
        return self._router.redraw(
            self.table, self.decision.number, self._made or UNMADE, tried, last, now
        )

    def _retry_wait_s(self, last: CallResult, now: float) -> float | None:
        """Full-jitter backoff before the same deployment, or None if that is no use."""
        if last.kind not in RETRIABLE or self._router.is_ejected(last.attempt.deployment, now):
            return None
        number, tries = self.decision.number, len(self._results)
        return backoff_s(self._router.seed, number, tries, last.retry_after_s)

    def _fits(self, wait_s: float, now: float) -> bool:
        left_s = self._left_s(now)
        return wait_s <= MAX_BACKOFF_S and (left_s is None or wait_s < left_s)

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected {state}, the exchange is {self.state}")
