"""Warm conversations: they stay while a move would not pay for the lost prompt cache."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, deployment, quote, request, router
from windsock.core.model.decisions import CascadeFacts, WeightTable
from windsock.core.model.requests import Preferences
from windsock.core.model.ticks import Tier
from windsock.core.model.units import Meter, Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.session_affinity import (
    MAX_SESSIONS,
    SessionAffinity,
    Warm,
    cascades_of,
)

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


HOME = ("default", "auto", "s")


@pytest.mark.parametrize(
    ("full", "cached", "lost"),
    [
        ("1", "0.1", 0.09),
        ("1", "0.75", 0.025),
        ("1", "1", 0.0),
        ("1", "1.25", 0.0),
        ("3", "0", 0.3),
    ],
)
def test_a_move_loses_what_reading_anew_costs_more_than_reading_what_is_held(
    full: str, cached: str, lost: float
) -> None:
    prices = {Meter.INPUT: Decimal(full), Meter.CACHE_READ: Decimal(cached)}
    assert Warm(CHEAP, 100_000, START).lost_usd(prices) == pytest.approx(lost)
    assert Warm(CHEAP, 0, START).lost_usd(prices) == 0.0
    for meter in prices:
        assert Warm(CHEAP, 100_000, START).lost_usd({meter: prices[meter]}) == 0.0


@pytest.mark.parametrize(("cached", "is_bound"), [(0.1, True), (0.5, True), (0.95, False)])
def test_a_cache_that_saves_less_than_a_move_binds_nobody(cached: float, is_bound: bool) -> None:
    wind = router(
        prices={},
        deployments=(deployment(CHEAP), deployment(MID)),
        objective=Objective(kind="value", usd_per_success=0.5),
    )
    wind.absorb(priced(1.0, CHEAP, cached=cached), START)
    wind.absorb(priced(0.9, MID, cached=cached), START)
    first = wind.open(
        request(session_id="s", prompt_tokens=100_000, preferences=Preferences(order=(CHEAP,))),
        START,
    )
    first.report(answered(first.next_attempt(START), usage=LONG), START)
    first.next_attempt(START)
    first.outcome(START)
    table = wind.open(request(session_id="s", prompt_tokens=100_000), START).table
    assert ("prompt cache" in table.note) is is_bound
    assert (table.weights[table.deployments.index(MID)] == 0.0) is is_bound


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=1000),
        Usage(cache_read_tokens=1000),
        Usage(cache_write_tokens=1000),
        Usage(output_tokens=1000),
        Usage(input_tokens=200, cache_read_tokens=300, cache_write_tokens=400, output_tokens=100),
        Usage(cache_write_1h_tokens=1000),
    ],
    ids=["input", "read", "written", "answer", "all", "written for an hour"],
)
def test_all_that_was_read_and_the_answer_begin_the_next_prompt(usage: Usage) -> None:
    sessions = SessionAffinity()
    sessions.remember(HOME, CHEAP, usage, START)
    assert sessions.find(HOME, START) == Warm(CHEAP, 1000, START + 300.0)


def test_a_conversation_is_warm_for_as_long_as_told_and_where_it_was_answered_last() -> None:
    sessions = SessionAffinity(keep_s=60.0)
    sessions.remember(HOME, CHEAP, LONG, START)
    sessions.remember(HOME, MID, LONG, START + 10)
    sessions.remember(HOME, MID, None, START + 50)
    found = sessions.find(HOME, START + 69.9)
    assert found is not None and found.deployment == MID
    assert sessions.find(HOME, START + 70.0) is None
    for other in (("other", "auto", "s"), ("default", "other", "s"), ("default", "auto", "t")):
        assert sessions.find(other, START + 20) is None


def test_the_price_of_a_prompt_of_this_size_tells_what_a_move_loses() -> None:
    names = (CHEAP, MID)
    aim = Objective(kind="value", usd_per_success=0.01)
    wind = router(prices={}, deployments=tuple(map(deployment, names)), objective=aim)
    steep = {Meter.INPUT: Decimal(2), Meter.CACHE_READ: Decimal("0.1")}
    tier = Tier(min_prompt_tokens=50_000, usd_per_mtok=steep)
    for name in names:
        wind.absorb(replace(priced(1.0, name, cached=1.0), tiers=(tier,)), START)
    turn(wind, "s")
    notes = [
        wind.open(request(session_id="s", prompt_tokens=tokens), START).table.note
        for tokens in (500, 100_000)
    ]
    assert ["prompt cache" in note for note in notes] == [False, True]


def facts_of(to: str, weight: float, name: str = CHEAP) -> CascadeFacts:
    return CascadeFacts(
        deployment=name,
        to=to,
        weight=weight,
        success_mean=0.9,
        expected_usd=0.01,
        escalated=0.2,
        unsure=0.0,
        wrong_found=0.5,
        right_passed=0.9,
        judged=100.0,
        gain=0.05,
    )


def weighed(*weights: float, cascades: tuple[CascadeFacts, ...] | None = ()) -> WeightTable:
    """A table over CHEAP, MID and FLAGSHIP with these weights."""
    table = router().table("default", "auto", "default", START)
    order = (CHEAP, MID, FLAGSHIP)
    arms = tuple(next(arm for arm in table.arms if arm.deployment == name) for name in order)
    return replace(table, deployments=order, weights=weights, arms=arms, cascades=cascades)


def test_a_cascade_keeps_its_part_of_its_deployments_weight() -> None:
    cascades = (facts_of(MID, 0.2), facts_of(FLAGSHIP, 0.1), facts_of(FLAGSHIP, 0.3, MID))
    table = weighed(0.4, 0.6, 0.0, cascades=cascades)
    moved = cascades_of(table, (1.0, 0.0, 0.0))
    assert moved is not None
    assert [each.weight for each in moved] == pytest.approx([0.5, 0.25, 0.0])
    assert [replace(each, weight=0.0) for each in moved] == [
        replace(each, weight=0.0) for each in cascades
    ]


def test_a_cascade_of_one_without_weight_stays_undrawn() -> None:
    table = weighed(0.0, 1.0, 0.0, cascades=(facts_of(MID, 0.0),))
    (still,) = cascades_of(table, (0.5, 0.5, 0.0)) or ()
    assert still.weight == 0.0
    assert cascades_of(weighed(1.0, 0.0, 0.0, cascades=None), (1.0, 0.0, 0.0)) is None


PRICED = {Meter.INPUT: Decimal(1), Meter.CACHE_READ: Decimal(0)}


def benefit(table: WeightTable, name: str, value_usd: float) -> float:
    (arm,) = [arm for arm in table.arms if arm.deployment == name]
    return value_usd * arm.success_mean - arm.expected_usd


def test_who_is_not_worth_the_move_gives_its_weight_to_the_warm_one() -> None:
    affinity, value_usd = SessionAffinity(), 0.01
    table = replace(weighed(0.2, 0.3, 0.5), value_usd=value_usd)
    arms = tuple(
        replace(arm, success_mean=success, expected_usd=0.0)
        for arm, success in zip(table.arms, (0.5, 0.6, 0.9), strict=True)
    )
    table = replace(table, arms=arms)
    loss = benefit(table, MID, value_usd) - benefit(table, CHEAP, value_usd)
    warm = Warm(CHEAP, round(loss * 1e6) + 100, START + 60.0)
    adjusted = affinity.adjust(table, warm, PRICED)
    assert adjusted is not None
    assert adjusted.stays == (MID,)
    assert adjusted.weights == pytest.approx((0.5, 0.0, 0.5))
    small = replace(warm, tokens=round(loss * 1e6) - 100)
    assert affinity.adjust(table, small, PRICED) is None, "both are worth it"


def test_where_no_value_is_put_on_success_or_it_is_no_candidate_nothing_is_moved() -> None:
    affinity = SessionAffinity()
    table = replace(weighed(0.2, 0.3, 0.5), value_usd=0.01)
    warm = Warm(CHEAP, 10**9, START + 60.0)
    assert affinity.adjust(table, warm, PRICED) is not None
    assert affinity.adjust(replace(table, value_usd=None), warm, PRICED) is None
    assert affinity.adjust(table, replace(warm, deployment="gone/away"), PRICED) is None


def test_audio_is_held_by_no_cache_and_the_answer_begins_the_next_prompt() -> None:
    affinity = SessionAffinity()
    usage = Usage(input_tokens=100, audio_input_tokens=40, output_tokens=7)
    affinity.remember(HOME, CHEAP, usage, START)
    warm = affinity.find(HOME, START)
    assert warm is not None
    assert warm.tokens == usage.prompt_tokens - 40 + 7


def test_only_the_last_conversations_are_remembered() -> None:
    affinity = SessionAffinity()
    usage = Usage(input_tokens=100)
    affinity.remember(("default", "auto", "first"), CHEAP, usage, START)
    affinity.remember(("default", "auto", "again"), CHEAP, usage, START)
    for i in range(MAX_SESSIONS - 2):
        affinity.remember(("default", "auto", f"s{i}"), CHEAP, usage, START)
    assert affinity.find(("default", "auto", "first"), START) is not None
    affinity.remember(("default", "auto", "first"), CHEAP, usage, START)
    affinity.remember(("default", "auto", "one more"), CHEAP, usage, START)
    assert affinity.find(("default", "auto", "again"), START) is None
    assert affinity.find(("default", "auto", "first"), START) is not None
    assert affinity.find(("default", "auto", "one more"), START) is not None
