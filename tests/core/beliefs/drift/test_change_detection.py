"""Silent changes of quality: alarms, verification, recovery, undo."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from windsock.core.beliefs.beliefs import Beliefs
from windsock.core.beliefs.drift.change_detection import LOST_PROBE, ChangeDetector, Finding, Mode
from windsock.core.model.requests import Cell

CELLS = [Cell("default", "auto", task) for task in ("a", "b", "c")]


def graded(mean: float, seed: int) -> Iterator[float]:
    """Rewards of a judge: Beta with a standard deviation of about a tenth."""
    rng = np.random.default_rng(seed)
    while True:
        yield float(rng.beta(12 * mean, 12 * (1 - mean)))


def feed(beliefs: Beliefs, rewards: Iterator[float], count: int, start: int) -> list[Finding]:
    found = []
    for i in range(start, start + count):
        beliefs.observe(CELLS[i % 3], "m", next(rewards), now=float(i))
        found += [Finding(str(shift.facts["finding"])) for shift in beliefs.quality.drain()]
    return found


def mean(beliefs: Beliefs, cell: Cell) -> float:
    a, b = beliefs.posterior(cell, "m")
    return a / (a + b)


def test_a_loss_of_fifteen_points_is_found_within_thirty_rewards() -> None:
    delays = []
    for seed in range(21):
        beliefs = Beliefs()
        assert feed(beliefs, graded(0.92, seed), 300, 0) == []
        lost = graded(0.77, 1000 + seed)
        count = 0
        while beliefs.quality.mode(CELLS[0], "m") is Mode.STEADY and count < 200:
            feed(beliefs, lost, 1, 300 + count)
            count += 1
        delays.append(count)
    assert np.median(delays) <= 30


def test_a_confirmed_loss_moves_every_task_and_a_recovery_restores_them() -> None:
    beliefs = Beliefs()
    feed(beliefs, graded(0.92, 1), 300, 0)
    found = feed(beliefs, graded(0.75, 2), 80, 300)
    assert found[:2] == [Finding.WORSE, Finding.CONFIRMED]
    assert all(mean(beliefs, cell) < 0.83 for cell in CELLS)
    assert Finding.RECOVERED in feed(beliefs, graded(0.92, 3), 40, 400)
    assert all(mean(beliefs, cell) > 0.89 for cell in CELLS)


def test_an_outlier_streak_is_dismissed_after_verification() -> None:
    beliefs = Beliefs()
    feed(beliefs, graded(0.92, 4), 300, 0)
    streak = feed(beliefs, iter([0.0] * 6), 6, 300)
    found = feed(beliefs, graded(0.92, 5), 60, 306)
    assert streak in ([], [Finding.WORSE])
    assert beliefs.quality.mode(CELLS[0], "m") is Mode.STEADY
    assert Finding.CONFIRMED not in found
    assert all(mean(beliefs, cell) > 0.88 for cell in CELLS)


def test_a_person_can_undo_an_alarm() -> None:
    beliefs = Beliefs()
    feed(beliefs, graded(0.92, 6), 300, 0)
    before = [mean(beliefs, cell) for cell in CELLS]
    feed(beliefs, graded(0.7, 7), 60, 300)
    assert beliefs.quality.mode(CELLS[0], "m") is not Mode.STEADY
    assert beliefs.quality.undo("default", "auto", "m")
    assert [mean(beliefs, cell) for cell in CELLS] == pytest.approx(before, abs=0.015)
    assert not beliefs.quality.undo("default", "auto", "m")


def test_the_watch_survives_a_restart() -> None:
    beliefs = Beliefs()
    feed(beliefs, graded(0.92, 8), 300, 0)
    feed(beliefs, graded(0.75, 9), 30, 300)
    other = Beliefs()
    other.from_state(json.loads(json.dumps(beliefs.to_state())))
    assert json.dumps(other.to_state()) == json.dumps(beliefs.to_state())
    assert feed(other, graded(0.75, 10), 40, 330) == feed(beliefs, graded(0.75, 10), 40, 330)


def test_a_steady_deployment_raises_no_alarm() -> None:
    beliefs = Beliefs()
    assert feed(beliefs, graded(0.9, 11), 20_000, 0) == []


def test_a_lost_deployment_is_looked_at_more_as_its_answers_improve() -> None:
    watch = ChangeDetector(mode=Mode.LOST)
    assert watch.probe == LOST_PROBE[0]
    for _ in range(20):
        watch.observe(1.0, 0.7, 1.0, 100.0, 1.0, 0.9)
    assert LOST_PROBE[0] < watch.probe <= LOST_PROBE[1]
    assert ChangeDetector().probe == 0.0
