"""One request as a state machine: attempts, fallback, cascade, outcome.

It is the only retry loop of the product. It makes no call: it says which one to make next, and
which one to make beside a call that is late.
"""

from __future__ import annotations

from decimal import Decimal

from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, Outcome
from windsock.core.routing.cascading.escalations import is_confirmed
from windsock.core.routing.dispatch import Dispatcher, mended, mends
from windsock.core.routing.plan import NextCall, Observer, Plan, State
from windsock.core.routing.request_calls import RequestCalls
from windsock.errors import CapReached


class Exchange:
    """Drive it: `next_attempt` until None, `report` after each call, then `outcome`.

    decision    the first draw
    table       the weights it was drawn from
    calls       those under way and those that have ended
    answer      the call whose answer is to be given to the client
    is_full     nobody was asked, since every deployment takes no more calls at a time
    refusal     nobody was asked, since a cap has no room for a call; why
    cost_usd    dollars of all calls, once `outcome` was asked for; None if not known
    """

    __slots__ = (
        "_dispatcher", "_observer", "_plan", "answer", "calls", "cost_usd", "decision", "is_full",
        "refusal", "request", "route", "state", "table",
    )  # fmt: skip

    def __init__(self, plan: Plan, dispatcher: Dispatcher, observer: Observer) -> None:
        self._plan = plan
        self._dispatcher = dispatcher
        self._observer = observer
        self.route = plan.route
        self.request = plan.request
        self.decision = plan.decision
        self.table = plan.table
        self.calls = RequestCalls(plan, dispatcher, observer)
        self.state = State.READY
        self.is_full = False
        self.refusal: CapReached | None = None
        self.answer: CallResult | None = None
        self.cost_usd: Decimal | None = None

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
        trying = self.calls.trying
        if not self.route.hedge_share or trying is None:
            return None
        return self._dispatcher.hedge_after_s(self._plan, trying, now)

    def hedge(self, now: float) -> Attempt | None:
        """The second call to make beside the late one, or None if there is none to make.

        raises  RuntimeError if no call is under way, or one has content already
        """
        self._expect(State.TRYING)
        calls = self.calls
        if calls.hedging is not None or not self._may_go_on(now):
            return None
        last = calls.ended[-1] if calls.ended else None
        other = self._dispatcher.hedge(self._plan, self._tried(now), last, calls.made, now)
        if other is None:
            return None
        return calls.begin(other, AttemptReason.HEDGE, now, is_beside=True)

    def second(self, now: float) -> Attempt | None:
        """The call to make beside the first one, if agreement of their answers is what counts.

        raises  RuntimeError if no call is under way
        """
        self._expect(State.TRYING)
        calls = self.calls
        assert calls.trying is not None
        if self.decision.escalates_to is None:
            return None
        is_first = calls.trying.reason is AttemptReason.FIRST and calls.hedging is None
        other = self._dispatcher.second(self._plan) if is_first else None
        if other is None:
            return None
        return calls.begin(other, AttemptReason.SECOND, now, is_beside=True)

    def commit(self, attempt: Attempt) -> bool:
        """This call has content first: from here on there is no other deployment.

        False if its twin had content before it.
        """
        if self.state is State.STREAMING:
            return attempt is self.calls.trying
        self._expect(State.TRYING)
        if attempt is self.calls.hedging:
            self.calls.prefer_hedge()
        self.state = State.STREAMING
        return True

    def drop(self, result: CallResult, now: float) -> None:
        """The call that lost the race against its twin was given up; nothing else changes."""
        self.calls.end(result, now)

    def report(self, result: CallResult, now: float, *, may_go_on: bool = False) -> None:
        """How a call under way ended. While its twin runs or streams, a failure changes no more.

        may_go_on   another deployment may go on from what the client was shown of a stream
        raises  RuntimeError if that call is not under way
        """
        if self.state not in (State.TRYING, State.STREAMING):
            raise RuntimeError(f"no call is under way ({self.state})")
        calls = self.calls
        is_twin = self.state is State.STREAMING and result.attempt is not calls.trying
        kind = calls.end(result, now)
        if is_twin:
            return
        if kind is CallKind.ANSWERED:
            self.answer = result
            self.state = State.DONE if self.state is State.STREAMING else State.ANSWERED
        elif calls.trying is not None:
            return
        elif self.state is State.STREAMING and not may_go_on:
            self.state = State.BROKEN
        elif self._dispatcher.is_nowhere_else(self._plan, calls.ended):
            self._give_up()
        else:
            self.state = State.FAILED_ONCE

    def outcome(self, now: float, *, is_cached: bool = False) -> Outcome:
        """What happened, settled with the observer. Call it once, when `next_attempt` gave None."""
        answer = self.answer
        self.cost_usd = self.calls.spent_usd()
        outcome = Outcome(
            decision=self.decision,
            results=tuple(self.calls.ended),
            served=answer.attempt.deployment if answer else None,
            ok=answer is not None,
            cost_usd=self.cost_usd,
            finished_at=now,
            usage=answer.usage if answer else None,
            is_usage_estimated=answer is not None and answer.is_usage_estimated,
            is_cached=is_cached,
        )
        if not is_cached:
            self.calls.shifts += self._observer.settle(outcome, now)
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
        self.state = State.TRYING
        reason = AttemptReason.FIRST if is_drawn else AttemptReason.FALLBACK
        return self.calls.begin(deployment, reason, now)

    def _after_failure(self, now: float) -> Attempt | None:
        call = self._next_call(now) if self._may_go_on(now) else None
        if call is None:
            self._give_up()
            return None
        self.state = State.TRYING
        return self.calls.begin(call.deployment, call.reason, now, wait_s=call.wait_s)

    def _next_call(self, now: float) -> NextCall | None:
        """Nobody stands in for a stronger deployment that failed but one as strong."""
        dispatcher, plan, tried = self._dispatcher, self._plan, self._tried(now)
        calls = self.calls
        again = mended(calls.ended)
        if again is not None and plan.may_ask(again.deployment, now):
            return again
        if self.answer is not None:
            return dispatcher.as_strong(plan, self.answer, tried, now)
        left_s = calls.left_s(now)
        return dispatcher.after_failure(plan, tried, calls.ended, calls.made, left_s, now)

    def _after_answer(self, now: float) -> Attempt | None:
        stronger = None
        answer = self.answer if self.route.cascade is not None else None
        is_doubted = answer is not None and not is_confirmed(answer, self.calls.ended)
        if answer is not None and is_doubted and self._may_go_on(now):
            stronger = self._dispatcher.escalation(self._plan, answer, self._tried(now), now)
        if stronger is None:
            self.state = State.DONE
            return None
        self.state = State.TRYING
        return self.calls.begin(stronger, AttemptReason.ESCALATION, now)

    def _give_up(self) -> None:
        """No more calls; an answer is given though it was doubted."""
        self.state = State.DONE if self.answer is not None else State.EXHAUSTED

    def _tried(self, now: float) -> set[str]:
        """Deployments that need not be asked any more."""
        calls = self.calls
        return self._dispatcher.tried(self._plan, calls.ended, calls.trying, now)

    def _may_go_on(self, now: float) -> bool:
        calls = self.calls
        left_s = calls.left_s(now)
        allowed = self._dispatcher.attempts_allowed(self.route)
        return calls.made - mends(calls.ended) < allowed and (left_s is None or left_s > 0)

    def _expect(self, state: State) -> None:
        if self.state is not state:
            raise RuntimeError(f"expected {state}, the exchange is {self.state}")
