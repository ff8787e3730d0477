"""The service tier asked for enters the expected cost; the one that answered is billed."""

from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, quote, request, router
from windsock.core.model.units import Meter


def flexible(**prices: float):
    """Three deployments, of which the named ones are sold at another price under flex."""
    wind = router(prices={CHEAP: 0.9, MID: 1.0, FLAGSHIP: 5.0})
    for name, usd in prices.items():
        full = {CHEAP: "small", MID: "medium", FLAGSHIP: "flagship"}
        deployment = next(each for each, short in full.items() if short == name)
        flex = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
        base = wind.book.in_force(deployment, START).usd_per_mtok[Meter.INPUT]
        stated = quote(deployment, usd=float(base), seen_at=START + 1, service_tiers={"flex": flex})
        wind.absorb(stated, START + 1)
    return wind


def expected(wind, tier: str | None) -> dict[str, float]:
    table = wind.open(request(service_tier=tier), START + 2).table
    return {arm.deployment: arm.expected_usd for arm in table.arms}


def test_the_tier_asked_for_is_expected_where_it_has_a_price() -> None:
    wind = flexible(medium=0.25)
    usual, flex = expected(wind, None), expected(wind, "flex")
    assert flex[MID] == pytest.approx(usual[MID] / 4)
    assert flex[CHEAP] == usual[CHEAP]
    assert expected(wind, None) == usual


def test_a_tier_without_a_price_of_its_own_is_decided_as_usual() -> None:
    wind = flexible(medium=0.25)
    plain = wind.open(request(), START + 2).table
    assert wind.open(request(service_tier="default"), START + 2).table is plain
    assert wind.open(request(service_tier="flex"), START + 2).table is not plain


def test_traffic_moves_to_whoever_is_cheaper_at_that_tier() -> None:
    wind = flexible(medium=0.25)
    usual, flex = (
        dict(zip(table.deployments, table.weights, strict=True))
        for table in (
            wind.open(request(service_tier=tier), START + 2).table for tier in (None, "flex")
        )
    )
    assert flex[MID] > usual[MID]


def test_the_answered_tier_is_billed_not_the_asked_one() -> None:
    wind = flexible(small=0.45, medium=0.5, flagship=2.5)
    exchange = wind.open(request(service_tier="flex"), START + 2)
    attempt = exchange.next_attempt(START + 2)
    served = answered(attempt, service_tier="default")
    flex = answered(attempt, service_tier="flex")
    assert wind.cost_usd(served) == 2 * wind.cost_usd(flex)
