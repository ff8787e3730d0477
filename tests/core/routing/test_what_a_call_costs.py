"""What one call costs: the provider's own bill first, then every unit at its price, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.builders import CHEAP, START, answered, deployment, failed, quote, request, router
from windsock.core.model.calls import Attempt, AttemptReason
from windsock.core.model.units import Meter, Usage, cost_usd
from windsock.core.policies.budgets.pacing import HORIZON
from windsock.core.policies.objectives import Objective

CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST, started_at=START)
ONE = Decimal(1_000_000)
"""Of a meter, so that a cost in dollars is the price per million."""

PRICES = {Meter.INPUT: Decimal(3), Meter.OUTPUT: Decimal(15)}
ALL_PRICES = {meter: Decimal(place + 2) for place, meter in enumerate(Meter)}


RECKONED = Decimal("0.0013")
"""500 tokens at 1, 200 at 4."""


@pytest.mark.parametrize("bill", ["0.00026", "0.0006", "0.0013", "0.0026", "0.0065"])
def test_a_plausible_bill_is_what_a_call_costs(bill: str) -> None:
    wind = router(prices={CHEAP: 1.0})
    assert wind.cost_usd(answered(CALL)) == RECKONED
    assert wind.cost_usd(answered(CALL, billed_usd=Decimal(bill))) == Decimal(bill)


@pytest.mark.parametrize("bill", ["0", "0.000000000123", "0.00025", "0.0066", "0.013", "800"])
def test_any_other_bill_is_not(bill: str) -> None:
    """Nor is one of nothing: a gateway that knows no price writes 0."""
    wind = router(prices={CHEAP: 1.0})
    assert wind.cost_usd(answered(CALL, billed_usd=Decimal(bill))) == RECKONED


@pytest.mark.parametrize(
    ("bill", "usd"),
    [("0.0013", "0.0013"), ("0.5", "0.5"), ("0", None), ("1e-9", None), ("0.8", None)],
)
def test_where_no_price_is_known_a_bill_within_what_tokens_are_sold_for_is(
    bill: str, usd: str | None
) -> None:
    wind = router(prices={}, deployments=(deployment(CHEAP),))
    cost = wind.cost_usd(answered(CALL, billed_usd=Decimal(bill)))
    assert cost == (None if usd is None else Decimal(usd))


def test_a_price_of_zero_is_not_changed_by_a_bill() -> None:
    wind = router(prices={}, deployments=(deployment(CHEAP),))
    free = {Meter.INPUT: Decimal(0), Meter.OUTPUT: Decimal(0)}
    wind.absorb(quote(CHEAP, usd_per_mtok=free, zero_reason="local"), START)
    for bill in ("0", "0.25"):
        assert wind.cost_usd(answered(CALL, billed_usd=Decimal(bill))) == 0


def test_a_search_without_a_price_may_cost_what_searches_cost() -> None:
    wind = router(prices={CHEAP: 1.0})
    searched = Usage(input_tokens=500, output_tokens=200, web_searches=1)
    for bill, usd in (("0.0063", "0.0063"), ("0.02", "0.02"), ("0.06", "0.0013")):
        call = answered(CALL, billed_usd=Decimal(bill), usage=searched)
        assert wind.cost_usd(call) == Decimal(usd)


def test_a_bill_for_a_use_that_nobody_counted_is_unknown() -> None:
    wind = router(prices={CHEAP: 1.0})
    assert wind.cost_usd(failed(CALL, billed_usd=Decimal("0.25"))) is None
    assert wind.cost_usd(failed(CALL)) == 0


def test_a_failed_call_that_was_billed_is_paid_as_well() -> None:
    exchange = router(prices={CHEAP: 1.0}).open(request(), START)
    first = exchange.next_attempt(START)
    used = Usage(input_tokens=500)
    exchange.report(failed(first, usage=used, billed_usd=Decimal("0.0004")), START)
    exchange.report(answered(exchange.next_attempt(START), billed_usd=Decimal("0.002")), START)
    assert exchange.next_attempt(START) is None
    assert exchange.outcome(START).cost_usd == Decimal("0.0024")


def test_a_budget_is_charged_what_the_provider_charged() -> None:
    aim = Objective(kind="budget", usd_per_request=0.002)
    wind = router(prices={CHEAP: 1.0}, objective=aim)
    exchange = wind.open(request(), START)
    exchange.report(answered(exchange.next_attempt(START), billed_usd=Decimal("0.006")), START)
    exchange.next_attempt(START)
    exchange.outcome(START)
    pacer = wind.routes["auto"].policy.pacer
    assert pacer.allowance(START).usd == pytest.approx(0.002 - 0.004 / HORIZON)


def test_a_cache_write_for_an_hour_without_a_price_is_billed_as_a_cache_write() -> None:
    used = {Meter.CACHE_WRITE_1H: ONE}
    assert cost_usd(used, {**PRICES, Meter.CACHE_WRITE: Decimal("3.75")}) == Decimal("3.75")
    dearer = {Meter.CACHE_WRITE: Decimal("3.75"), Meter.CACHE_WRITE_1H: Decimal(6)}
    assert cost_usd(used, {**PRICES, **dearer}) == 6
    assert cost_usd(used, PRICES) == 3


@pytest.mark.parametrize(
    ("meter", "usd"),
    [
        (Meter.CACHE_READ, 3),
        (Meter.CACHE_WRITE, 3),
        (Meter.CACHE_WRITE_1H, 3),
        (Meter.AUDIO_INPUT, 3),
        (Meter.REASONING, 15),
        (Meter.AUDIO_OUTPUT, 15),
        (Meter.IMAGE, 0),
        (Meter.REQUEST, 0),
        (Meter.WEB_SEARCH, 0),
    ],
)
def test_tokens_without_a_price_of_their_own_are_billed_as_what_they_are_a_part_of(
    meter: Meter, usd: int
) -> None:
    assert cost_usd({meter: ONE}, PRICES) == usd
    assert cost_usd({meter: ONE}, ALL_PRICES) == ALL_PRICES[meter]


def test_what_has_no_price_is_not_free() -> None:
    for meter in (Meter.INPUT, Meter.OUTPUT, Meter.REASONING, Meter.CACHE_WRITE_1H):
        with pytest.raises(KeyError) as told:
            cost_usd({meter: 1}, {})
        assert told.value.args == (meter,)
    assert cost_usd({Meter.INPUT: 0, Meter.OUTPUT: 0.0}, {}) == 0


def test_what_is_free_does_not_end_the_bill() -> None:
    used = {Meter.IMAGE: 2, Meter.WEB_SEARCH: 1, Meter.INPUT: ONE, Meter.REQUEST: ONE}
    assert cost_usd(used, {**PRICES, Meter.REQUEST: Decimal(7)}) == 10


def test_a_price_of_zero_is_a_price() -> None:
    free = {**PRICES, Meter.CACHE_READ: Decimal(0)}
    assert cost_usd({Meter.CACHE_READ: ONE}, free) == 0


@pytest.mark.parametrize(
    ("field", "meter"),
    [
        ("input_tokens", Meter.INPUT),
        ("cache_read_tokens", Meter.CACHE_READ),
        ("cache_write_tokens", Meter.CACHE_WRITE),
        ("cache_write_1h_tokens", Meter.CACHE_WRITE_1H),
        ("audio_input_tokens", Meter.AUDIO_INPUT),
        ("output_tokens", Meter.OUTPUT),
        ("reasoning_tokens", Meter.REASONING),
        ("audio_output_tokens", Meter.AUDIO_OUTPUT),
        ("images", Meter.IMAGE),
        ("web_searches", Meter.WEB_SEARCH),
    ],
)
def test_each_field_of_use_is_counted_once_under_its_own_meter(field: str, meter: Meter) -> None:
    used = Usage(**{field: 7, "requests": 3})
    counted = {name: count for name, count in used.counts().items() if count}
    assert counted == {meter: 7, Meter.REQUEST: 3}
    is_sent = "input" in field or "cache" in field
    is_got = "output" in field or "reasoning" in field
    assert (used.prompt_tokens, used.completion_tokens) == (7 * is_sent, 7 * is_got)


def test_cents_of_a_millionth_are_not_rounded_away() -> None:
    wind = router(prices={}, deployments=(deployment(CHEAP),))
    tiny = {Meter.INPUT: Decimal("0.0123"), Meter.OUTPUT: Decimal("0.0456")}
    wind.absorb(quote(CHEAP, usd_per_mtok={**tiny, Meter.CACHE_READ: Decimal("0.0007")}), START)
    read = Usage(cache_read_tokens=1, output_tokens=0)
    assert wind.cost_usd(answered(CALL, usage=read)) == Decimal("7E-10")
    exchange = wind.open(request(), START)
    used = Usage(input_tokens=1, output_tokens=1, cache_read_tokens=1)
    exchange.report(answered(exchange.next_attempt(START), usage=used), START)
    exchange.next_attempt(START)
    assert exchange.outcome(START).cost_usd == Decimal("5.86E-8")


def test_the_sum_of_many_small_calls_is_the_cost_of_one_large_one() -> None:
    prices = {Meter.INPUT: Decimal("0.0333"), Meter.OUTPUT: Decimal("0.1")}
    small = {Meter.INPUT: 1, Meter.OUTPUT: 1}
    large = dict.fromkeys(small, 1000)
    assert sum(cost_usd(small, prices) for _ in range(1000)) == cost_usd(large, prices)
