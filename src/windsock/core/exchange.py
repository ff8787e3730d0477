"""One request as a state machine: attempts, fallback, cascade, outcome.

READY -> TRYING -> {ANSWERED, STREAMING, FAILED_ONCE}
FAILED_ONCE -> {TRYING, EXHAUSTED}
ANSWERED -> {TRYING (escalate), DONE}
STREAMING -> {DONE, BROKEN}

It is the only retry loop of the product. It makes no call: it says which one to make next.
"""

from __future__ import annotations

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
from windsock.core.sampling import uniform

if TYPE_CHECKING:
    from windsock.core.router import Router
    from windsock.core.routes import Route

FINAL = frozenset({CallKind.CALLER_ERROR, CallKind.CANCELLED})
"""Another deployment would do no better."""

RETRIABLE = frozenset({CallKind.SERVER_ERROR, CallKind.UNREACHABLE, CallKind.RATE_LIMITED})
"""Worth asking the same deployment once more when there is no other."""

NOTHING = Decimal(0)
BACKOFF_S = 0.25
MAX_BACKOFF_S = 4.0


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
    cost_usd    of all calls, once `outcome` was asked for
    """

    __slots__ = (
        "_answer",
        "_opened_at",
        "_queue",
        "_results",
        "_router",
        "cost_usd",
        "decision",
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
        self.shifts: list[Shift] = []
        self._queue = queue
        self._opened_at = decision.at
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
            return self._try(self.decision.deployment, AttemptReason.FIRST, now)
        if self.state is State.FAILED_ONCE:
            return self._after_failure(now)
        if self.state is State.ANSWERED:
            return self._after_answer(now)
        if self.state in (State.DONE, State.BROKEN, State.EXHAUSTED):
            return None
        raise RuntimeError(f"a call is under way ({self.state})")

    def commit(self) -> None:
        """The first content reached the client: from here on there is no other deployment."""
        self._expect(State.TRYING)
        self.state = State.STREAMING

    def report(self, result: CallResult, now: float) -> None:
        """How the call under way ended."""
        if self.state not in (State.TRYING, State.STREAMING):
            raise RuntimeError(f"no call is under way ({self.state})")
        self.trying = None
        self._results.append(result)
        self.shifts += self._router.record(result, now)
        if result.kind is CallKind.ANSWERED:
            self._answer = result
            self.state = State.DONE if self.state is State.STREAMING else State.ANSWERED
        elif self.state is State.STREAMING:
            self.state = State.BROKEN
        elif result.kind in FINAL:
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
        return outcome

    def _try(
        self, deployment: str, reason: AttemptReason, now: float, not_before: float = 0.0
    ) -> Attempt:
        self._router.health.begin(deployment, now)
        timeout_s = self.route.first_byte_s
        left_s = self._left_s(now)
        if left_s is not None:
            timeout_s = min(timeout_s, left_s)
        attempt = Attempt(
            number=len(self._results),
            deployment=deployment,
            reason=reason,
            not_before=not_before,
            timeout_s=timeout_s,
        )
        self.trying = attempt
        self.state = State.TRYING
        return attempt

    def _after_failure(self, now: float) -> Attempt | None:
        last = self._results[-1]
        if self._may_go_on(now):
            other = self._other(now)
            if other is not None and self._router.take_retry(now):
                return self._try(other, AttemptReason.FALLBACK, now)
            wait_s = self._retry_wait_s(last) if other is None else None
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

    def _may_go_on(self, now: float) -> bool:
        left_s = self._left_s(now)
        return len(self._results) < self.route.max_attempts and (left_s is None or left_s > 0)

    def _left_s(self, now: float) -> float | None:
        deadline_s = self.request.deadline_s
        return None if deadline_s is None else self._opened_at + deadline_s - now

    def _other(self, now: float) -> str | None:
        """Another deployment: the next in the caller's order, else drawn anew from the weights."""
        if not self.request.preferences.allow_fallbacks:
            return None
        tried = {result.attempt.deployment for result in self._results}
        if self._queue:
            rest = [name for name in self._queue if name not in tried]
            return next((name for name in rest if self._router.is_open(name, now)), None)
        return self._router.redraw(
            self.table, self.decision.number, len(self._results), tried, self._results[-1], now
        )

    def _retry_wait_s(self, last: CallResult) -> float | None:
        """Full-jitter backoff before the same deployment, or None if that is no use."""
        if last.kind not in RETRIABLE:
            return None
        tries = len(self._results)
        ceiling = min(BACKOFF_S * 2**tries, MAX_BACKOFF_S)
        jitter = uniform(self._router.seed, self.decision.number, 32 + tries)
        return max(float(ceiling * jitter), last.retry_after_s or 0.0)

    def _fits(self, wait_s: float, now: float) -> bool:
        left_s = self._left_s(now)
        return wait_s <= MAX_BACKOFF_S and (left_s is None or wait_s < left_s)

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected {state}, the exchange is {self.state}")
