"""A rate limit without a delay, where others are answered: it may not meet the next call."""

from __future__ import annotations

import pytest

from windsock.core.model.calls import LASTING, Attempt, AttemptReason, CallKind, CallResult
from windsock.core.resilience.errors.proofs import LIMITS_BELIEVED, PROVEN_S
from windsock.core.resilience.health import HealthBoard

NAME = "acme/m"


def ended(kind: CallKind, retry_after_s: float | None = None) -> CallResult:
    attempt = Attempt(number=0, deployment=NAME, reason=AttemptReason.FIRST)
    return CallResult(attempt=attempt, kind=kind, latency_s=0.1, retry_after_s=retry_after_s)


def answering(calls: int = 60) -> HealthBoard:
    """One that answered a call a second until now, which is second 0."""
    board = HealthBoard()
    for second in range(-calls, 1):
        board.begin(NAME, second)
        board.record(ended(CallKind.ANSWERED), second)
    return board


def limited(board: HealthBoard, now: float, retry_after_s: float | None = None) -> bool:
    """Whether it is left alone after one more limit."""
    board.begin(NAME, now)
    board.record(ended(CallKind.RATE_LIMITED, retry_after_s), now)
    return board.why_out(NAME, "acme", now) is not None


def test_one_limit_beside_answers_takes_nothing_out_and_teaches_no_cap() -> None:
    board = answering()
    for second in range(1, 200, 2):
        assert not limited(board, second)
        board.record(ended(CallKind.ANSWERED), second + 0.5)
    assert board.of(NAME).cap.per_min(200.0) == float("inf")


def test_some_in_a_row_are_believed_and_teach_a_cap() -> None:
    board = answering()
    told = [limited(board, 1.0 + i / 10) for i in range(LIMITS_BELIEVED)]
    assert told == [False] * (LIMITS_BELIEVED - 1) + [True]
    assert board.of(NAME).cap.per_min(2.0) < 60.0


def test_where_no_other_is_left_it_is_asked_all_the_same_while_it_answers() -> None:
    board = answering()
    for i in range(LIMITS_BELIEVED):
        limited(board, 1.0 + i / 10)
    assert board.is_worth_a_try(NAME, 2.0)
    assert board.back_at(NAME, 2.0) == 2.0


@pytest.mark.parametrize("board", [answering(), HealthBoard()])
def test_who_has_not_answered_lately_is_left_alone_but_for_want_of_others(board) -> None:
    """Until it has refused some in a row: how long it is left alone is a guess."""
    late = PROVEN_S + 1.0
    for place in range(LIMITS_BELIEVED):
        assert limited(board, late + place)
        assert board.is_worth_a_try(NAME, late + place + 0.1) == (place < LIMITS_BELIEVED - 1)
    board.record(ended(CallKind.ANSWERED), late + 10.0)
    assert limited(board, late + 10.0 + PROVEN_S + 1.0)
    assert board.is_worth_a_try(NAME, late + 10.0 + PROVEN_S + 1.1)


def test_a_delay_that_it_names_is_kept_whoever_was_answered() -> None:
    board = answering()
    assert limited(board, 1.0, retry_after_s=7.0)
    assert not board.is_worth_a_try(NAME, 7.9)
    assert board.why_out(NAME, "acme", 8.1) is None


def test_a_delay_of_no_seconds_names_none() -> None:
    board = answering()
    told = [limited(board, 1.0 + i / 10, retry_after_s=0.0) for i in range(LIMITS_BELIEVED)]
    assert not any(told)
    assert board.of(NAME).cap.per_min(2.0) < 60.0


@pytest.mark.parametrize("kind", sorted(LASTING))
def test_what_a_person_mends_is_looked_at_where_no_other_is_left(kind: CallKind) -> None:
    """Credit that was bought and a model that was set up are found within half a minute."""
    board = HealthBoard()
    board.begin(NAME, 0.0)
    board.record(ended(kind), 0.0)
    assert [board.back_at(NAME, now) for now in (1.0, 29.0, 30.0, 31.0)] == [30.0, 30.0, 30.0, 31.0]
    before = board.version
    board.begin(NAME, 31.0)
    assert board.version > before  # tables are made anew: one looks, not all
    board.record(ended(kind), 31.1)
    assert board.back_at(NAME, 32.0) == pytest.approx(61.1)
    board.begin(NAME, 62.0)
    board.record(ended(CallKind.ANSWERED), 62.1)
    assert board.why_out(NAME, "acme", 62.1) is None


def test_a_delay_that_an_account_names_is_kept_too() -> None:
    board = HealthBoard()
    board.record(ended(CallKind.OUT_OF_CREDIT, retry_after_s=500.0), 0.0)
    assert board.back_at(NAME, 100.0) == 500.0
