"""Who is measured to be slower than the caller prefers is asked last."""

from dataclasses import replace

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, request, router, run
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.decisions import About
from windsock.core.model.requests import Preferences
from windsock.core.routing.router import Router

CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)


def measured(**first_byte_s: float) -> Router:
    made = router()
    for name, seconds in zip((CHEAP, MID, FLAGSHIP), first_byte_s.values(), strict=True):
        for _ in range(40):
            call = replace(CALL, deployment=name)
            made.record(answered(call, first_byte_s=seconds, latency_s=seconds + 1), START)
    return made


def asked(most_s: float):
    return request(preferences=Preferences(latency_cutoffs=((0.5, most_s),)))


def test_the_slow_get_no_weight_and_the_draw_stays_exact() -> None:
    made = measured(cheap=3.0, mid=0.1, flagship=0.1)
    exchange = made.open(asked(1.0), START)
    weights = dict(zip(exchange.table.deployments, exchange.table.weights, strict=True))
    assert weights[CHEAP] == 0.0
    assert abs(sum(weights.values()) - 1.0) < 1e-12
    assert exchange.decision.propensity == weights[exchange.decision.deployment]


def test_the_slow_are_asked_when_nobody_else_answers() -> None:
    made = measured(cheap=3.0, mid=0.1, flagship=0.1)
    called = run(made.open(asked(1.0), START), START, CallKind.BAD_ANSWER, CallKind.BAD_ANSWER)
    assert set(called[:2]) == {MID, FLAGSHIP}
    assert called[2:] == [CHEAP]


def test_where_all_are_slow_or_none_is_measured_nothing_changes() -> None:
    for made in (measured(cheap=3.0, mid=3.0, flagship=3.0), router()):
        plain = made.open(request(), START).table.weights
        assert made.open(asked(1.0), START).table.weights == plain


def of_two_routes() -> Router:
    """Of `auto` the cheap one answers at once; a batch of long prompts there takes long."""
    made = router()
    for name, own_s, others_s in ((CHEAP, 0.1, 30.0), (MID, 0.5, 0.5), (FLAGSHIP, 0.5, 0.5)):
        for route, seconds, calls in (("batch", others_s, 80), ("auto", own_s, 12)):
            for _ in range(calls):
                call = answered(
                    replace(CALL, deployment=name), first_byte_s=seconds, latency_s=seconds + 1
                )
                call.about = About(route=route)
                made.record(call, START)
    return made


def test_a_batch_on_another_route_makes_nobody_slow_for_this_one() -> None:
    made, plain = of_two_routes(), router().open(request(), START).table.weights
    assert made.open(asked(1.0), START).table.weights == plain
    quick = Preferences(speed_cutoffs=((0.5, 20.0),))
    assert made.open(request(preferences=quick), START).table.weights == plain


def test_sorting_goes_by_the_calls_of_the_route() -> None:
    made = of_two_routes()
    for by in ("latency", "throughput"):
        wish = Preferences(sort=by)
        assert made.open(request(preferences=wish), START).decision.deployment == CHEAP, by


def test_a_route_that_has_few_calls_goes_by_all() -> None:
    made = of_two_routes()
    wish = Preferences(latency_cutoffs=((0.5, 1.0),))
    table = made.open(request(model=CHEAP, models=(CHEAP, MID), preferences=wish), START).table
    assert table.deployments == (MID,), "nobody asked for it by its name so far"
