"""Another floor, quality or budget is imagined as a router that had it would weigh."""

from dataclasses import replace

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, router
from windsock.core.evidence.warm_start import PastResult
from windsock.core.policies.baselines import RoundRobin
from windsock.core.policies.objectives import Objective
from windsock.core.routing.router import Router
from windsock.core.routing.what_if import Aims, WhatIfResult, what_if
from windsock.errors import BadRequest

TRUTH = {CHEAP: 0.6, MID: 0.85, FLAGSHIP: 0.95}
FLOORED = Objective(kind="quality_floor", quality_floor=0.7)
OBJECTIVES = {
    "floor": (FLOORED, {"quality_floor": 0.9}),
    "no floor": (
        Objective(kind="value", usd_per_success=0.001, quality_floor=0.9), {"quality_floor": 0.0}
    ),
    "quality": (Objective(kind="quality", quality="economy"), {"quality": "max"}),
    "budget a request": (
        Objective(kind="budget", usd_per_request=0.0002), {"usd_per_request": 0.004}
    ),
    "budget a day": (Objective(kind="budget", usd_per_day=0.5), {"usd_per_day": 0.0001}),
    "floor under a budget": (
        Objective(kind="budget", usd_per_request=0.002), {"quality_floor": 0.92}
    ),
    "floor over the route": (FLOORED, {"route_quality_floor": 0.9}),
    "another floor over the route": (
        Objective(kind="quality_floor", route_quality_floor=0.7), {"route_quality_floor": 0.92}
    ),
    "no floor over the route": (
        Objective(kind="value", usd_per_success=0.001, route_quality_floor=0.9),
        {"route_quality_floor": 0.0},
    ),
    "floor over the route under a wish": (
        Objective(kind="quality", quality="economy"), {"route_quality_floor": 0.93}
    ),
    "floor that nobody reaches": (FLOORED, {"quality_floor": 0.99}),
}  # fmt: skip


def taught(objective: Objective) -> Router:
    """Past evaluations of three, the dearer the better; nothing was asked yet."""
    wind = router(prices={CHEAP: 0.1, MID: 1.0, FLAGSHIP: 40.0}, objective=objective)
    past = [
        PastResult(task="default", deployment=name, success=rate, count=400.0)
        for name, rate in TRUTH.items()
    ]
    wind.operator.teach("default", "auto", past, strength=400.0, now=START)
    return wind


def imagine(wind: Router, **aims) -> WhatIfResult:
    return what_if(wind, "default", "auto", "default", {}, START + 1, Aims(**aims))


@pytest.mark.parametrize("case", OBJECTIVES)
def test_an_aim_is_imagined_as_it_would_be(case) -> None:
    objective, other = OBJECTIVES[case]
    now = taught(objective)
    then = imagine(taught(replace(objective, **other)))
    found = imagine(now, **other)
    assert found.weights_then == pytest.approx(then.weights_now, abs=1e-9)
    assert found.usd_then == pytest.approx(then.usd_now)
    assert found.success_then == pytest.approx(then.success_now)
    assert found.weights_now != pytest.approx(found.weights_then, abs=1e-3)


def test_a_higher_floor_costs_more_and_succeeds_more() -> None:
    low, high = (imagine(taught(FLOORED), quality_floor=floor) for floor in (0.7, 0.93))
    assert high.success_then > low.success_then
    assert high.usd_then > low.usd_then


def test_what_nobody_reaches_is_said() -> None:
    assert "out of reach" in imagine(taught(FLOORED), quality_floor=0.99).note_then
    assert "route quality floor" in imagine(taught(FLOORED), route_quality_floor=0.99).note_then


def test_no_other_aim_is_what_is() -> None:
    found = imagine(taught(FLOORED))
    assert found.weights_then == pytest.approx(found.weights_now)
    assert found.success_then == pytest.approx(found.success_now)


@pytest.mark.parametrize(
    "other", [{"quality_floor": 0.9}, {"usd_per_request": 1.0}, {"route_quality_floor": 0.9}]
)
def test_imagining_an_aim_leaves_the_policy_as_it_is(other) -> None:
    wind = taught(Objective(kind="budget", usd_per_request=0.001))
    state, objective = wind.to_state(), wind.routes["auto"].policy.aims
    imagine(wind, **other)
    assert wind.to_state() == state
    assert wind.routes["auto"].policy.aims == objective


@pytest.mark.parametrize(
    ("objective", "other", "said"),
    [
        (FLOORED, {"quality": "max"}, "imagine its quality_floor instead"),
        (Objective(kind="budget", usd_per_day=1.0), {"usd_per_request": 1.0}, "would have both"),
        (FLOORED, {"usd_per_day": 1.0, "usd_per_request": 1.0}, "would have both"),
    ],
)
def test_an_aim_that_the_objective_has_not_is_refused_in_words(objective, other, said) -> None:
    with pytest.raises(BadRequest, match=said):
        imagine(taught(objective), **other)


WISH = Objective(kind="quality", quality="high")


def test_a_floor_below_what_a_wish_gives_says_so_and_alone_it_is_the_cheapest() -> None:
    wind = taught(WISH)
    beside, alone = (
        imagine(wind, quality_floor=0.7),
        imagine(wind, quality_floor=0.7, by_floor=True),
    )
    assert beside.weights_then == beside.weights_now
    assert "by_floor shows the floor alone" in beside.note_then
    floored = taught(replace(FLOORED)).table("default", "auto", "default", START + 1)
    assert alone.weights_then == pytest.approx(
        dict(zip(floored.deployments, floored.weights, strict=True))
    )
    assert alone.usd_then < alone.usd_now
    assert alone.note_then == ""


def test_a_dearer_reference_that_loses_nothing_says_why() -> None:
    """A wish for quality is in multiples of what a success costs there."""
    wind = taught(Objective(kind="quality", quality="max"))
    dearer = {FLAGSHIP: {"input": 400.0, "output": 400.0}}
    found = what_if(wind, "default", "auto", "default", dearer, START + 1)
    assert found.weights_then == pytest.approx(found.weights_now, abs=1e-3)
    assert "usd_per_success bounds it" in found.note_then
    floored = what_if(taught(FLOORED), "default", "auto", "default", dearer, START + 1)
    assert floored.note_then == ""


def test_a_budget_that_moves_no_weights_is_told_and_a_floor_that_is_none_refused() -> None:
    assert "only stops a day's requests" in imagine(taught(WISH), usd_per_day=5.0).note_then
    with pytest.raises(BadRequest, match="has no floor"):
        imagine(taught(WISH), by_floor=True)


def test_a_policy_that_aims_at_nothing_says_so() -> None:
    wind = taught(FLOORED)
    route = replace(wind.routes["auto"], policy=RoundRobin())
    wind.adopt(wind.catalog.deployments.values(), {"auto": route})
    with pytest.raises(BadRequest, match="aims at nothing; leave it out"):
        imagine(wind, quality_floor=0.9)
