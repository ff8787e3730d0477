"""The router: prices, beliefs and health become one exact draw."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.builders import (
    CHEAP,
    FLAGSHIP,
    MID,
    START,
    answered,
    deployment,
    failed,
    quote,
    request,
    router,
    run,
)
from windsock.core.evidence.warm_start import PastResult
from windsock.core.model.calls import CallKind
from windsock.core.model.requests import Cell, Preferences
from windsock.core.model.rewards import Reward
from windsock.core.model.ticks import HealthReport, HealthState, Tier
from windsock.core.model.units import Meter, Usage
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Rule
from windsock.errors import NoCandidate, UnknownRoute


def weights(wind: Router, now: float = START, task: str = "default") -> dict[str, float]:
    table = wind.table("default", "auto", task, now)
    return dict(zip(table.deployments, table.weights, strict=True))


def teach(wind: Router, rates: dict[str, float], times: int = 100, task: str = "default") -> None:
    """Each deployment succeeds at its rate, spread evenly."""
    for name, rate in rates.items():
        for i in range(times):
            wishes = Preferences(only=(name,))
            decision = wind.open(request(preferences=wishes, task=task), START).decision
            won = math.floor((i + 1) * rate) > math.floor(i * rate)
            wind.learn(decision, name, Reward(value=float(won)), START)


def test_weights_sum_to_one_and_are_what_is_drawn_from() -> None:
    wind = router()
    exchange = wind.open(request(), START)
    table = exchange.table
    assert sum(table.weights) == pytest.approx(1.0, abs=1e-12)
    index = table.deployments.index(exchange.decision.deployment)
    assert exchange.decision.propensity == table.weights[index]


def test_a_hundred_thousand_draws_follow_the_advertised_weights() -> None:
    wind = router()
    teach(wind, {CHEAP: 0.82, MID: 0.86, FLAGSHIP: 0.95}, times=40)
    advertised = weights(wind)
    counts = dict.fromkeys(advertised, 0)
    for _ in range(100_000):
        counts[wind.open(request(), START).decision.deployment] += 1
    chi_square = sum((counts[name] - 1e5 * w) ** 2 / (1e5 * w) for name, w in advertised.items())
    assert chi_square < 13.8, "p < 0.001 with two degrees of freedom"


def test_the_same_seed_and_number_draw_alike() -> None:
    one, other = (router(seed=3).open(request(), START).decision for _ in range(2))
    assert (one.deployment, one.draw, one.id) == (other.deployment, other.draw, other.id)
    assert router(seed=4).open(request(), START).decision.draw != one.draw


def test_a_price_move_acts_on_the_next_request_and_its_reversal_restores_the_weights() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.2, FLAGSHIP: 5.0})
    teach(wind, {CHEAP: 0.9, MID: 0.9, FLAGSHIP: 0.95})
    before, rows = weights(wind), wind.beliefs.to_state()
    (shift,) = wind.absorb(quote(CHEAP, usd=4.0, seen_at=START + 60), START + 60)
    assert shift.kind == "price.shifted"
    moved = weights(wind, START + 60)
    assert moved[CHEAP] < 0.1 < before[CHEAP]
    wind.absorb(quote(CHEAP, usd=1.0, seen_at=START + 120), START + 120)
    back = weights(wind, START + 120)
    assert back == pytest.approx(before, abs=1e-9)
    assert wind.beliefs.to_state() == rows


def test_an_unpriced_deployment_is_ruled_out_with_the_reason() -> None:
    wind = router(prices={CHEAP: 1.0}, deployments=(deployment("dark/horse"),))
    table = wind.table("default", "auto", "default", START)
    assert table.deployments == (CHEAP,)
    assert "price" in table.reasons["dark/horse"]


def test_images_go_only_where_they_are_known_to_be_accepted() -> None:
    seeing = deployment(MID, vision=True)
    wind = router(deployments=(seeing, deployment(FLAGSHIP, vision=False)))
    exchange = wind.open(request(needs=frozenset({"vision"})), START)
    assert exchange.table.deployments == (MID,)
    assert exchange.table.reasons[FLAGSHIP] == "does not accept images"
    assert exchange.table.reasons[CHEAP] == "not known to accept images"


def test_a_request_longer_than_a_context_window_is_never_sent_there() -> None:
    wind = router(deployments=(deployment(CHEAP, context_tokens=4096),))
    exchange = wind.open(request(prompt_tokens=4000, max_output_tokens=200), START)
    assert CHEAP not in exchange.table.deployments
    assert "4096" in exchange.table.reasons[CHEAP]


def test_nobody_left_is_an_error_with_each_reason() -> None:
    wind = router()
    with pytest.raises(NoCandidate) as caught:
        wind.open(request(needs=frozenset({"audio"})), START)
    assert set(caught.value.reasons) == {CHEAP, MID, FLAGSHIP}
    assert caught.value.is_lasting


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownRoute, match="'auto'"):
        router().open(request(model="atuo"), START)


def test_a_deployment_id_pins_and_a_bare_model_id_reaches_every_place_that_serves_it() -> None:
    wind = router(prices={"acme/glow": 1.0, "bolt/glow": 2.0, MID: 1.0})
    pinned = wind.open(request(model="bolt/glow"), START)
    assert pinned.decision.deployment == "bolt/glow"
    assert pinned.decision.propensity == 1.0
    bare = wind.open(request(model="glow"), START)
    assert set(bare.table.deployments) == {"acme/glow", "bolt/glow"}


def test_a_rule_narrows_the_candidates() -> None:
    rule = Rule(candidates=frozenset({CHEAP}), task="classification", max_prompt_tokens=500)
    wind = router(rules=(rule,))
    assert wind.open(request(task="classification"), START).table.deployments == (CHEAP,)
    assert len(wind.open(request(task="sql"), START).table.deployments) == 3


def test_only_ignore_and_price_ceilings_are_honoured() -> None:
    wind = router()
    only = wind.open(request(preferences=Preferences(only=("bolt",))), START)
    assert only.table.deployments == (MID,)
    ignoring = wind.open(request(preferences=Preferences(ignore=(CHEAP,))), START)
    assert CHEAP not in ignoring.table.deployments
    ceiling = quote(usd=0.5).usd_per_mtok["input"]
    capped = wind.open(request(preferences=Preferences(max_prompt_usd_per_mtok=ceiling)), START)
    assert capped.table.deployments == (CHEAP,)


def test_sorting_by_price_takes_the_cheapest_request() -> None:
    exchange = router().open(request(preferences=Preferences(sort="price")), START)
    assert exchange.decision.deployment == CHEAP


def test_ordered_models_are_tried_in_order() -> None:
    exchange = router().open(request(model=MID, models=(FLAGSHIP, CHEAP)), START)
    called = run(exchange, START, CallKind.BAD_ANSWER, CallKind.BAD_ANSWER)
    assert called == [MID, FLAGSHIP, CHEAP]


def test_an_ejected_deployment_gets_no_traffic_and_comes_back_by_a_probe() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.0})
    for _ in range(5):
        attempt = wind.open(request(model=CHEAP), START).next_attempt(START)
        wind.record(failed(attempt), START)
    assert weights(wind, START + 1) == {MID: 1.0}
    later = START + 31
    assert CHEAP in weights(wind, later)
    attempt = wind.open(request(model=CHEAP), later).next_attempt(later)
    assert weights(wind, later) == {MID: 1.0}
    wind.record(answered(attempt), later)
    assert CHEAP in weights(wind, later)


def test_when_all_are_failing_they_are_asked_all_the_same() -> None:
    wind = router(prices={CHEAP: 1.0, MID: 1.0})
    for name in (CHEAP, MID):
        report = HealthReport(subject=name, feed="status", state=HealthState.DOWN, seen_at=START)
        wind.absorb(report, START)
    table = wind.open(request(), START).table
    assert len(table.deployments) == 2
    assert "unhealthy" in table.note


def test_when_all_are_rate_limited_the_caller_is_told_when_to_come_back() -> None:
    wind = router(prices={CHEAP: 1.0})
    attempt = wind.open(request(), START).next_attempt(START)
    wind.record(failed(attempt, CallKind.RATE_LIMITED, retry_after_s=9.0), START)
    with pytest.raises(NoCandidate) as caught:
        wind.open(request(), START + 1)
    assert caught.value.retry_after_s == pytest.approx(8.0)
    assert not caught.value.is_lasting


def test_a_latency_ceiling_leaves_slow_deployments_out() -> None:
    wind = router(max_latency_s=0.2)
    for name, first_byte_s in ((CHEAP, 0.5), (MID, 0.1), (FLAGSHIP, 0.1)):
        for _ in range(20):
            attempt = wind.open(request(model=name), START).next_attempt(START)
            wind.record(answered(attempt, first_byte_s=first_byte_s), START)
    table = wind.open(request(), START).table
    assert CHEAP not in table.deployments
    assert "500 ms" in table.reasons[CHEAP]


def test_belief_turns_traffic_per_task() -> None:
    wind = router()
    teach(wind, {CHEAP: 0.95, MID: 0.95, FLAGSHIP: 0.95}, task="sentiment")
    teach(wind, {CHEAP: 0.40, MID: 0.60, FLAGSHIP: 0.95}, task="sql")
    assert weights(wind, task="sentiment")[CHEAP] > 0.9
    assert weights(wind, task="sql")[FLAGSHIP] > 0.5


def test_state_round_trip_gives_the_same_weights() -> None:
    wind = router()
    teach(wind, {CHEAP: 0.7, MID: 0.9, FLAGSHIP: 0.95})
    fresh = router()
    fresh.from_state(wind.to_state())
    assert weights(fresh) == weights(wind)


def test_solved_tables_are_handed_out_once() -> None:
    wind = router()
    wind.open(request(), START)
    wind.open(request(), START)
    assert len(wind.tables.drain()) == 1
    assert wind.tables.drain() == []


def test_a_lesson_outlives_the_first_feedback() -> None:
    wind = router()
    past = [PastResult(task="default", deployment=MID, success=0.9, count=200.0)]
    wind.operator.teach("default", "auto", past, strength=200.0, now=START)
    teach(wind, {MID: 1.0}, times=20)
    belief = wind.beliefs.summary(Cell("default", "auto", "default"), MID)
    assert belief.effective_samples == pytest.approx(220.0)


def test_a_learnt_share_of_cache_hits_and_the_step_by_size_are_in_the_expected_cost() -> None:
    """Three in four prompt tokens hit the cache: 0.75 x 0.1 + 0.25 x 1 of the input price."""
    wind = router(deployments=(deployment(CHEAP),), prices={CHEAP: 1.0})
    steps = {Meter.INPUT: Decimal(2)}
    stated = quote(CHEAP, usd=1.0, seen_at=START + 1)
    cached = {**stated.usd_per_mtok, Meter.CACHE_READ: Decimal("0.1")}
    tier = Tier(min_prompt_tokens=200_000, usd_per_mtok=steps)
    wind.absorb(replace(stated, usd_per_mtok=cached, tiers=(tier,)), START + 1)
    cell = Cell("default", "auto", "default")
    used = Usage(input_tokens=1_000, cache_read_tokens=3_000, output_tokens=100)
    for _ in range(5):
        wind.beliefs.observe_usage(cell, CHEAP, used, START + 2)
    mix = wind.beliefs.mix(cell, CHEAP)
    usd = wind.book.effective_usd(CHEAP, mix, START + 3, prompt_tokens=4_000)
    assert float(usd) == pytest.approx((1_000 * 1 + 3_000 * 0.1 + 100 * 4) / 1e6)
    large = wind.beliefs.mix(cell, CHEAP, prompt_tokens=400_000)
    usd = wind.book.effective_usd(CHEAP, large, START + 3, prompt_tokens=400_000)
    assert float(usd) == pytest.approx((100_000 * 2 + 300_000 * 0.2 + 100 * 4) / 1e6)
