"""Warm conversations: they stay while a move would not pay for the lost prompt cache."""

from decimal import Decimal

import pytest

from tests.builders import CHEAP, MID, START, answered, deployment, quote, request, router
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router

LONG = Usage(input_tokens=100_000, output_tokens=500)


def priced(usd: float, name: str, *, cached: float | None, seen_at: float = START):
    prices = {Meter.INPUT: Decimal(str(usd)), Meter.OUTPUT: Decimal(str(usd)) * 4}
    if cached is not None:
        prices[Meter.CACHE_READ] = Decimal(str(cached))
    return quote(name, usd_per_mtok=prices, seen_at=seen_at)


def windy(cached: float | None = 0.1) -> Router:
    """Two deployments alike in price, so that a plain request is drawn to either."""
    wind = router(
        prices={},
        deployments=(deployment(CHEAP), deployment(MID)),
        objective=Objective(kind="value", usd_per_success=0.01),
    )
    for name in (CHEAP, MID):
        wind.absorb(priced(1.0, name, cached=cached), START)
    return wind


def turn(wind: Router, session: str | None, now: float = START, usage: Usage = LONG) -> str:
    exchange = wind.open(request(session_id=session), now)
    exchange.report(answered(exchange.next_attempt(now), usage=usage), now)
    exchange.next_attempt(now)
    exchange.outcome(now)
    return exchange.decision.deployment


def test_a_conversation_stays_where_its_prompt_is_held() -> None:
    wind = windy()
    for n in range(20):
        assert len({turn(wind, f"s{n}") for _ in range(10)}) == 1
    assert len({turn(wind, f"s{n}") for n in range(20)}) == 2, "sessions are spread as requests are"


def test_the_propensity_of_staying_is_that_of_a_table() -> None:
    wind = windy()
    home = turn(wind, "s")
    exchange = wind.open(request(session_id="s"), START)
    assert exchange.decision.deployment == home
    assert exchange.decision.propensity == pytest.approx(1.0)
    assert exchange.table.version == exchange.decision.table_version
    assert "prompt cache" in exchange.table.note
    versions = {wind.open(request(session_id="s"), START).decision.table_version for _ in range(5)}
    assert versions == {exchange.table.version}, "one table serves all such requests"


def test_a_move_that_saves_more_than_the_cache_is_made() -> None:
    wind = windy()
    home = turn(wind, "s")
    wind.absorb(priced(4.0, home, cached=3.9, seen_at=START + 1), START + 1)
    assert wind.book.prices(home, START + 1)[Meter.INPUT] == 4
    seen = {turn(wind, "s", START + 1, usage=Usage(input_tokens=500)) for _ in range(20)}
    assert seen != {home}


@pytest.mark.parametrize("session", [None, "another"])
def test_nobody_else_is_bound_by_it(session) -> None:
    wind = windy()
    turn(wind, "s")
    table = wind.open(request(session_id=session), START).table
    assert "prompt cache" not in table.note


def test_a_conversation_cools_down_and_one_without_a_cache_price_is_never_warm() -> None:
    wind = windy()
    turn(wind, "s")
    later = wind.open(request(session_id="s"), START + 301).table
    assert "prompt cache" not in later.note
    plain = windy(cached=None)
    turn(plain, "s")
    assert "prompt cache" not in plain.open(request(session_id="s"), START).table.note
