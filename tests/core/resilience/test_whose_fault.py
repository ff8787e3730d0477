"""What one request brings about is held against nobody, until others are told the same."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, MID
from windsock.core.model.calls import (
    AMBIGUOUS,
    LASTING,
    Attempt,
    AttemptReason,
    CallKind,
    CallResult,
    Outcome,
)
from windsock.core.model.decisions import About, Decision
from windsock.core.model.requests import Cell
from windsock.core.resilience.errors.repeats import MOST
from windsock.core.resilience.health import HealthBoard

DECISION = Decision(number=1, id="d", at=0.0, cell=Cell("default", "auto", "t"), table_version=1,
                    deployment=CHEAP, propensity=1.0, draw=0.0, requested_model="auto")  # fmt: skip


def ended(kind: CallKind, asked: int | None = None, at: str = CHEAP) -> CallResult:
    attempt = Attempt(number=0, deployment=at, reason=AttemptReason.FIRST)
    result = CallResult(attempt=attempt, kind=kind, latency_s=0.1)
    result.about = About(asked=asked)
    return result


def is_out(board: HealthBoard, at: str, now: float) -> bool:
    return board.why_out(at, at.partition("/")[0], now) is not None


def settled(board: HealthBoard, *results: CallResult, served: str | None, now: float) -> None:
    board.settle(
        Outcome(decision=DECISION, results=results, served=served, ok=served is not None,
                cost_usd=None, finished_at=now),
        now,
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(AMBIGUOUS))
def test_the_same_request_counts_once_wherever_it_fails(kind: CallKind) -> None:
    board = HealthBoard()
    marked = []
    for at in (CHEAP, MID) * 20:
        result = ended(kind, 7, at)
        board.record(result, 1.0)
        marked.append(result.about.is_repeat)
    assert marked == [False] + [True] * 39
    assert (board.failures_in_a_row(CHEAP), board.failures_in_a_row(MID)) == (1, 0)


@pytest.mark.parametrize("kind", [CallKind.UNREACHABLE, CallKind.OVERLOADED])
def test_no_request_makes_a_server_unreachable(kind: CallKind) -> None:
    board = HealthBoard()
    for _ in range(5):
        board.record(ended(kind, 7), 1.0)
    assert is_out(board, CHEAP, 1.0)


@pytest.mark.parametrize("asked", [range(5), [None] * 5])
def test_different_requests_count_each_and_so_do_those_of_which_nobody_says(asked) -> None:
    board = HealthBoard()
    for each in asked:
        board.record(ended(CallKind.SERVER_ERROR, each), 1.0)
    assert is_out(board, CHEAP, 1.0)


def test_once_another_answers_all_that_failed_it_are_at_fault_after_all() -> None:
    board = HealthBoard()
    for n in range(5):
        first, second = ended(CallKind.SERVER_ERROR, 7), ended(CallKind.SERVER_ERROR, 7, MID)
        board.record(first, n)
        board.record(second, n)
        assert second.about.is_repeat
        settled(board, first, second, ended(CallKind.ANSWERED, at="x/y"), served="x/y", now=n)
    assert is_out(board, CHEAP, 5.0)
    assert is_out(board, MID, 5.0)


def test_after_a_minute_the_same_request_tells_something_again() -> None:
    board = HealthBoard()
    for n in range(5):
        board.record(ended(CallKind.SERVER_ERROR, 7), 61.0 * n)
    assert is_out(board, CHEAP, 61.0 * 4)


def test_what_is_remembered_of_failed_requests_is_bounded() -> None:
    board = HealthBoard()
    for n in range(3 * MOST):
        board.record(ended(CallKind.SERVER_ERROR, n), 1.0)
    oldest = ended(CallKind.SERVER_ERROR, 0)
    board.record(oldest, 1.0)
    assert not oldest.about.is_repeat


def test_a_probe_by_a_request_that_failed_before_is_void() -> None:
    board = HealthBoard()
    for each in range(5):
        board.record(ended(CallKind.SERVER_ERROR, each), 0.0)
    board.begin(CHEAP, 12.0)
    assert "a probe is under way" in str(board.why_out(CHEAP, "acme", 12.0))
    board.record(ended(CallKind.SERVER_ERROR, 4), 12.1)
    assert not is_out(board, CHEAP, 12.2)


def test_one_that_answers_somebody_may_be_asked_for_want_of_others() -> None:
    board = HealthBoard()
    board.record(ended(CallKind.ANSWERED), 0.0)
    for each in range(5):
        board.record(ended(CallKind.SERVER_ERROR, each), 1.0)
    assert board.back_at(CHEAP, 1.0) == 1.0
    board.record(ended(CallKind.SERVER_ERROR, 9, MID), 1.0)
    for each in range(10, 15):
        board.record(ended(CallKind.SERVER_ERROR, each, MID), 2.0)
    assert board.back_at(MID, 2.0) == 2.0 + board.rules.retry_dead_s


@pytest.mark.parametrize("kind", sorted(LASTING))
def test_a_key_that_has_just_worked_is_not_refused_for_one_request(kind: CallKind) -> None:
    """That of a minute later is believed where others are told the same."""
    board = HealthBoard()
    board.record(ended(CallKind.ANSWERED), 0.0)
    for asked in range(8):
        board.record(ended(kind, asked), 9.0)
        assert not is_out(board, CHEAP, 9.0)
    board.record(ended(kind, 8), 10.5)
    assert is_out(board, CHEAP, 10.5)


def test_one_request_alone_is_not_believed_but_for_a_minute() -> None:
    board = HealthBoard()
    board.record(ended(CallKind.ANSWERED), 0.0)
    for now in (20.0, 40.0, 79.0):
        board.record(ended(CallKind.AUTH_FAILED, 7), now)
        assert not is_out(board, CHEAP, now)
    board.record(ended(CallKind.AUTH_FAILED, 7), 81.0)
    assert is_out(board, CHEAP, 81.0)


def test_an_answer_of_the_account_proves_its_key() -> None:
    board = HealthBoard()
    board.record(ended(CallKind.ANSWERED, at="acme/twin"), 0.0)
    for asked in range(3):
        board.record(ended(CallKind.AUTH_FAILED, asked), 5.0, ["acme/twin"])
    assert not is_out(board, CHEAP, 5.0)
    board.record(ended(CallKind.AUTH_FAILED, 3), 11.0, ["acme/twin"])
    assert is_out(board, CHEAP, 11.0)
    assert is_out(board, "acme/twin", 11.0)


@pytest.mark.parametrize("kind", sorted(LASTING))
def test_a_key_that_never_worked_is_refused_at_once(kind: CallKind) -> None:
    board = HealthBoard()
    board.record(ended(kind, 1), 0.0)
    assert is_out(board, CHEAP, 0.0)
