"""Which call comes next: drawn so that it can be told again, within budgets, up a cascade."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.requests import Preferences
from windsock.core.resilience.concurrency import ConcurrencyLimits, ConcurrencyRules
from windsock.core.routing.dispatch import UNMADE
from windsock.core.routing.exchange import Exchange
from windsock.core.routing.plan import Plan
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Cascade
from windsock.core.routing.sampling import uniform
from windsock.core.routing.timing import MAX_BACKOFF_S

EVEN = {CHEAP: 1.0, MID: 1.0, FLAGSHIP: 1.0}


def mark(it: Router, exchange: Exchange, number: int) -> float:
    """The number in [0, 1) that draws a call of this request."""
    return uniform(it.seed, exchange.decision.number, number)


def test_every_further_call_is_drawn_by_the_numbers_of_its_request_and_of_itself() -> None:
    it = router(prices=EVEN, max_attempts=3)
    for _ in range(30):
        for _ in range(10):
            exchange = it.open(request(), START)
        first = exchange.next_attempt(START)
        assert first is not None
        last, tried = failed(first, CallKind.CANNOT_SERVE), {first.deployment}
        exchange.report(last, START)
        second = exchange.next_attempt(START)
        assert second is not None
        drawn = it.availability.redraw(exchange.table, mark(it, exchange, 1), tried, last, START)
        assert second.deployment == drawn
        exchange.report(answered(second), START)


def test_who_stands_in_for_a_full_one_is_a_draw_of_its_own() -> None:
    it = router(prices=EVEN, limits=ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=1)}))
    it.limits.begin("acme")
    seen = set()
    for _ in range(60):
        exchange = it.open(request(), START)
        first = exchange.next_attempt(START)
        assert first is not None
        if exchange.decision.deployment == CHEAP:
            own = mark(it, exchange, UNMADE)
            assert first.deployment == it.availability.redraw(
                exchange.table, own, set(), None, START
            )
            seen.add(first.deployment)
        exchange.report(answered(first), START)
    assert seen == {MID, FLAGSHIP}


def test_the_second_call_beside_a_late_one_is_drawn_anew_and_never_the_same() -> None:
    it = router(prices=EVEN, hedge_share=1.0)
    for _ in range(40):
        exchange = it.open(request(), START)
        first = exchange.next_attempt(START)
        assert first is not None
        exchange.hedge_after_s(START)
        second = exchange.hedge(START + 0.5)
        if second is not None:
            own = mark(it, exchange, 1)
            table, tried = exchange.table, {first.deployment}
            assert second.deployment == it.availability.redraw(table, own, tried, None, START)
            exchange.drop(failed(second, CallKind.CANCELLED), START + 1.0)
        exchange.report(answered(first), START + 1.0)


def test_where_the_callers_whole_order_is_out_nobody_else_is_asked() -> None:
    it = router(prices=EVEN)
    for _ in range(5):
        exchange = it.open(request(preferences=Preferences(order=(MID,))), START)
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        it.record(failed(attempt), START)
    exchange = it.open(request(preferences=Preferences(order=(CHEAP, MID))), START)
    attempt = exchange.next_attempt(START)
    assert attempt is not None
    assert attempt.deployment == CHEAP
    exchange.report(failed(attempt, CallKind.CANNOT_SERVE), START)
    called = exchange.next_attempt(START)
    assert called is None or called.deployment not in {CHEAP, MID}


def test_it_is_asked_again_only_if_its_pause_ends_before_the_deadline() -> None:
    it = router(prices={CHEAP: 1.0})
    plan = plan_of(it)
    last = failed(Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST))
    pause_s = it.dispatcher.retry_wait_s(plan, 1, last, None, START)
    assert pause_s is not None
    assert 0.0 < pause_s < MAX_BACKOFF_S
    assert it.dispatcher.retry_wait_s(plan, 1, last, pause_s + 0.001, START) == pause_s
    assert it.dispatcher.retry_wait_s(plan, 1, last, pause_s, START) is None
    asked = replace(last, retry_after_s=MAX_BACKOFF_S - pause_s)
    assert it.dispatcher.retry_wait_s(plan, 1, asked, None, START) == MAX_BACKOFF_S
    too_long = replace(last, retry_after_s=MAX_BACKOFF_S)
    assert it.dispatcher.retry_wait_s(plan, 1, too_long, None, START) is None


def plan_of(
    it: Router, name: str = CHEAP, *, are_drawn: bool = False, to: str | None = None
) -> Plan:
    """What was decided for a request that began at `name`, as if a policy had drawn a cascade.

    are_drawn   a policy decides on cascades
    to          whom it drew as the stronger one
    """
    exchange = it.open(request(preferences=Preferences(order=(name,))), START)
    decision = replace(exchange.decision, escalates_to=to)
    table = replace(exchange.table, cascades=() if are_drawn else None)
    return Plan(exchange.route, exchange.request, decision, table)


def stronger(
    it: Router,
    plan: Plan,
    confidence: float | None,
    *tried: str,
    name: str = CHEAP,
) -> str | None:
    """Whom the dispatcher asks after an answer of `name` that claims so much."""
    attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
    answer = answered(attempt, confidence=confidence)
    return it.dispatcher.escalation(plan, answer, {name, *tried}, START)


def cascading(*to: str, below: float = 0.8) -> Router:
    return router(prices=EVEN, cascade=Cascade(escalate_below=below, to=to))


def test_a_doubted_answer_is_asked_of_the_first_stronger_one_that_is_left() -> None:
    it = cascading(MID, FLAGSHIP)
    plan = plan_of(it)
    assert stronger(it, plan, 0.2) == MID
    assert stronger(it, plan, None) == MID, "one that claims nothing is doubted"
    assert stronger(it, plan, 0.2, MID) == FLAGSHIP
    assert stronger(it, plan, 0.2, MID, FLAGSHIP) is None
    assert stronger(it, plan_of(it, MID), 0.2, name=MID) is None, "it is one of the strong"


def test_an_answer_is_trusted_from_the_threshold_on() -> None:
    it = cascading(FLAGSHIP)
    assert stronger(it, plan_of(it), 0.79) == FLAGSHIP
    assert stronger(it, plan_of(it), 0.8) is None


def test_where_a_policy_draws_cascades_only_a_drawn_one_is_gone_up() -> None:
    it = cascading(MID, FLAGSHIP)
    assert stronger(it, plan_of(it, are_drawn=True), 0.2) is None
    drawn = plan_of(it, are_drawn=True, to=FLAGSHIP)
    assert stronger(it, drawn, 0.2) == FLAGSHIP, "the one drawn, not the first of the list"
    assert stronger(it, drawn, 0.2, FLAGSHIP) == MID
    elsewhere = replace(drawn, decision=replace(drawn.decision, deployment="other/first"))
    assert stronger(it, elsewhere, 0.2) is None, "it was drawn to begin elsewhere"


def test_without_a_cascade_no_answer_is_doubted() -> None:
    it = router(prices=EVEN)
    assert stronger(it, plan_of(it), 0.0) is None


def test_a_full_one_is_no_stronger_one() -> None:
    it = router(
        prices=EVEN,
        cascade=Cascade(escalate_below=0.8, to=(MID,)),
        limits=ConcurrencyLimits({"bolt": ConcurrencyRules(max_concurrent=1)}),
    )
    plan = plan_of(it)
    it.limits.begin("bolt")
    assert stronger(it, plan, 0.2) is None
