"""Draws are pure functions of seed, decision and attempt."""

from __future__ import annotations

import itertools

from windsock.core.routing.sampling import DecisionIds, draw, uniform


def test_a_draw_depends_on_seed_decision_and_attempt_alone() -> None:
    assert uniform(1, 2, 3) == uniform(1, 2, 3)
    drawn = {uniform(*key) for key in itertools.product(range(9), range(9), range(9))}
    assert len(drawn) == 9**3


def test_draws_are_uniform_and_uncorrelated() -> None:
    numbers = [uniform(7, i, 0) for i in range(100_000)]
    counts = [0] * 100
    for number in numbers:
        counts[int(number * 100)] += 1
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 148.2  # chi2(99), 0.999
    lag = sum((x - 0.5) * (y - 0.5) for x, y in itertools.pairwise(numbers)) * 12 / len(numbers)
    assert abs(lag) < 0.0104


def test_a_hundred_thousand_draws_match_the_weights() -> None:
    weights = (0.5, 0.3, 0.15, 0.04, 0.009, 0.001)
    cumulative = tuple(itertools.accumulate(weights))
    counts = [0] * len(weights)
    for i in range(100_000):
        counts[draw(cumulative, uniform(3, i, 0))] += 1
    chi2 = sum(
        (count - weight * 1e5) ** 2 / (weight * 1e5)
        for count, weight in zip(counts, weights, strict=True)
    )
    assert chi2 < 20.5  # chi2(5), 0.999


def test_a_draw_never_leaves_the_table() -> None:
    assert draw((0.5, 0.9999999999999999), 1.0 - 2**-53) == 1
    assert draw((0.0, 1.0), 0.0) == 1


def test_ids_differ_by_seed_and_number() -> None:
    ids = {DecisionIds(seed).of(number) for seed in (0, 1, -1) for number in range(100)}
    assert len(ids) == 300
    assert all(len(name) == 24 for name in ids)
