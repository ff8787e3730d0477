"""What a call cost is a number or unknown; unknown is never nothing."""

from decimal import Decimal

from tests.builders import CHEAP, MID, START, answered, deployment, failed, request, router
from windsock.core.model.requests import Preferences
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

NEXT = "acme/next"
AT_ONE = Decimal("0.0013")


def redirecting(**facts) -> Router:
    """CHEAP costs 1 $/M; nobody quotes a price of NEXT, at the same provider."""
    return router(prices={CHEAP: 1.0}, deployments=(deployment(NEXT),), **facts)


def test_a_model_without_a_price_that_answers_instead_costs_nobody_knows_what() -> None:
    wind = redirecting()
    exchange = wind.open(request(model=CHEAP), START)
    exchange.report(answered(exchange.next_attempt(START), served_model="next"), START + 1)
    assert exchange.next_attempt(START + 1) is None
    outcome = exchange.outcome(START + 1)
    assert outcome.ok
    assert outcome.cost_usd is None


def test_one_call_of_unknown_cost_makes_that_of_the_request_unknown() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.0}, deployments=(deployment(NEXT),))
    exchange = wind.open(request(preferences=Preferences(order=(MID, CHEAP))), START)
    used = Usage(input_tokens=500, output_tokens=200)
    exchange.report(failed(exchange.next_attempt(START), usage=used), START + 1)
    second = exchange.next_attempt(START + 1)
    assert second.deployment == CHEAP
    exchange.report(answered(second, served_model="next"), START + 2)
    assert exchange.outcome(START + 2).cost_usd is None


def test_a_call_that_is_billed_is_known_whatever_its_price() -> None:
    exchange = redirecting().open(request(model=CHEAP), START)
    told = answered(exchange.next_attempt(START), served_model="next", billed_usd=Decimal("0.5"))
    exchange.report(told, START + 1)
    assert exchange.outcome(START + 1).cost_usd == Decimal("0.5")


def test_a_price_that_is_forgotten_during_a_call_does_not_make_it_free() -> None:
    """It may still be known what it was when the call began; nothing it did not cost."""
    wind = router(prices={CHEAP: 1.0})
    exchange = wind.open(request(), START)
    attempt = exchange.next_attempt(START)
    wind.book.forget(CHEAP)
    exchange.report(answered(attempt), START + 1)
    assert exchange.outcome(START + 1).cost_usd in (None, AT_ONE)


def test_a_budget_goes_on_after_a_call_of_unknown_cost() -> None:
    aim = Objective(kind="budget", usd_per_day=1.0)
    wind = redirecting(objective=aim)
    exchange = wind.open(request(), START)
    exchange.report(answered(exchange.next_attempt(START), served_model="next"), START + 1)
    assert exchange.outcome(START + 1).cost_usd is None
    wind.operator.redirect(CHEAP, CHEAP, START + 2)
    again = wind.open(request(), START + 2)
    again.report(answered(again.next_attempt(START + 2)), START + 3)
    assert again.outcome(START + 3).cost_usd == AT_ONE
    assert wind.routes["auto"].policy.pacer.spent_usd >= float(AT_ONE)
