"""A request that nobody answers may be at fault itself; once somebody answers it, it was not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.builders import CHEAP, MID, START, answered, failed, request, router
from tests.core.resilience.test_whose_fault import DECISION
from windsock.core.model.calls import (
    AMBIGUOUS,
    FAILURES,
    Attempt,
    AttemptReason,
    CallKind,
    Outcome,
)
from windsock.core.model.decisions import About
from windsock.core.model.requests import Preferences
from windsock.core.replicas.contributions import Kind
from windsock.core.resilience.errors.lost import LostRequests
from windsock.core.resilience.errors.repeats import KEPT_S, MOST


class Told:
    """A router, and what it tells other replicas of failures that count: whose, and how many."""

    def __init__(self, **facts: Any) -> None:
        self.router = router(**facts)
        self.failed: Counter[str] = Counter()
        self.router.learner.share(self._hear)

    def _hear(self, kind: Kind, key: tuple[str, ...], values: tuple[float, ...], _: float) -> None:
        if kind is Kind.FAILED:
            self.failed[key[3]] += round(values[0])

    def ask(self, body: bytes, *failures: CallKind, at: float = START, down: str = "") -> list[str]:
        """Whom it asks for this, the first of whom fail so, and who is down always."""
        called, kinds = [], list(failures)
        exchange = self.router.open(request(), at)
        exchange.calls.body = body
        while (attempt := exchange.next_attempt(at)) is not None:
            called.append(attempt.deployment)
            kind = CallKind.SERVER_ERROR if attempt.deployment == down else None
            kind = kinds.pop(0) if kinds else kind
            exchange.report(failed(attempt, kind) if kind else answered(attempt), at)
        exchange.outcome(at)
        return called

    def first_alone(
        self,
        body: bytes,
        *,
        at: float,
        fails: str = "",
        only: tuple[str, ...] = (),
        kind: CallKind = CallKind.BROKEN,
    ) -> bool:
        """Whether it failed where it was asked first: nobody else is asked."""
        exchange = self.router.open(request(preferences=Preferences(only=only)), at)
        exchange.calls.body = body
        attempt = exchange.next_attempt(at)
        is_lost = fails in ("all", attempt.deployment)
        result = failed(attempt, kind) if is_lost else answered(attempt)
        exchange.report(result, at)
        exchange.outcome(at)
        return is_lost

    def lose(self, body: bytes, *, at: float = START) -> list[str]:
        """Nobody answers this."""
        return self.ask(body, *[CallKind.SERVER_ERROR] * 9, at=at)


def test_a_job_of_requests_that_break_all_is_held_against_nobody() -> None:
    it = Told()
    for n in range(60):
        for more in range(4):
            it.ask(b"hello", at=START + n)
            it.lose(b"%d" % (4 * n + more), at=START + n)
    assert not it.failed


def test_one_that_is_answered_later_had_failed_for_no_fault_of_its_own() -> None:
    it = Told()
    first = it.lose(b"the same")
    it.lose(b"another")
    it.lose(b"the same")
    assert not it.failed
    it.ask(b"the same", at=START + KEPT_S)
    assert it.failed == Counter(first)
    it.ask(b"the same", at=START + KEPT_S)
    assert it.failed == Counter(first), "once"


def test_after_a_minute_it_is_forgotten() -> None:
    it = Told()
    it.lose(b"the same")
    assert it.router.has_lost
    it.ask(b"the same", at=START + KEPT_S + 1)
    assert not it.failed
    assert not it.router.has_lost


def test_what_waits_is_bounded() -> None:
    lost = LostRequests()
    for asked in range(MOST + 1):
        lost.settle(outcome(asked, served=None), START, has_others=True)
    assert not lost.settle(outcome(0, served=MID), START, has_others=True), "the oldest"
    assert lost.settle(outcome(1, served=MID), START, has_others=True)


def outcome(asked: int, served: str | None) -> Outcome:
    attempt = Attempt(number=0, deployment=CHEAP, reason=AttemptReason.FIRST)
    result = failed(attempt)
    result.about = About(asked=asked)
    return Outcome(decision=DECISION, results=(result,), served=served, ok=served is not None,
                   cost_usd=None, finished_at=START)  # fmt: skip


@pytest.mark.parametrize("kind", [CallKind.BROKEN, CallKind.TIMED_OUT, CallKind.BAD_ANSWER])
def test_who_alone_fails_what_others_answer_learns_of_it_though_nobody_else_was_asked(kind) -> None:
    """As a stream that breaks off, or a call after the budget of retries is spent."""
    it = Told()
    lost = [
        it.first_alone(b"%d" % n, at=START + n, fails=CHEAP * (n % 3 == 0), kind=kind)
        for n in range(600)
    ]
    assert it.failed.keys() == {CHEAP}
    assert it.failed[CHEAP] > 0.5 * sum(lost)


def test_a_job_that_breaks_whoever_is_asked_first_is_held_against_nobody() -> None:
    it = Told()
    for n in range(400):
        it.first_alone(b"%d" % n, at=START + n, fails="" if n % 3 else "all")
    assert not it.failed


def test_a_caller_who_leaves_no_choice_says_nothing_of_whom_it_chose() -> None:
    it = Told()
    for n in range(60):
        it.first_alone(b"%d" % n, at=START + n)
    for n in range(60):
        fails = CHEAP * (n % 3 > 0)
        it.first_alone(b"-%d" % n, at=START + 60 + n, fails=fails, only=(CHEAP,))
    assert not it.failed


def test_where_the_owner_lets_nobody_else_be_asked_each_counts() -> None:
    it = Told(max_attempts=1)
    called = [name for n in range(8) for name in it.lose(b"%d" % n, at=START + n)]
    assert it.failed == Counter(called)


def test_a_route_with_one_deployment_learns_that_it_fails() -> None:
    for bodies, times in ((range(4), 4), ([7] * 4, 1)):
        it = Told(prices={CHEAP: 1.0}, max_attempts=1)
        for n, body in enumerate(bodies):
            it.lose(b"%d" % body, at=START + n)
        assert it.failed == {CHEAP: times}, "the same counts once"


@pytest.mark.parametrize("kind", sorted(FAILURES - AMBIGUOUS))
def test_what_no_request_brings_about_counts_at_once(kind: CallKind) -> None:
    it = Told()
    called = it.ask(b"x", *[kind] * 9)
    assert len(called) > 1
    assert it.failed == Counter(called)


def test_an_answer_with_nothing_to_show_counts_where_another_answers() -> None:
    it = Told()
    first, *_ = it.ask(b"x", CallKind.EMPTY_ANSWER)
    assert it.failed == {first: 1}
    it.ask(b"y", *[CallKind.EMPTY_ANSWER] * 9)
    assert it.failed == {first: 1}


def test_who_is_down_is_left_alone_at_once_all_the_same() -> None:
    it = Told()
    for n in range(20):
        it.ask(b"%d" % n, at=START + n / 10, down=CHEAP)
    assert it.router.health.why_out(CHEAP, "acme", START + 2) is not None
    assert it.router.health.why_out(MID, "bolt", START + 2) is None
