"""A kind of error that is more frequent at a deployment than it was there before is told of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pytest

from tests.builders import CHEAP, MID, START, answered, failed
from windsock.core.model.calls import Attempt, AttemptReason, CallKind
from windsock.core.model.events import Event
from windsock.core.resilience.errors.kinds import LEAST_RISE, risen
from windsock.core.resilience.errors.rates import RECENT_S, ErrorRates
from windsock.observability.alarms import Alarms

KINDS = [CallKind.TIMED_OUT, CallKind.RATE_LIMITED, CallKind.SERVER_ERROR, CallKind.BAD_ANSWER,
         CallKind.EMPTY_ANSWER, CallKind.CALLER_ERROR]  # fmt: skip


def drawn(seed: int, *parts: tuple[int, dict[CallKind, float]]) -> list[CallKind]:
    """Ends of so many calls, each kind with its chance, the rest answered."""
    rng, ends = np.random.default_rng(seed), []
    for calls, shares in parts:
        kinds, chances = [*shares, CallKind.ANSWERED], [*shares.values()]
        found = rng.choice(len(kinds), size=calls, p=[*chances, 1 - sum(chances)])
        ends += [kinds[i] for i in found.tolist()]
    return ends


def told(rates: ErrorRates, ends: Iterable[CallKind], name: str = CHEAP) -> list[tuple[int, Event]]:
    """(number of the call, event), a call a second."""
    call = Attempt(number=0, deployment=name, reason=AttemptReason.FIRST)
    found = []
    for i, kind in enumerate(ends):
        result = answered(call) if kind is CallKind.ANSWERED else failed(call, kind)
        found += [(i, event) for event in rates.count(result, START + i)]
    return found


def words(events: list[tuple[int, Event]]) -> list[str]:
    return [f"{event.kind.value} {event.facts['error']}" for _, event in events]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("before", "after"), [(0.02, 0.30), (0.0, 0.25), (0.1, 0.45)])
def test_a_rise_and_its_end_are_told_once_each_soon(kind, before, after) -> None:
    for seed in range(10):
        ends = drawn(seed, (2000, {kind: before}), (400, {kind: after}), (1500, {kind: before}))
        (rose, event), (fell, _) = found = told(ErrorRates(), ends)
        assert words(found) == [f"errors.rose {kind.value}", f"errors.fell {kind.value}"]
        assert 2000 < rose < 2150 and 2400 < fell < 3400
        assert event.facts["before"] == pytest.approx(before, abs=0.03)
        assert event.facts["share"] > before + LEAST_RISE


@pytest.mark.parametrize("share", [0.0005, 0.02, 0.05, 0.15, 0.2])
def test_what_is_as_it_was_is_silent(share) -> None:
    for seed in range(3):
        ends = drawn(seed, (20_000, {CallKind.SERVER_ERROR: share}))
        assert told(ErrorRates(), ends) == []


def test_a_little_more_is_silent() -> None:
    for seed in range(5):
        part = {CallKind.TIMED_OUT: 0.02}, {CallKind.TIMED_OUT: 0.035}
        assert told(ErrorRates(), drawn(seed, (5000, part[0]), (5000, part[1]))) == []


def test_a_share_between_past_and_rise_does_not_flicker() -> None:
    for between in (0.05, 0.06, (0.02 + risen(0.02)) / 2, 0.09):
        for seed in range(5):
            ends = drawn(seed, (2000, {KINDS[0]: 0.02}), (5000, {KINDS[0]: between}))
            assert Counter(words(told(ErrorRates(), ends)))["errors.rose timed_out"] <= 2


def test_kinds_are_told_apart() -> None:
    """One rises while another, as frequent, is as it was; the two end each on its own."""
    usual = {CallKind.RATE_LIMITED: 0.2, CallKind.SERVER_ERROR: 0.01}
    worse = usual | {CallKind.SERVER_ERROR: 0.2}
    both = worse | {CallKind.TIMED_OUT: 0.15}
    ends = drawn(3, (3000, usual), (300, worse), (300, both), (900, worse), (900, usual))
    assert words(told(ErrorRates(), ends)) == [
        "errors.rose server_error", "errors.rose timed_out", "errors.fell timed_out",
        "errors.fell server_error",
    ]  # fmt: skip


def test_without_a_past_there_is_nothing_to_compare_with() -> None:
    for seed in range(10):
        assert told(ErrorRates(), drawn(seed, (2000, {CallKind.TIMED_OUT: 0.25}))) == []


def test_all_that_fails_is_told_once_as_well() -> None:
    ends = drawn(0, (1000, {CallKind.SERVER_ERROR: 0.02})) + [CallKind.SERVER_ERROR] * 300
    rates = ErrorRates()
    assert words(told(rates, ends)) == ["errors.rose server_error"]
    assert rates.rise_at(CHEAP) is not None, "half of the last calls, as routing asks"
    good = told(rates, [CallKind.ANSWERED] * 300)
    assert words(good) == ["errors.fell server_error"] and rates.rises() == []


def test_a_rise_at_one_deployment_is_none_at_another() -> None:
    rates, past = ErrorRates(), drawn(0, (1000, {CallKind.TIMED_OUT: 0.02}))
    for name in (CHEAP, MID):
        assert told(rates, past, name) == []
    found = told(rates, drawn(1, (200, {CallKind.TIMED_OUT: 0.4})), MID)
    assert [event.deployment for _, event in found] == [MID]


def test_a_rise_that_nobody_has_met_for_an_hour_has_ended_and_alarms_know() -> None:
    rates, alarms = ErrorRates(), Alarms()
    events = told(rates, drawn(0, (1000, {KINDS[0]: 0.02}), (100, {KINDS[0]: 0.4})))
    for _, event in events:
        alarms.on_event(event)
    assert alarms.counts()[events[0][1].kind] == 1
    assert rates.forget(START + 1100 + RECENT_S / 2) == []
    (end,) = rates.forget(START + 1101 + RECENT_S)
    alarms.on_event(end)
    assert end.facts == {"error": KINDS[0].value}
    assert alarms.counts()[events[0][1].kind] == 0
    assert rates.forget(START + 1e6) == []
