"""One request as a state machine: attempts, fallback, cascade, outcome.

It is the only retry loop of the product. It makes no call: it says which one to make next, and
which one to make beside a call that is late.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from windsock.core.model.calls import (
    FINAL,
    HEDGED,
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Outcome,
)
from windsock.core.model.decisions import Decision, WeightTable
from windsock.core.model.events import Event
from windsock.core.model.requests import RouteRequest
from windsock.core.resilience.hedging import dearness
from windsock.core.routing.dispatch import another, retry_wait_s
from windsock.core.routing.timing import ended_by_caller, first_limit_s, rest_limit_s

if TYPE_CHECKING:
    from windsock.core.routing.router import Router
    from windsock.core.routing.routes import Route

NOTHING = Decimal(0)


class Exchange:
    """Drive it: `next_attempt` until None, `report` after each call, then `outcome`.

    decision    the first draw
    table       the weights it was drawn from
    shifts      what the calls changed (cooldowns), for the log and the event stream
    trying      the call under way; hedging is the second one beside it
    made        calls so far
    queue       the caller's own order, empty where it has none
    is_full     nobody was asked, since every deployment takes no more calls at a time
    cost_usd    of all calls, once `outcome` was asked for
    """

    __slots__ = (
        "_answer",
        "_opened_at",
        "_results",
        "_router",
        "cost_usd",
        "decision",
        "hedging",
        "is_full",
        "made",
        "queue",
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
        self.shifts: list[Event] = []
        self.queue = queue
        self._opened_at = decision.at
        self.made = 0
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
        attempt = self.trying
        if not self.route.hedge_share or attempt is None or attempt.reason not in HEDGED:
            return None
        self._router.hedging.count(self.route.name, self.route.hedge_share, now)
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
        other = another(self._router, self, now)
        share = self.route.hedge_share
        if other is None or not self._router.hedging.take(
            self.route.name, share, dearness(self.table, other), now
        ):
            return None
        self.hedging = self._attempt(other, AttemptReason.HEDGE, now)
        return self.hedging

    def rest_s(self, first_byte_s: float, now: float) -> float:
        """Seconds that a plain answer may still take whose head came after `first_byte_s`."""
        return rest_limit_s(self.route, first_byte_s, self._left_s(now))

    def commit(self, attempt: Attempt) -> bool:
        """This call has content first: from here on there is no other deployment.

        False if its twin had content before it.
        """
        if self.state is State.STREAMING:
            return attempt is self.trying
        self._expect(State.TRYING)
        if attempt is self.hedging:
            self.trying, self.hedging = self.hedging, self.trying
        self.state = State.STREAMING
        return True

    def drop(self, result: CallResult, now: float) -> None:
        """The call that lost the race against its twin was given up; nothing else changes."""
        self._end(result, now)

    def report(self, result: CallResult, now: float) -> None:
        """How a call under way ended. While its twin runs or streams, a failure changes no more."""
        if self.state not in (State.TRYING, State.STREAMING):
            raise RuntimeError(f"no call is under way ({self.state})")
        is_twin = self.state is State.STREAMING and result.attempt is not self.trying
        kind = self._end(result, now)
        if is_twin:
            return
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
        if self._router.fleet.is_full(self.decision.deployment):
            deployment = another(self._router, self, now)
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
            number=self.made,
            deployment=deployment,
            reason=reason,
            not_before=not_before,
            timeout_s=first_limit_s(self.route, self.request, self._left_s(now)),
        )
        self.made += 1
        self._router.fleet.begin(attempt, now)
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
            self._router.hedging.time(result, is_stream=self.request.is_stream)
        return result.kind

    def _after_failure(self, now: float) -> Attempt | None:
        last = self._results[-1]
        if self._may_go_on(now):
            other = another(self._router, self, now)
            if other is not None and self._router.take_retry(now):
                return self._try(other, AttemptReason.FALLBACK, now)
            wait_s = None if other else retry_wait_s(self._router, self, self._left_s(now), now)
            if wait_s is not None and self._router.take_retry(now):
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

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected {state}, the exchange is {self.state}")


class State(StrEnum):
    READY = "ready"
    TRYING = "trying"
    ANSWERED = "answered"
    STREAMING = "streaming"
    FAILED_ONCE = "failed_once"
    EXHAUSTED = "exhausted"
    DONE = "done"
    BROKEN = "broken"
