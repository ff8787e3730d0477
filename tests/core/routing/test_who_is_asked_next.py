"""After a failure another is drawn from the same weights, among those that can serve."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.builders import CHEAP, FLAGSHIP, MID, START, answered, failed, request, router
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.decisions import WeightTable
from windsock.core.resilience.concurrency import ConcurrencyLimits, ConcurrencyRules
from windsock.core.resilience.health import HealthBoard
from windsock.core.resilience.hedging import Hedging
from windsock.core.routing.router import Router
from windsock.core.routing.routes import Route
from windsock.core.routing.timing import ended_by_caller, first_limit_s

NAMES = (CHEAP, MID, FLAGSHIP)
CALL = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
MARKS = [(i + 0.5) / 1000 for i in range(1000)]


def weighed(wind: Router, *weights: float) -> WeightTable:
    table = wind.table("default", "auto", "default", START)
    return replace(table, deployments=NAMES, weights=weights)


def drawn(wind: Router, table: WeightTable, tried: set[str], last=None) -> Counter[str | None]:
    return Counter(wind.availability.redraw(table, mark, tried, last, START) for mark in MARKS)


def out(wind: Router, name: str, kind: CallKind = CallKind.SERVER_ERROR) -> None:
    for _ in range(5):
        wind.record(failed(replace(CALL, deployment=name), kind), START)


def test_another_is_drawn_by_its_share_of_what_is_left() -> None:
    wind = router()
    table = weighed(wind, 0.6, 0.3, 0.1)
    assert drawn(wind, table, set()) == {CHEAP: 600, MID: 300, FLAGSHIP: 100}
    assert drawn(wind, table, {CHEAP}) == {MID: 750, FLAGSHIP: 250}
    assert drawn(wind, table, {MID}) == pytest.approx({CHEAP: 857, FLAGSHIP: 143})
    assert drawn(wind, table, set(NAMES)) == {None: 1000}


def test_one_without_weight_is_asked_only_where_nothing_else_is_left() -> None:
    wind = router()
    table = weighed(wind, 0.5, 0.5, 0.0)
    assert FLAGSHIP not in drawn(wind, table, {CHEAP})
    assert drawn(wind, table, {CHEAP, MID}) == {FLAGSHIP: 1000}
    assert wind.availability.redraw(table, 0.0, {MID}, None, START) == CHEAP


def test_one_that_is_out_is_the_last_resort() -> None:
    wind = router()
    out(wind, MID)
    table = weighed(wind, 0.2, 0.7, 0.1)
    assert drawn(wind, table, {CHEAP}) == {FLAGSHIP: 1000}
    single = failed(CALL)
    assert drawn(wind, table, {CHEAP, FLAGSHIP}, single) == {MID: 1000}
    out(wind, CHEAP)
    assert drawn(wind, table, {CHEAP, FLAGSHIP}, single) == {None: 1000}


def test_one_that_is_known_to_refuse_is_no_resort_at_all() -> None:
    wind = router()
    out(wind, MID, CallKind.OUT_OF_CREDIT)
    table = weighed(wind, 0.2, 0.7, 0.1)
    assert drawn(wind, table, {CHEAP, FLAGSHIP}, failed(CALL)) == {None: 1000}


def test_who_left_the_catalog_or_is_full_is_not_asked() -> None:
    wind = router(limits=ConcurrencyLimits({"bolt": ConcurrencyRules(max_concurrent=1)}))
    table = weighed(wind, 0.2, 0.7, 0.1)
    wind.limits.begin("bolt")
    assert MID not in drawn(wind, table, {CHEAP})
    wind.catalog.adopt([wind.catalog.deployments[name] for name in (CHEAP, MID)])
    assert drawn(wind, table, {CHEAP}) == {None: 1000}
    assert wind.availability.provider(FLAGSHIP) == "core", "of one that has left as well"


def test_who_stands_in_for_a_full_one_is_told_from_who_was_drawn() -> None:
    wind = router(
        prices={CHEAP: 1.0, MID: 1.0},
        limits=ConcurrencyLimits({"acme": ConcurrencyRules(max_concurrent=1)}),
    )
    wind.limits.begin("acme")
    reasons = Counter()
    for _ in range(40):
        exchange = wind.open(request(), START)
        attempt = exchange.next_attempt(START)
        assert attempt is not None and attempt.deployment == MID
        reasons[exchange.decision.deployment, attempt.reason] += 1
        exchange.report(answered(attempt), START)
    assert set(reasons) == {(CHEAP, AttemptReason.FALLBACK), (MID, AttemptReason.FIRST)}


def record(board: HealthBoard, kinds: str, now: float, every_s: float = 0.0) -> float:
    """Calls one after the other, `x` failing and `.` answered; when the last was."""
    for i, each in enumerate(kinds):
        kind = CallKind.SERVER_ERROR if each == "x" else CallKind.ANSWERED
        board.record(failed(CALL, kind), now + i * every_s)
    return now + (len(kinds) - 1) * every_s


def test_an_answer_ends_a_row_of_failures() -> None:
    board = HealthBoard()
    record(board, "xxxx.xxxx.xxxx", START)
    assert board.why_out(CHEAP, "acme", START) is None
    assert board.tallies(CHEAP) == (2, 12)


def test_only_the_last_ten_seconds_make_a_rate() -> None:
    board = HealthBoard()
    later = record(board, "xx." * 6, START) + 10.5
    record(board, "...x" * 8, later)
    assert board.why_out(CHEAP, "acme", later) is None
    record(board, "xx.x" * 8, later)
    assert board.why_out(CHEAP, "acme", later) is not None


def test_a_probe_that_succeeds_forgives_all_earlier_ejections() -> None:
    board = HealthBoard()
    for now, pause_s in ((START, 10.0), (START + 11.0, 15.0)):
        record(board, "xxxxx", now)
        assert board.cooldown_until(CHEAP) == now + pause_s
    later = START + 92.0
    before = board.version
    (shift,) = board.record(answered(CALL), later)
    assert (shift.kind, shift.deployment, shift.at) == ("cooldown.ended", CHEAP, later)
    assert board.version > before
    record(board, "xxxxx", later + 1.0)
    assert board.cooldown_until(CHEAP) == later + 1.0 + 10.0


@pytest.mark.parametrize(
    ("kind", "pause_s"),
    [
        (CallKind.RATE_LIMITED, 5.0),
        (CallKind.AUTH_FAILED, 30.0),
        (CallKind.OUT_OF_CREDIT, 600.0),
        (CallKind.MODEL_GONE, 3600.0),
    ],
)
def test_a_refusal_that_will_last_keeps_it_out_for_its_time(kind: CallKind, pause_s) -> None:
    board = HealthBoard()
    (shift,) = board.record(failed(CALL, kind), START)
    assert board.cooldown_until(CHEAP) == START + pause_s
    assert (shift.facts["reason"], shift.facts["ejections"]) == (kind.value, 0)


def test_a_call_is_late_a_fifth_over_the_95th_of_its_last_times() -> None:
    hedging = Hedging()
    for i in range(19):
        hedging.observe(CHEAP, float(i), is_stream=False)
    assert hedging.late_after_s(CHEAP, is_stream=False) is None
    hedging.observe(CHEAP, 19.0, is_stream=False)
    assert hedging.late_after_s(CHEAP, is_stream=False) == pytest.approx(1.2 * 18.0)
    for _ in range(9):
        hedging.observe(CHEAP, 100.0, is_stream=False)
    assert hedging.late_after_s(CHEAP, is_stream=False) == pytest.approx(1.2 * 18.0), "kept so far"
    hedging.observe(CHEAP, 100.0, is_stream=False)
    assert hedging.late_after_s(CHEAP, is_stream=False) == pytest.approx(1.2 * 100.0)
    for _ in range(200):
        hedging.observe(CHEAP, 1.0, is_stream=False)
    assert hedging.late_after_s(CHEAP, is_stream=False) == pytest.approx(1.2), "the last 200"
    assert hedging.late_after_s(CHEAP, is_stream=True) is None
    assert hedging.late_after_s(MID, is_stream=False) is None


def limits(first_byte_s: float, answer_s: float) -> Route:
    policy = router().routes["auto"].policy
    return Route(
        name="r", candidates=(), policy=policy, first_byte_s=first_byte_s, answer_s=answer_s
    )


def test_a_plain_answer_has_no_longer_for_its_head_than_for_all_of_it() -> None:
    plain, stream = request(), request(is_stream=True)
    assert first_limit_s(limits(60.0, 20.0), plain, None) == 20.0
    assert first_limit_s(limits(60.0, 20.0), stream, None) == 60.0
    assert first_limit_s(limits(10.0, 20.0), plain, None) == 10.0
    assert first_limit_s(limits(60.0, 20.0), stream, 5.0) == 5.0


@pytest.mark.parametrize(
    ("is_stream", "first_byte_s", "latency_s", "is_callers"),
    [
        (False, None, 59.0, True),
        (False, None, 60.0, False),
        (False, 1.0, 119.0, True),
        (False, 1.0, 120.0, False),
        (True, 1.0, 500.0, True),
        (True, None, 60.0, False),
    ],
)
def test_whose_patience_ended_a_call(is_stream, first_byte_s, latency_s, is_callers) -> None:
    route, asked = limits(60.0, 120.0), request(is_stream=is_stream)
    facts = {"latency_s": latency_s, "first_byte_s": first_byte_s}
    late = failed(CALL, CallKind.TIMED_OUT, **facts)
    assert ended_by_caller(route, asked, late, 0.0) is is_callers
    assert not ended_by_caller(route, asked, late, 0.1), "there was time left"
    assert not ended_by_caller(route, asked, late, None)
    assert not ended_by_caller(route, asked, failed(CALL, **facts), 0.0)
