"""P(best) by quadrature against closed forms; scipy's own quadrature is in the benchmarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from tests.benchmarks.bandit_exactness import reference, world
from windsock.core.policies.contest.best_arm import Contest, best_weights, weigh


def test_two_uniform_arms_have_a_closed_form() -> None:
    """P(X - d > Y) = (1 - d)^2 / 2 for uniform X, Y."""
    for shift in (0.0, 0.1, 0.5, 0.9):
        found = best_weights(np.ones(2), np.ones(2), np.array([1.0, 1.0 + shift]), 1.0)
        assert found[1] == pytest.approx((1 - shift) ** 2 / 2, abs=1e-10)


def test_integer_parameters_have_a_closed_form() -> None:
    """P(X > Y) for Beta X, Y as a finite sum (Miller 2015)."""
    a1, b1, a2, b2 = 7, 4, 5, 6
    i = np.arange(a1)
    terms = special.betaln(a2 + i, b1 + b2) - np.log(b1 + i) - special.betaln(1 + i, b1)
    exact = np.exp(terms - special.betaln(a2, b2)).sum()
    found = best_weights(np.array([a1, a2]) * 1.0, np.array([b1, b2]) * 1.0, np.zeros(2), np.inf)
    assert found[0] == pytest.approx(exact, abs=1e-10)


def test_arcsine_arms_are_even() -> None:
    found = best_weights(np.full(5, 0.5), np.full(5, 0.5), np.zeros(5), np.inf)
    assert found == pytest.approx(np.full(5, 0.2), abs=1e-9)


def test_value_zero_asks_for_the_cheapest_and_infinity_for_the_best() -> None:
    a, b = np.array([90.0, 500.0, 10.0]), np.array([10.0, 10.0, 90.0])
    usd = np.array([2.0, 9.0, 1.0])
    assert best_weights(a, b, usd, 0.0) == pytest.approx([0, 0, 1])
    assert best_weights(a, b, usd, np.inf)[1] > 0.999


def test_equal_cheapest_share_by_quality() -> None:
    found = best_weights(np.array([8.0, 8.0, 9.0]), np.array([2.0, 2.0, 1.0]), np.zeros(3), 0.0)
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    assert found[2] > found[0]


@settings(max_examples=100, deadline=None)
@given(
    arms=st.lists(
        st.tuples(st.floats(0.5, 5000), st.floats(0.5, 5000), st.floats(1e-6, 1e-3)),
        min_size=1,
        max_size=8,
    ),
    value=st.floats(1e-5, 1.0),
)
def test_weights_are_a_distribution(arms: list[tuple[float, float, float]], value: float) -> None:
    a, b, usd = np.array(arms).T
    found = best_weights(a, b, usd, value)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    assert (found >= 0).all()


def test_weights_agree_with_scipys_quadrature_to_a_millionth() -> None:
    """The full range (2 to 30 arms, parameters 0.5 to 5,000) is the benchmark bandit_exactness."""
    rng = np.random.default_rng(5)
    for number in range(12):
        a, b, usd, value = world(rng, int(rng.integers(2, 7)), is_close=number % 3 == 0)
        found = best_weights(a, b, usd, value)
        assert np.abs(found - reference(a, b, usd, value)).max() < 1e-6


def test_an_infinite_density_beside_a_border_of_panels_is_integrated() -> None:
    """Ends of supports at 0.8203 and 0.8904, where panels of other arms end almost as well."""
    a = np.array([3.40201145, 8.22236796, 14.04028803, 15.41500429, 6.92106293, 4.1, 45.88823672])
    b = np.array([4.47247856, 5.43573065, 7.36724647, 6.17844617, 1.05020838, 1.87695609, 0.5])
    usd = np.array([0.0, 0.01000612, 0.01340841, 0.01659489, 0.06776644, 0.10955914, 0.17973859])
    assert best_weights(a, b, usd, 1.0) == pytest.approx(reference(a, b, usd, 1.0), abs=1e-6)


def test_contests_weighed_together_are_weighed_as_alone() -> None:
    """2 to 30 arms and any V, 0 and inf among them, smooth or not."""
    rng, asked, alone = np.random.default_rng(6), [], []
    for number in range(24):
        a, b, usd, value = world(rng, int(rng.integers(2, 31)), is_close=number % 2 == 0)
        value = (value, 0.0, np.inf)[number % 3]
        asked.append((Contest(a, b, usd), value))
        alone.append(best_weights(a, b, usd, value))
    for found, expected in zip(weigh(asked), alone, strict=True):
        assert found == pytest.approx(expected, abs=1e-7)
        assert found.sum() == pytest.approx(1.0, abs=1e-12)
