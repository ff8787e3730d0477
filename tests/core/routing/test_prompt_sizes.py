"""Size is part of the price: classes of prompt size share one value of a success."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, quote, request, router
from windsock.core.model.decisions import WeightTable
from windsock.core.model.requests import Cell
from windsock.core.model.units import Usage
from windsock.core.policies.objectives import Objective
from windsock.core.routing.kept.state_upgrades import VERSION, upgraded
from windsock.core.routing.router import Router
from windsock.core.routing.sizes.prompt_sizes import LONGEST, PromptSizeBook
from windsock.core.routing.what_if import what_if

CELL = Cell("default", "auto", "sql")
RATES = {CHEAP: 0.75, MID: 0.86, FLAGSHIP: 0.92}

OBJECTIVES = {
    "value": Objective(kind="value", usd_per_success=0.02),
    "quality": Objective(kind="quality", quality="balanced", incumbent=MID),
    "cost per success": Objective(quality_floor=0.85),
    "floor": Objective(kind="quality_floor", quality_floor=0.85),
    "floor over the route": Objective(kind="quality_floor", route_quality_floor=0.87),
    "budget": Objective(kind="budget", usd_per_request=1e-3),
}


def sizes(spread: float, count: int = 400, seed: int = 0) -> list[int]:
    drawn = np.exp(np.random.default_rng(seed).normal(7, spread, count))
    return np.clip(drawn, 1, 30_000).astype(int).tolist()


def taught(objective: Objective, spread: float = 1.3, **facts: Any) -> Router:
    """Sure of success, with prompts of these sizes seen at everybody."""
    wind = router(objective=objective, **facts)
    for name, rate in RATES.items():
        wind.beliefs.observe_sums(CELL, name, 400.0, 400 * rate, 400 * rate, now=START)
        for size in sizes(spread):
            usage = Usage(input_tokens=size, output_tokens=200)
            wind.beliefs.observe_usage(CELL, name, usage, START)
            wind.tables.sizes.observe(CELL, name, size, size)
    return wind


def table(wind: Router, tokens: int, now: float = START, **facts: Any) -> WeightTable:
    asked = request(task="sql", prompt_tokens=tokens, **facts)
    return wind.tables.lookup(wind.routes["auto"], asked, now)


def by_class(wind: Router) -> list[WeightTable]:
    classes = wind.tables.sizes.of(CELL)
    assert classes is not None
    return [table(wind, int(mean), START + 3) for mean in classes.means]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_mix_is_the_mean_of_the_classes_at_one_v(name: str) -> None:
    wind = taught(OBJECTIVES[name])
    found, mix = by_class(wind), wind.table("default", "auto", "sql", START)
    shares = [each.size.share for each in found if each.size]
    assert sum(shares) == pytest.approx(1.0) and len(shares) == 5
    mean = np.array(shares) @ np.array([each.weights for each in found])
    assert mix.weights == pytest.approx(tuple(mean), abs=1e-9)
    assert {each.value_usd for each in found} == {mix.value_usd}
    assert mix.size is None


@pytest.mark.parametrize("last", [0, 2, 4])
def test_what_is_shown_of_a_task_is_the_mix_whatever_size_was_asked_last(last: int) -> None:
    wind = taught(OBJECTIVES["value"])
    assert wind.tables.shown(CELL) is None
    one = table(wind, int(wind.tables.sizes.of(CELL).means[last]))
    alone = wind.tables.shown(CELL)
    assert alone is not None and alone.weights == pytest.approx(one.weights)
    wind = taught(OBJECTIVES["value"])
    by_class(wind)
    again = table(wind, int(wind.tables.sizes.of(CELL).means[last]), START + 9)
    shown, mix = wind.tables.shown(CELL), wind.table("default", "auto", "sql", START + 9)
    assert shown is not None and shown.size is None
    assert shown.weights == pytest.approx(mix.weights, abs=1e-9)
    usd = [arm.expected_usd for arm in mix.arms]
    assert [arm.expected_usd for arm in shown.arms] == pytest.approx(usd)
    assert again.weights != pytest.approx(mix.weights, abs=1e-3)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_longer_a_prompt_the_cheaper_is_who_gets_it(name: str) -> None:
    prices = {CHEAP: 0.1, MID: 1.0, FLAGSHIP: 5.0}
    mean = [
        sum(w * prices[name] for w, name in zip(each.weights, each.deployments, strict=True))
        for each in by_class(taught(OBJECTIVES[name]))
    ]
    assert all(later <= sooner + 1e-9 for sooner, later in pairwise(mean))
    assert mean[-1] < 0.8 * mean[0]


def test_a_floor_and_a_budget_are_held_over_the_mix() -> None:
    mix = taught(OBJECTIVES["floor"]).table("default", "auto", "sql", START)
    success = sum(w * arm.success_mean for w, arm in zip(mix.weights, mix.arms, strict=True))
    assert success == pytest.approx(0.85, abs=1e-9)
    found = by_class(taught(OBJECTIVES["budget"]))
    spent = sum(
        each.size.share * w * arm.expected_usd
        for each in found
        if each.size
        for w, arm in zip(each.weights, each.arms, strict=True)
    )
    assert spent == pytest.approx(1e-3, rel=1e-6)


def test_what_the_mix_costs_is_what_its_classes_do() -> None:
    wind = taught(OBJECTIVES["floor"])
    spent = sum(each.size.share * each.usd for each in by_class(wind) if each.size)
    found = what_if(wind, "default", "auto", "sql", {}, START)
    assert (found.usd_now, found.usd_then) == pytest.approx((spent, spent))
    dearer = {name: {"input": 10 * usd} for name, usd in ((MID, 1.0), (FLAGSHIP, 5.0))}
    imagined = what_if(wind, "default", "auto", "sql", dearer, START)
    assert imagined.usd_now == pytest.approx(spent) and imagined.usd_then > 2 * spent
    assert imagined.success_then == pytest.approx(0.85, abs=1e-6), "the floor is held then as well"


def test_prompts_of_about_one_size_have_one_table() -> None:
    wind = taught(OBJECTIVES["floor"], spread=0.25)
    assert wind.tables.sizes.of(CELL) is None
    assert table(wind, 200) is table(wind, 5000)


def test_what_is_drawn_has_the_propensity_of_its_class() -> None:
    wind = taught(OBJECTIVES["floor"])
    for tokens in (100, 1000, 9000):
        drawn = wind.open(request(task="sql", prompt_tokens=tokens), START).decision
        at = table(wind, tokens)
        assert drawn.propensity == at.weights[at.deployments.index(drawn.deployment)]
        assert drawn.table_version == at.version


def test_a_look_at_a_size_sees_what_its_next_request_gets() -> None:
    wind, other = taught(OBJECTIVES["floor"]), taught(OBJECTIVES["floor"])
    for tokens in (100, 3000, 20_000):
        seen = wind.table("default", "auto", "sql", START, prompt_tokens=tokens)
        drawn_from = table(other, tokens)
        assert (seen.weights, seen.size) == (drawn_from.weights, drawn_from.size)
        assert seen.size is not None and seen.size.from_tokens <= tokens < seen.size.below_tokens


def test_requests_with_needs_and_service_tiers_are_weighed_by_size_as_well() -> None:
    wind = taught(OBJECTIVES["value"])
    short, long = (table(wind, tokens, needs=frozenset({"tools"})) for tokens in (100, 9000))
    assert short.weights == table(wind, 100).weights
    assert long.weights == table(wind, 9000).weights != short.weights


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_request_that_nobody_can_serve_has_a_table_without_candidates(name: str) -> None:
    found = table(taught(OBJECTIVES[name]), 500, needs=frozenset({"audio"}))
    assert found.deployments == () and {*found.ruled_out} == {*RATES}


def test_a_price_move_acts_on_every_class_and_leaves_nothing_behind() -> None:
    wind = taught(OBJECTIVES["floor"])
    before = [each.weights for each in by_class(wind)]
    wind.absorb(quote(MID, usd=1.5, seen_at=START + 1), START + 1)
    during = [each.weights for each in by_class(wind)]
    assert all(now != was for now, was in zip(during, before, strict=True))
    wind.absorb(quote(MID, usd=1.0, seen_at=START + 2), START + 2)
    for each, was in zip(by_class(wind), before, strict=True):
        assert each.weights == pytest.approx(was, abs=1e-9)


def test_who_serves_the_long_prompts_is_not_taken_for_dear() -> None:
    """The flagship saw short ones alone, the cheap one long ones: each counts as it counts."""
    wind = router(objective=OBJECTIVES["value"])
    for size in sizes(1.3):
        name = CHEAP if size > 1000 else FLAGSHIP
        counted = int(1.2 * size)
        usage = Usage(input_tokens=counted, output_tokens=200)
        wind.beliefs.observe_usage(CELL, name, usage, START)
        wind.tables.sizes.observe(CELL, name, size, counted)
    at = table(wind, 5000)
    usd = {arm.deployment: arm.expected_usd for arm in at.arms}
    classes = wind.tables.sizes.of(CELL)
    assert classes is not None
    sent = classes.means[classes.of(5000) or 0] * 1.2
    assert usd[CHEAP] == pytest.approx((0.1 * sent + 0.4 * 200) / 1e6, rel=0.02)
    assert usd[FLAGSHIP] == pytest.approx((5 * sent + 20 * 200) / 1e6, rel=0.05)


def test_what_is_drawn_from_the_traffic_is_learnt_as_it_ends() -> None:
    wind = router(objective=OBJECTIVES["value"])
    for size in sizes(1.3, 150):
        exchange = wind.open(request(task="sql", prompt_tokens=size), START)
        attempt = exchange.next_attempt(START)
        assert attempt is not None
        usage = Usage(input_tokens=size, output_tokens=100)
        exchange.report(answered(attempt, usage=usage), START)
        assert exchange.next_attempt(START) is None
        wind.settle(exchange.outcome(START), START)
    assert wind.tables.sizes.of(CELL) is not None


def test_classes_stand_still_between_two_drawings() -> None:
    book = PromptSizeBook()
    seen: list[Any] = []
    for size in sizes(1.0, 3000):
        book.observe(CELL, "p/m", size, size)
        if not seen or seen[-1] is not book.of(CELL):
            seen.append(book.of(CELL))
    assert 3 <= len(seen) <= 12, "none, and a few drawn ever less often"
    borders = np.log(np.array([each.borders for each in seen[-3:]]))
    assert np.ptp(borders, axis=0).max() < 0.4, "the same traffic, nearly the same borders"


def test_classes_are_about_equal_parts_of_the_traffic() -> None:
    book = PromptSizeBook()
    for size in sizes(1.2, 2000):
        book.observe(CELL, "p/m", size, size)
    classes = book.of(CELL)
    assert classes is not None and len(classes.shares) == 5
    assert all(0.1 < share < 0.3 for share in classes.shares)
    found = [classes.of(size) for size in sizes(1.2, 2000)]
    counted = np.bincount([each for each in found if each is not None]) / 2000
    assert counted == pytest.approx(classes.shares, abs=0.02)


@pytest.mark.parametrize("tokens", [0, LONGEST, 10**7])
def test_sizes_that_nobody_knows_and_very_long_ones_say_nothing(tokens: int) -> None:
    book = PromptSizeBook()
    for _ in range(300):
        book.observe(CELL, "p/m", tokens, tokens)
    assert book.of(CELL) is None and book.to_state() == []


def test_two_sizes_alone_are_two_classes() -> None:
    book = PromptSizeBook()
    for i in range(300):
        book.observe(CELL, "p/m", 100 if i % 2 else 8000, 100 if i % 2 else 8000)
    classes = book.of(CELL)
    assert classes is not None and classes.means == (100.0, 8000.0)
    assert (classes.of(100), classes.of(8000)) == (0, 1)


def test_a_snapshot_keeps_them_and_one_of_before_has_none() -> None:
    wind, again = taught(OBJECTIVES["floor"]), router(objective=OBJECTIVES["floor"])
    state = json.loads(json.dumps(wind.to_state()))
    again.from_state(state)
    assert [each.weights for each in by_class(again)] == [each.weights for each in by_class(wind)]
    assert again.to_state() == wind.to_state()
    old = {key: value for key, value in state.items() if key != "prompt_sizes"}
    assert upgraded({**old, "version": 6})["prompt_sizes"] == [] and VERSION >= 7


def test_what_is_forgotten_of_a_task_is_forgotten_of_its_sizes() -> None:
    wind = taught(OBJECTIVES["floor"])
    wind.tables.sizes.forget({CELL})
    assert wind.tables.sizes.of(CELL) is None
