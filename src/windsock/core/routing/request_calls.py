"""The calls of one request: how long each may take, which are under way, what they came to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from windsock.core.model.calls import Attempt, AttemptReason, CallKind, CallResult, total_usd
from windsock.core.model.decisions import About
from windsock.core.model.events import Event
from windsock.core.routing.dispatch import Dispatcher
from windsock.core.routing.plan import Observer, Plan
from windsock.core.routing.timing import ended_by_caller, first_limit_s


class RequestCalls:
    """Keeps the calls of an exchange, which says whom they go to.

    trying      the call under way; hedging is the second one beside it
    ended       results in the order in which calls ended
    made        calls so far, those under way included
    shifts      what the calls changed (cooldowns), for the log and the event stream
    body        what is asked, by which the same request is known again; None: nobody says
    """

    __slots__ = (
        "_dispatcher", "_observer", "_plan", "_until", "body", "ended", "hedging", "made", "shifts",
        "trying",
    )  # fmt: skip

    def __init__(self, plan: Plan, dispatcher: Dispatcher, observer: Observer) -> None:
        self._plan = plan
        self._dispatcher = dispatcher
        self._observer = observer
        deadline_s = plan.request.deadline_s
        self._until = None if deadline_s is None else plan.decision.at + deadline_s
        self.trying: Attempt | None = None
        self.hedging: Attempt | None = None
        self.ended: list[CallResult] = []
        self.made = 0
        self.shifts: list[Event] = []
        self.body: bytes | None = None

    def begin(
        self,
        name: str,
        reason: AttemptReason,
        now: float,
        *,
        wait_s: float = 0.0,
        is_beside: bool = False,
    ) -> Attempt:
        """The next call, to be made after `wait_s` seconds, or at once beside the one under way."""
        plan = self._plan
        starts_at = now + wait_s
        attempt = Attempt(
            number=self.made,
            deployment=name,
            reason=reason,
            not_before=starts_at if wait_s else 0.0,
            started_at=starts_at,
            timeout_s=self._limit_s(starts_at),
        )
        self.made += 1
        self._dispatcher.begin(plan, attempt, now)
        if is_beside:
            self.hedging = attempt
        else:
            self.trying = attempt
        return attempt

    def postpone(self, attempt: Attempt, until: float) -> bool:
        """A call that waits may be sent later than was planned: True, unless that is after the
        caller's deadline."""
        is_in_time = self._until is None or until < self._until
        if is_in_time:
            attempt.not_before = attempt.started_at = until
            attempt.timeout_s = self._limit_s(until)
        return is_in_time

    def _limit_s(self, at: float) -> float:
        """Until the first content of a call that begins then."""
        left_s = None if self._until is None else self._until - at
        return first_limit_s(self._plan.route, self._plan.request, left_s)

    def prefer_hedge(self) -> None:
        """Of two calls under way the second one counts as the first."""
        self.trying, self.hedging = self.hedging, self.trying

    def end(self, result: CallResult, now: float) -> CallKind:
        """Take a finished call off, say how it ended; the hedge takes the place of the first.

        raises  RuntimeError if that call is not under way
        """
        if self.trying is None or result.attempt is not self.trying:
            if self.hedging is None or result.attempt is not self.hedging:
                raise RuntimeError(f"call {result.attempt.number} is not under way")
        else:
            self.trying = self.hedging
        self.hedging = None
        plan, observer = self._plan, self._observer
        left_s = None if self._until is None else self._until - now
        if left_s is not None and ended_by_caller(plan.route, plan.request, result, left_s):
            result = replace(result, kind=CallKind.CALLER_TIMED_OUT)
        is_told = result.kind is not CallKind.ANSWERED or observer.has_lost
        is_known = is_told and self.body is not None
        asked = hash(self.body) if is_known else None
        result.judge_by(About(asked, plan.request.needs, plan.route.name))
        self.ended.append(result)
        self.shifts += observer.record(result, now)
        result.cost_usd = observer.cost_usd(result)
        if plan.tab is not None:
            self.shifts += plan.tab.settle(result, result.cost_usd, now)
        if plan.route.hedge_share:
            self._dispatcher.observe(plan, result)
        return result.kind

    def spent_usd(self) -> Decimal | None:
        """Dollars of all calls that have ended; None if that of any of them is not known."""
        ended = self.ended
        if len(ended) == 1:
            return ended[0].cost_usd
        return total_usd(result.cost_usd for result in ended)

    def left_s(self, now: float) -> float | None:
        """Seconds until the caller gives up, None if it never does."""
        return None if self._until is None else self._until - now

    def rest_s(self, first_byte_s: float, now: float) -> float:
        """Seconds that a plain answer may still take whose head came after `first_byte_s`."""
        own_s = self._plan.route.answer_s - first_byte_s
        return own_s if self._until is None else min(own_s, self._until - now)
