"""One request as a state machine: attempts, fallback, cascade, outcome.

It is the only retry loop of the product. It makes no call: it says which one to make next, and
which one to make beside a call that is late.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from windsock.core.model.calls import (
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Outcome,
    total_usd,
)
from windsock.core.model.events import Event
from windsock.core.routing.cascading.escalations import is_confirmed
from windsock.core.routing.dispatch import Dispatcher, mended, mends
from windsock.core.routing.plan import NextCall, Observer, Plan, State
from windsock.core.routing.timing import ended_by_caller, first_limit_s
from windsock.errors import CapReached


class Exchange:
    """Drive it: `next_attempt` until None, `report` after each call, then `outcome`.

    decision    the first draw
    table       the weights it was drawn from
    answer      the call whose answer is to be given to the client
    shifts      what the calls changed (cooldowns), for the log and the event stream
    trying      the call under way; hedging is the second one beside it
    made        calls so far, those under way included
    is_full     nobody was asked, since every deployment takes no more calls at a time
    refusal     nobody was asked, since a cap has no room for a call; why
    cost_usd    `spent_usd` at the end, once `outcome` was asked for
    """

    __slots__ = (
        "_dispatcher", "_observer", "_plan", "_results", "_until", "answer", "cost_usd",
        "decision", "hedging", "is_full", "made", "refusal", "request", "route", "shifts", "state",
        "table", "trying",
    )  # fmt: skip

    def __init__(self, plan: Plan, dispatcher: Dispatcher, observer: Observer) -> None:
        self._plan = plan
        self._dispatcher = dispatcher
        self._observer = observer
        self.route = plan.route
        self.request = plan.request
        self.decision = plan.decision
        deadline_s = plan.request.deadline_s
        self._until = None if deadline_s is None else plan.decision.at + deadline_s
        self.table = plan.table
        self.state = State.READY
        self.trying: Attempt | None = None
        self.hedging: Attempt | None = None
        self.is_full = False
        self.refusal: CapReached | None = None
        self.shifts: list[Event] = []
        self.made = 0
        self._results: list[CallResult] = []
        self.answer: CallResult | None = None
        self.cost_usd: Decimal | None = None

    @property
    def results(self) -> tuple[CallResult, ...]:
        """The calls that have ended, in that order."""
        return tuple(self._results)

    def spent_usd(self) -> Decimal | None:
        """Dollars of all calls that have ended; None if that of any of them is not known."""
        results = self._results
        if len(results) == 1:
            return results[0].cost_usd
        return total_usd(result.cost_usd for result in results)

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
        if not self.route.hedge_share or self.trying is None:
            return None
        return self._dispatcher.hedge_after_s(self._plan, self.trying, now)

    def hedge(self, now: float) -> Attempt | None:
        """The second call to make beside the late one, or None if there is none to make.

        raises  RuntimeError if no call is under way, or one has content already
        """
        self._expect(State.TRYING)
        if self.hedging is not None or not self._may_go_on(now):
            return None
        last = self._results[-1] if self._results else None
        other = self._dispatcher.hedge(self._plan, self._tried(now), last, self.made, now)
        if other is None:
            return None
        self.hedging = self._attempt(other, AttemptReason.HEDGE, now, 0.0)
        return self.hedging

    def second(self, now: float) -> Attempt | None:
        """The call to make beside the first one, if agreement of their answers is what counts.

        raises  RuntimeError if no call is under way
        """
        self._expect(State.TRYING)
        assert self.trying is not None
        if self.decision.escalates_to is None:
            return None
        is_first = self.trying.reason is AttemptReason.FIRST and self.hedging is None
        other = self._dispatcher.second(self._plan) if is_first else None
        if other is None:
            return None
        self.hedging = self._attempt(other, AttemptReason.SECOND, now, 0.0)
        return self.hedging

    def rest_s(self, first_byte_s: float, now: float) -> float:
        """Seconds that a plain answer may still take whose head came after `first_byte_s`."""
        own_s = self.route.answer_s - first_byte_s
        return own_s if self._until is None else min(own_s, self._until - now)

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

    def report(self, result: CallResult, now: float, *, may_go_on: bool = False) -> None:
        """How a call under way ended. While its twin runs or streams, a failure changes no more.

        may_go_on   another deployment may go on from what the client was shown of a stream
        raises  RuntimeError if that call is not under way
        """
        if self.state not in (State.TRYING, State.STREAMING):
            raise RuntimeError(f"no call is under way ({self.state})")
        is_twin = self.state is State.STREAMING and result.attempt is not self.trying
        kind = self._end(result, now)
        if is_twin:
            return
        if kind is CallKind.ANSWERED:
            self.answer = result
            self.state = State.DONE if self.state is State.STREAMING else State.ANSWERED
        elif self.trying is not None:
            return
        elif self.state is State.STREAMING and not may_go_on:
            self.state = State.BROKEN
        elif self._dispatcher.is_nowhere_else(self._plan, self._results):
            self._give_up()
        else:
            self.state = State.FAILED_ONCE

    def outcome(self, now: float, *, is_cached: bool = False) -> Outcome:
        """What happened, settled with the observer. Call it once, when `next_attempt` gave None."""
        answer = self.answer
        self.cost_usd = self.spent_usd()
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
            self.shifts += self._observer.settle(self.request, outcome, now)
        return outcome

    def _first(self, now: float) -> Attempt | None:
        """The deployment drawn; while that is full another one, while all are nobody."""
        deployment = self._dispatcher.first(self._plan, now)
        if deployment is None:
            self.refusal = self._plan.refusal(now)
            self.is_full = self.refusal is None
            self.state = State.EXHAUSTED
            return None
        is_drawn = deployment == self.decision.deployment
        reason = AttemptReason.FIRST if is_drawn else AttemptReason.FALLBACK
        return self._try(deployment, reason, now)

    def _try(self, name: str, reason: AttemptReason, now: float, wait_s: float = 0.0) -> Attempt:
        self.trying = attempt = self._attempt(name, reason, now, wait_s)
        self.state = State.TRYING
        return attempt

    def _attempt(self, name: str, reason: AttemptReason, now: float, wait_s: float) -> Attempt:
        left_s = None if self._until is None else self._until - now
        attempt = Attempt(
            number=self.made,
            deployment=name,
            reason=reason,
            not_before=now + wait_s if wait_s else 0.0,
            started_at=now + wait_s,
            timeout_s=first_limit_s(self.route, self.request, left_s),
        )
        self.made += 1
        self._dispatcher.begin(self._plan, attempt, now)
        return attempt

    def _end(self, result: CallResult, now: float) -> CallKind:
        """Take a finished call off, say how it ended; the hedge takes the place of the first."""
        if self.trying is None or result.attempt is not self.trying:
            if self.hedging is None or result.attempt is not self.hedging:
                raise RuntimeError(f"call {result.attempt.number} is not under way")
        else:
            self.trying = self.hedging
        self.hedging = None
        left_s = None if self._until is None else self._until - now
        if left_s is not None and ended_by_caller(self.route, self.request, result, left_s):
            result = replace(result, kind=CallKind.CALLER_TIMED_OUT)
        self._results.append(result)
        self.shifts += self._observer.record(result, now)
        result.cost_usd = self._observer.cost_usd(result)
        if self._plan.tab is not None:
            self.shifts += self._plan.tab.settle(result, result.cost_usd, now)
        if self.route.hedge_share:
            self._dispatcher.observe(self._plan, result)
        return result.kind

    def _after_failure(self, now: float) -> Attempt | None:
        call = self._next_call(now) if self._may_go_on(now) else None
        if call is None:
            self._give_up()
            return None
        return self._try(call.deployment, call.reason, now, call.wait_s)

    def _next_call(self, now: float) -> NextCall | None:
        """Nobody stands in for a stronger deployment that failed but one as strong."""
        dispatcher, plan, tried = self._dispatcher, self._plan, self._tried(now)
        again = mended(self._results)
        if again is not None and plan.may_ask(again.deployment, now):
            return again
        if self.answer is not None:
            return dispatcher.as_strong(plan, self.answer, tried, now)
        results, left_s = self._results, self._left_s(now)
        return dispatcher.after_failure(plan, tried, results, self.made, left_s, now)

    def _after_answer(self, now: float) -> Attempt | None:
        stronger = None
        answer = self.answer if self.route.cascade is not None else None
        is_doubted = answer is not None and not is_confirmed(answer, self._results)
        if answer is not None and is_doubted and self._may_go_on(now):
            stronger = self._dispatcher.escalation(self._plan, answer, self._tried(now), now)
        if stronger is None:
            self.state = State.DONE
            return None
        return self._try(stronger, AttemptReason.ESCALATION, now)

    def _give_up(self) -> None:
        """No more calls; an answer is given though it was doubted."""
        self.state = State.DONE if self.answer is not None else State.EXHAUSTED

    def _tried(self, now: float) -> set[str]:
        """Deployments that need not be asked any more."""
        return self._dispatcher.tried(self._plan, self._results, self.trying, now)

    def _may_go_on(self, now: float) -> bool:
        left_s = self._left_s(now)
        allowed = self._dispatcher.attempts_allowed(self.route)
        return self.made - mends(self._results) < allowed and (left_s is None or left_s > 0)

    def _left_s(self, now: float) -> float | None:
        """Seconds until the caller gives up, None if it never does."""
        return None if self._until is None else self._until - now

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected {state}, the exchange is {self.state}")
