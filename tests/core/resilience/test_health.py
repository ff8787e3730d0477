"""The health board: who is left alone, for how long, and how it comes back."""

import math
import re

import pytest

from windsock.core.model.calls import (
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Out,
    Verdict,
)
from windsock.core.model.decisions import About
from windsock.core.model.ticks import HealthReport, HealthState
from windsock.core.model.units import Usage
from windsock.core.resilience.health import HealthBoard, Latency
from windsock.core.resilience.measures import MOST_ROUTES
from windsock.core.resilience.rules import HealthRules

NAME, PROVIDER = "acme/small", "acme"


def result(kind: CallKind, **facts) -> CallResult:
    attempt = Attempt(number=0, deployment=NAME, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=kind, **{"latency_s": 0.1, **facts})


def of_route(route: str, first_byte_s: float) -> CallResult:
    answer = result(CallKind.ANSWERED, first_byte_s=first_byte_s)
    answer.about = About(route=route)
    return answer


def fail(board: HealthBoard, times: int, now: float) -> None:
    for _ in range(times):
        board.record(result(CallKind.SERVER_ERROR, status=500), now)


def test_four_failures_in_a_row_are_forgiven_and_five_are_not() -> None:
    board = HealthBoard()
    fail(board, 4, 0.0)
    assert board.why_out(NAME, PROVIDER, 0.0) is None
    fail(board, 1, 0.0)
    assert "server error" in board.why_out(NAME, PROVIDER, 0.0)


def test_half_of_twenty_calls_failing_ejects_though_never_five_in_a_row() -> None:
    board = HealthBoard()
    for i in range(20):
        kind = CallKind.SERVER_ERROR if i % 2 else CallKind.ANSWERED
        board.record(result(kind), i * 0.1)
    assert board.why_out(NAME, PROVIDER, 2.0) is not None


def test_each_ejection_lasts_longer_than_the_one_before() -> None:
    board = HealthBoard()
    fail(board, 5, 0.0)
    assert board.cooldown_until(NAME) == 10.0
    fail(board, 1, 11.0)
    assert board.cooldown_until(NAME) == 11.0 + 15.0
    for now in (27.0, 43.0, 59.0):
        fail(board, 1, now)
        assert board.cooldown_until(NAME) == now + 15.0, "one that is well again is back so soon"


def test_after_the_cooldown_one_probe_is_let_through_and_its_success_closes_the_breaker() -> None:
    board = HealthBoard()
    fail(board, 5, 0.0)
    assert board.state_of(NAME, PROVIDER, 31.0) == "half_open"
    assert board.why_out(NAME, PROVIDER, 31.0) is None
    board.begin(NAME, 31.0)
    assert "probe" in board.why_out(NAME, PROVIDER, 31.1)
    board.record(result(CallKind.ANSWERED), 31.5)
    assert board.why_out(NAME, PROVIDER, 31.6) is None
    assert board.state_of(NAME, PROVIDER, 31.6) == "closed"


def test_a_rate_limit_is_a_cooldown_for_as_long_as_the_provider_says_and_no_failure() -> None:
    board = HealthBoard()
    board.record(result(CallKind.RATE_LIMITED, status=429, retry_after_s=7.0), 100.0)
    assert board.cooldown_until(NAME) == 107.0
    assert board.tallies(NAME) == (0, 0)
    assert not board.is_worth_a_try(NAME, 101.0)


def test_errors_of_the_caller_never_count() -> None:
    board = HealthBoard()
    for _ in range(50):
        board.record(result(CallKind.CALLER_ERROR, status=400), 0.0)
    assert board.why_out(NAME, PROVIDER, 0.0) is None


def test_a_status_feed_takes_a_deployment_out_and_back_and_its_word_grows_old() -> None:
    board = HealthBoard()
    report = HealthReport(subject=PROVIDER, feed="status", state=HealthState.DOWN, seen_at=0.0)
    (shift,) = board.absorb(report, 0.0)
    assert shift.kind == "health.changed"
    assert "reports it down" in board.why_out(NAME, PROVIDER, 1.0)
    assert board.why_out(NAME, PROVIDER, 1000.0) is None


def test_unknown_is_never_down() -> None:
    board = HealthBoard()
    report = HealthReport(subject=PROVIDER, feed="status", state=HealthState.UNKNOWN, seen_at=0.0)
    board.absorb(report, 0.0)
    assert board.why_out(NAME, PROVIDER, 1.0) is None


def test_the_version_moves_only_when_an_answer_does() -> None:
    board = HealthBoard()
    board.record(result(CallKind.ANSWERED, first_byte_s=0.2), 0.0)
    assert board.version == 0
    fail(board, 5, 1.0)
    assert board.version == 1


def test_latency_percentiles_forget_old_samples() -> None:
    board = HealthBoard()
    for i in range(100):
        board.record(result(CallKind.ANSWERED, first_byte_s=i / 1000), 0.0)
    assert board.latency(NAME, 1.0).p95_s == 0.094
    assert board.latency(NAME, 10_000.0).p95_s is None


def test_an_answer_that_was_read_slowly_tells_of_no_speed_and_began_when_it_did() -> None:
    board, used = HealthBoard(), Usage(output_tokens=100)
    for held_s in (0.0, 0.1, 60.0):
        board.record(result(CallKind.ANSWERED, latency_s=2.0, held_s=held_s, usage=used), 70.0)
    assert [speed for _, speed in board.of(NAME).measures.whole.speeds] == [50.0, 50.0]
    fail(board, 5, 100.0)
    now = board.cooldown_until(NAME) + 1
    board.begin(NAME, now)
    board.record(result(CallKind.ANSWERED, latency_s=0.1, held_s=60.0), now)
    assert board.state_of(NAME, PROVIDER, now) == "half_open"


def send(board: HealthBoard, per_s: float, begin: float, end: float, limit: float) -> int:
    """Steady traffic whenever it may be drawn; a provider that takes `limit` calls a minute."""
    now, refused, sent = begin, 0, []
    while now < end:
        if board.why_out(NAME, PROVIDER, now) is None:
            board.begin(NAME, now)
            sent = [at for at in sent if at > now - 60.0]
            is_over = len(sent) >= limit
            refused += is_over
            sent += [] if is_over else [now]
            kind = CallKind.RATE_LIMITED if is_over else CallKind.ANSWERED
            board.record(result(kind, retry_after_s=10.0 if is_over else None), now)
        now += 1 / per_s
    return refused


def caps_told(board: HealthBoard, begin: float) -> list[float]:
    """Calls a minute that it says to be the learnt cap, in a minute of 300 calls that answer."""
    told = []
    for i in range(300):
        now = begin + i / 5
        reason = board.why_out(NAME, PROVIDER, now)
        if reason is None:
            board.begin(NAME, now)
            board.record(result(CallKind.ANSWERED), now)
        elif found := re.search(r"learnt cap of (\d+) calls a minute", reason):
            told.append(float(found[1]))
    return told


def test_a_rate_limit_teaches_the_traffic_that_a_provider_takes() -> None:
    board, untaught = HealthBoard(), HealthBoard(HealthRules(cap_calls=math.inf))
    refused = send(board, 5.0, 0.0, 3600.0, limit=100)
    assert caps_told(board, 3600.0)[0] == pytest.approx(100, rel=0.4)
    assert refused <= 0.4 * send(untaught, 5.0, 0.0, 3600.0, limit=100)


def test_a_deployment_at_its_cap_says_so_and_comes_back() -> None:
    board = HealthBoard()
    send(board, 5.0, 0.0, 120.0, limit=100)
    out = [board.why_out(NAME, PROVIDER, at) for at in range(120, 121)]
    now = 120.0
    while not any(reason and "learnt cap" in reason for reason in out):
        if board.why_out(NAME, PROVIDER, now) is None:
            board.begin(NAME, now)
            board.record(result(CallKind.ANSWERED), now)
        now += 0.1
        out.append(board.why_out(NAME, PROVIDER, now))
        assert now < 300
    assert board.why_out(NAME, PROVIDER, now + 60.0) is None


def test_a_few_calls_that_are_refused_teach_nothing_and_a_cap_is_lifted_in_time() -> None:
    board = HealthBoard()
    board.begin(NAME, 0.0)
    board.record(result(CallKind.RATE_LIMITED), 0.0)
    assert caps_told(board, 10.0) == []
    send(board, 5.0, 100.0, 300.0, limit=100)
    assert caps_told(board, 301.0)
    assert caps_told(board, 301.0 + 3600.0) == []


def test_a_provider_known_to_be_away_is_spared_the_probe_but_not_for_ever() -> None:
    board = HealthBoard()
    fail(board, 5, 0.0)
    for now in range(0, 400, 5):
        board.hear(NAME, float(now), is_there=False)
    assert board.why_out(NAME, PROVIDER, 299.0)
    assert board.why_out(NAME, PROVIDER, 301.0) is None


def test_a_provider_that_comes_back_is_half_open_at_once_and_one_that_never_left_is_not() -> None:
    board = HealthBoard()
    fail(board, 5, 0.0)
    assert board.hear(NAME, 1.0, is_there=True) == []
    board.hear(NAME, 2.0, is_there=False)
    (shift,) = board.hear(NAME, 3.0, is_there=True)
    assert shift.kind == "cooldown.cut_short"
    assert board.state_of(NAME, PROVIDER, 3.0) == "half_open"
    assert board.hear(NAME, 4.0, is_there=True) == []


def test_an_answer_to_a_call_made_before_the_ejection_does_not_end_it() -> None:
    board = HealthBoard()
    fail(board, 5, 10.0)
    board.record(result(CallKind.ANSWERED, latency_s=5.0), 12.0)
    assert board.state_of(NAME, PROVIDER, 12.0) == "open"
    board.record(result(CallKind.ANSWERED, latency_s=1.0), 12.0)
    assert board.state_of(NAME, PROVIDER, 12.0) == "closed"


def test_of_one_that_was_never_called_nothing_is_held_against_it() -> None:
    board = HealthBoard()
    assert board.state_of(NAME, PROVIDER, 0.0) == "closed"
    assert board.tallies(NAME) == (0, 0)
    assert board.cooldown_until(NAME) == 0.0
    assert board.latency(NAME, 0.0) == Latency(p50_s=None, p95_s=None, samples=0)
    assert board.failing(0.0) == []
    assert board.hear(NAME, 0.0, is_there=False) == []


def test_fewer_failures_than_half_eject_nobody() -> None:
    board = HealthBoard()
    for i in range(100):
        kind = CallKind.SERVER_ERROR if i % 5 < 2 else CallKind.ANSWERED
        assert board.record(result(kind), i * 0.05) == []
    assert board.why_out(NAME, PROVIDER, 5.0) is None


def test_ten_samples_are_enough_for_a_latency_and_ten_minutes_keep_them() -> None:
    board = HealthBoard()
    for i in range(9):
        board.record(result(CallKind.ANSWERED, first_byte_s=0.1 * i), 0.0)
    assert board.latency(NAME, 0.0) == Latency(p50_s=None, p95_s=None, samples=9)
    board.record(result(CallKind.ANSWERED, first_byte_s=0.9), 1.0)
    found = board.latency(NAME, 600.0)
    assert (found.p50_s, found.p95_s) == (pytest.approx(0.4), pytest.approx(0.9))
    assert found.samples == 10
    assert board.latency(NAME, 600.5).samples == 1


def test_whoever_keeps_an_answer_is_told_of_every_change_of_it() -> None:
    board = HealthBoard()
    seen = [board.version]

    def changed() -> bool:
        seen.append(board.version)
        return seen[-1] > seen[-2]

    fail(board, 5, 0.0)
    assert changed()
    assert board.failing(1.0) == [NAME]
    board.hear(NAME, 9.0, is_there=False)
    assert changed(), "out for longer"
    (shift,) = board.hear(NAME, 12.0, is_there=True)
    assert changed(), "back early"
    assert (shift.deployment, shift.at) == (NAME, 12.0)
    assert board.failing(12.0) == []
    for state in (HealthState.DOWN, HealthState.UP):
        report = HealthReport(subject=PROVIDER, feed="status", state=state, seen_at=22.0)
        (word,) = board.absorb(report, 22.0)
        assert (word.deployment, word.at) == (PROVIDER, 22.0)
        assert changed()
        assert board.absorb(report, 22.0) == []
        assert not changed(), "the same word again"


def test_a_cooldown_names_who_and_why() -> None:
    board = HealthBoard()
    fail(board, 4, 0.0)
    (shift,) = board.record(result(CallKind.SERVER_ERROR, status=503), 0.0)
    assert (shift.kind, shift.deployment, shift.at) == ("cooldown.began", NAME, 0.0)
    assert shift.facts == {
        "reason": "server_error",
        "status": 503,
        "cooldown_s": 10.0,
        "ejections": 1,
    }


def test_one_that_a_key_or_a_limit_keeps_out_is_not_failing() -> None:
    board = HealthBoard()
    board.record(result(CallKind.AUTH_FAILED, status=401), 0.0)
    assert board.why_out(NAME, PROVIDER, 1.0) is not None
    assert board.failing(1.0) == []
    assert board.hear(NAME, 1.0, is_there=False) == []
    assert board.cooldown_until(NAME) == 30.0


OTHER = "acme/large"


def at(name: str, kind: CallKind, **facts) -> CallResult:
    attempt = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=kind, **{"latency_s": 0.1, **facts})


def verdict(kind: CallKind, out: Out) -> Verdict:
    return Verdict(kind=kind, out=out)


@pytest.mark.parametrize("kind", [CallKind.AUTH_FAILED, CallKind.OUT_OF_CREDIT])
def test_an_account_that_refuses_takes_all_its_deployments_out_and_an_answer_brings_them_back(
    kind: CallKind,
) -> None:
    board = HealthBoard()
    (event,) = board.record(at(NAME, kind), 0.0, (OTHER,))
    assert event.facts["with"] == [OTHER]
    until = board.cooldown_until(NAME)
    assert board.cooldown_until(OTHER) == until > 0.0
    assert board.cause(OTHER, 1.0) is kind
    board.record(at(OTHER, CallKind.ANSWERED), until + 1.0)
    assert board.state_of(NAME, PROVIDER, until + 1.0) == "closed"


def test_what_one_request_cannot_pay_takes_nothing_out_until_no_request_can() -> None:
    board = HealthBoard()
    poor = at(NAME, CallKind.OUT_OF_CREDIT, refusal=verdict(CallKind.OUT_OF_CREDIT, Out.REQUEST))
    for _ in range(4):
        assert board.record(poor, 0.0, (OTHER,)) == []
    board.record(at(NAME, CallKind.ANSWERED), 0.0)
    for _ in range(4):
        assert board.record(poor, 0.0, (OTHER,)) == []
    assert board.why_out(NAME, PROVIDER, 0.0) is None
    board.record(poor, 0.0, (OTHER,))
    assert board.why_out(NAME, PROVIDER, 0.0) is not None
    assert board.why_out(OTHER, PROVIDER, 0.0) is not None


@pytest.mark.parametrize("seconds", [9e99, math.inf, 40 * 86400.0])
@pytest.mark.parametrize("kind", [CallKind.RATE_LIMITED, CallKind.OUT_OF_CREDIT])
def test_nobodys_word_takes_a_deployment_out_for_years(kind: CallKind, seconds: float) -> None:
    board = HealthBoard()
    board.record(at(NAME, kind, retry_after_s=seconds), 0.0)
    assert board.cooldown_until(NAME) == HealthRules().max_pause_s


@pytest.mark.parametrize("seconds", [math.nan, -5.0])
def test_a_delay_that_is_none_is_no_cooldown(seconds: float) -> None:
    board = HealthBoard()
    board.record(at(NAME, CallKind.RATE_LIMITED, retry_after_s=seconds), 0.0)
    assert board.why_out(NAME, PROVIDER, 0.0) is None


def test_a_server_error_that_names_a_time_is_left_alone_until_then() -> None:
    board = HealthBoard()
    board.record(result(CallKind.OVERLOADED, status=503, retry_after_s=7.0), 0.0)
    assert board.cooldown_until(NAME) == 7.0
    assert not board.is_worth_a_try(NAME, 1.0), "it said so itself"


def test_a_probe_that_must_be_waited_for_is_made_a_third_of_the_time_at_most() -> None:
    board = HealthBoard()
    for _ in range(5):
        board.record(result(CallKind.TIMED_OUT, latency_s=60.0), 0.0)
    assert board.cooldown_until(NAME) == 120.0


def test_one_that_fails_every_call_is_drawn_now_and_then_when_all_others_are_out() -> None:
    board = HealthBoard()
    fail(board, 5, 0.0)
    assert board.back_at(NAME, 0.0) == 3.0
    before = board.version
    board.begin(NAME, 3.0)
    assert board.version > before, "who is to be drawn has changed"
    fail(board, 1, 3.1)
    assert board.back_at(NAME, 3.1) == 6.0
    assert board.next_change_at([NAME], 3.1) == 6.0
    board.record(result(CallKind.ANSWERED), 6.0)
    assert board.why_out(NAME, PROVIDER, 6.0) is None


def test_one_that_fails_half_of_the_calls_is_drawn_at_any_time_when_all_others_are_out() -> None:
    board = HealthBoard()
    for i in range(20):
        board.record(result(CallKind.SERVER_ERROR if i % 2 else CallKind.ANSWERED), i * 0.1)
    assert board.why_out(NAME, PROVIDER, 2.0) is not None
    assert board.back_at(NAME, 2.0) == 2.0


def test_one_that_a_limit_keeps_out_is_not_drawn_before_its_time() -> None:
    board = HealthBoard()
    board.record(result(CallKind.RATE_LIMITED, retry_after_s=7.0), 0.0)
    assert board.back_at(NAME, 1.0) == 7.0
    assert board.back_at(OTHER, 1.0) == 1.0


def test_a_route_goes_by_its_own_times_once_they_are_enough() -> None:
    board = HealthBoard()
    for n in range(300):
        board.record(of_route("batch", 3.0), n * 0.1)
        if n % 20 == 0:
            board.record(of_route("chat", 0.1), n * 0.1)
        seen = board.latency(NAME, n * 0.1, "chat").p95_s
        assert seen is None or seen == (0.1 if n >= 180 else 3.0)
    assert board.latency(NAME, 30.0, "batch").p95_s == 3.0
    assert board.latency(NAME, 30.0, "new").p95_s == 3.0
    assert board.latency(NAME, 30.0).p95_s == 3.0


def test_times_of_routes_are_bounded() -> None:
    board = HealthBoard()
    for n in range(100):
        board.record(of_route(f"r{n}", 0.1), 1.0)
    assert len(board.of(NAME).measures.own) == MOST_ROUTES
