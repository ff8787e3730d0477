"""Which call comes next, and whether it may be made: the draw, fallbacks, retries, hedges."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from windsock.core.model.calls import (
    FAILURES,
    HEDGED,
    LASTING,
    ONE_OFF,
    RETRIABLE,
    UNEXPLAINED,
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Then,
)
from windsock.core.model.requests import RouteRequest
from windsock.core.resilience.availability import Availability
from windsock.core.resilience.hedging import Hedging, relative_cost
from windsock.core.resilience.retry_budget import RetryBudget
from windsock.core.routing.cascading.escalations import Escalations
from windsock.core.routing.plan import NextCall, Plan
from windsock.core.routing.routes import Route
from windsock.core.routing.sampling import uniform
from windsock.core.routing.timing import MAX_BACKOFF_S, backoff_s

UNMADE = 16
"""Stands for attempt 0 where the draw 0 was spent on a deployment that is full."""


MAX_MENDS = 3
"""Calls of one request that may ask the same deployment without what it refused."""

UsdElsewhere = Callable[[str, RouteRequest, Route, float], float | None]
"""What a success is expected to cost at a deployment that the table of a request does not hold."""


class Dispatcher:
    """Chooses the next call of any request by the rules of its route; it keeps no request.

    usd_elsewhere   prices fallbacks that are of other models
    escalations     the rules of cascades
    """

    def __init__(
        self,
        *,
        seed: int,
        availability: Availability,
        retries: RetryBudget,
        hedging: Hedging,
        escalations: Escalations,
        usd_elsewhere: UsdElsewhere = lambda *_: None,
    ) -> None:
        self._seed = seed
        self._usd_elsewhere = usd_elsewhere
        self._availability = availability
        self._retries = retries
        self._hedging = hedging
        self.escalations = escalations

    def attempts_allowed(self, route: Route) -> int:
        """Calls that one request may make, all reasons together, hedges included; at least 1."""
        return route.max_attempts

    def first(self, plan: Plan, now: float) -> str | None:
        """The deployment drawn; another while it is full or no cap has room; None while all are."""
        drawn = plan.decision.deployment
        may_ask = plan.tab is None or plan.may_ask(drawn, now)
        if may_ask and not self._availability.is_full(drawn):
            return drawn
        return self.another(plan, plan.unpayable(now), None, 0, now)

    def tried(
        self, plan: Plan, results: Sequence[CallResult], under_way: Attempt | None, now: float
    ) -> set[str]:
        """Deployments that need not be asked any more.

        They were called, or are being called, or hold no more than one whose context window the
        prompt has exceeded, or no cap has room for a call there.
        """
        tried = plan.unpayable(now)
        tried |= {result.attempt.deployment for result in results}
        if under_way is not None:
            tried.add(under_way.deployment)
        for result in results:
            if result.verdict.then is Then.LARGER:
                names = plan.queue or plan.table.deployments
                had = result.attempt.deployment
                tried |= {name for name in names if not self._availability.holds_more(name, had)}
        return tried

    def is_nowhere_else(self, plan: Plan, results: Sequence[CallResult]) -> bool:
        """True if, after the last of these calls, another deployment would do no better.

        A refusal that nothing explains is asked elsewhere once: what two say is the caller's. So is
        a mistake of the caller's where nearly everybody is said to make mistakes.
        """
        *before, last = results
        if last.kind is CallKind.CONTENT_REFUSED:
            return not plan.route.takes_content_elsewhere
        if last.kind is CallKind.REFUSED or self._availability.is_doubted(last):
            return any(each.kind in UNEXPLAINED for each in before)
        return last.verdict.then is Then.NOWHERE

    def another(
        self, plan: Plan, tried: Set[str], last: CallResult | None, made: int, now: float
    ) -> str | None:
        """The next in the caller's order that can take a call, else one drawn anew; None if none.

        tried   deployments that need not be asked
        last    the call that ended last, if one did
        made    calls made so far, which number the draw
        """
        if not plan.request.preferences.allow_fallbacks:
            return None
        if plan.queue:
            rest = (name for name in plan.queue if name not in tried)
            return next((name for name in rest if self._availability.can_take(name, now)), None)
        mark = uniform(self._seed, plan.decision.number, made or UNMADE)
        return self._availability.redraw(plan.others or plan.table, mark, tried, last, now)

    def after_failure(
        self,
        plan: Plan,
        tried: Set[str],
        results: Sequence[CallResult],
        made: int,
        left_s: float | None,
        now: float,
    ) -> NextCall | None:
        """Another deployment if there is one and it is not dearer than asking again, else the same
        after a pause; None without budget, which the first other one needs none of.

        The arguments are those of `another` and `retry_wait_s`; results are at least one.
        """
        last = results[-1]
        other = self.another(plan, tried, last, made, now)
        wait_s = self.retry_wait_s(plan, len(results), last, left_s, now)
        if (
            wait_s is not None
            and (other is None or self._is_better_again(plan, results, other, wait_s, made, now))
            and self.may_retry(now)
        ):
            return NextCall(last.attempt.deployment, AttemptReason.RETRY, wait_s)
        if other is None:
            return None
        is_free = all(each.attempt.reason is not AttemptReason.FALLBACK for each in results)
        return NextCall(other, AttemptReason.FALLBACK) if is_free or self.may_retry(now) else None

    def _is_better_again(
        self,
        plan: Plan,
        results: Sequence[CallResult],
        other: str,
        wait_s: float,
        made: int,
        now: float,
    ) -> bool:
        """Whether the deployment that failed last is asked once more though there is another.

        It is, once, where that error may have been a single one and cost nothing (what came within
        an answer did), the pause is short, the other is dearer per success, and a call is left for
        the other.
        """
        last, route = results[-1], plan.route
        name = last.attempt.deployment
        return (
            last.kind in ONE_OFF
            and last.status != 200
            and [each.attempt.deployment for each in results].count(name) == 1
            and made + 1 < self.attempts_allowed(route)
            and wait_s <= route.patience_s
            and self._is_dearer(plan, other, name, now)
            and self._availability.has_failed_once(name, now + wait_s)
        )

    def _is_dearer(self, plan: Plan, name: str, than: str, now: float) -> bool:
        """Whether a success is expected to cost more at one deployment than at another; if their
        prices are not known it is not."""
        usd = {arm.deployment: arm.usd_per_success for arm in plan.table.arms}
        for each in (name, than):
            if each not in usd:
                found = self._usd_elsewhere(each, plan.request, plan.route, now)
                if found is None:
                    return False
                usd[each] = found
        return usd[name] > usd[than]

    def as_strong(
        self, plan: Plan, answer: CallResult, tried: Set[str], now: float
    ) -> NextCall | None:
        """One as strong as another of its cascade that failed; None: the answer is given."""
        may_fall_back = plan.request.preferences.allow_fallbacks
        other = self.escalation(plan, answer, tried, now) if may_fall_back else None
        if other is None or not self.may_retry(now):
            return None
        return NextCall(other, AttemptReason.ESCALATION)

    def may_retry(self, now: float) -> bool:
        """Spend one call beyond the first, if the budget of a share of all requests allows it."""
        return self._retries.try_acquire(now)

    def retry_wait_s(
        self, plan: Plan, tries: int, last: CallResult, left_s: float | None, now: float
    ) -> float | None:
        """Full-jitter backoff before the same deployment, or None if that is no use.

        tries   calls of this request that have ended
        left_s  until the caller's deadline, None if it has none
        """
        name = last.attempt.deployment
        is_proven = self._availability.is_proven(name, now)
        is_passing = last.kind in RETRIABLE or (is_proven and last.kind in LASTING)
        if not is_passing or self._availability.is_ejected(name, now):
            return None
        if not plan.may_ask(name, now):
            return None
        asked_s = None if is_proven and last.kind in FAILURES else last.retry_after_s
        wait_s = backoff_s(self._seed, plan.decision.number, tries, asked_s)
        fits = wait_s <= MAX_BACKOFF_S and (left_s is None or wait_s < left_s)
        return wait_s if fits else None

    def escalation(self, plan: Plan, answer: CallResult, tried: Set[str], now: float) -> str | None:
        """The stronger deployment to ask, if this answer is not trusted enough; else None."""
        return self.escalations.after(plan, answer, tried, now)

    def second(self, plan: Plan) -> str | None:
        """Who is asked beside the first one drawn, so that their answers can be compared."""
        return self.escalations.second(plan)

    def begin(self, plan: Plan, attempt: Attempt, now: float) -> None:
        """A call is being made: it counts at its provider, and against caps, from now on."""
        self._availability.begin(attempt, now)
        if plan.tab is not None:
            plan.tab.hold(attempt, now)

    def hedge_after_s(self, plan: Plan, attempt: Attempt, now: float) -> float | None:
        """Seconds after which this call is late and may get a twin; None: never.

        Asked once per call, when it starts: it is what the budget of hedges is a share of.
        """
        route, request = plan.route, plan.request
        if not route.hedge_share or attempt.reason not in HEDGED:
            return None
        self._hedging.deposit(route.name, route.hedge_share, now)
        if not request.preferences.allow_fallbacks:
            return None
        return self._hedging.late_after_s(
            attempt.deployment, is_stream=request.is_stream, route=route.name
        )

    def hedge(
        self, plan: Plan, tried: Set[str], last: CallResult | None, made: int, now: float
    ) -> str | None:
        """The deployment to ask beside a late call, paid from the budget of hedges; None if none.

        None is raced that is out as the one before it is.

        The arguments are those of `another`.
        """
        other, route = self.another(plan, tried, last, made, now), plan.route
        if other is None:
            return None
        is_ejected = self._availability.is_ejected
        if last is not None and is_ejected(last.attempt.deployment, now) and is_ejected(other, now):
            return None
        cost = relative_cost(plan.table, other)
        allowed = self._hedging.try_acquire(route.name, route.hedge_share, cost, now)
        return other if allowed else None

    def observe(self, plan: Plan, result: CallResult) -> None:
        """A call has ended: how long it took tells when the next one is late."""
        if plan.route.hedge_share:
            self._hedging.observe_call(result, is_stream=plan.request.is_stream)


def mends(results: Sequence[CallResult]) -> int:
    """Calls that were refused for a field of the request, and made again without it."""
    return min(MAX_MENDS, len([each for each in results if each.verdict.then is Then.MENDED]))


def mended(results: Sequence[CallResult]) -> NextCall | None:
    """The same call once more, without what it was refused for; None if that is no use.

    It says nothing of the deployment's health, and takes nothing of the budgets of other calls.
    """
    last = results[-1]
    refused = sum(result.verdict.then is Then.MENDED for result in results)
    if last.verdict.then is not Then.MENDED or refused > MAX_MENDS:
        return None
    is_escalation = last.attempt.reason is AttemptReason.ESCALATION
    reason = AttemptReason.ESCALATION if is_escalation else AttemptReason.MENDED
    return NextCall(last.attempt.deployment, reason)
