"""A look is worth what its label may earn back."""

import numpy as np
import pytest

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.restraint.damping import Damping

EVEN = np.array([0.5, 0.5])


def share(labels: float, *, known: float = 4.0, usd: float = 1e-3, mean: float = 0.75) -> float:
    """Of the dearer of two arms at V = $0.01."""
    means, strength = np.array([0.75, mean]), np.array([known, known])
    found: FloatArray = Damping(means, strength, np.array([1e-4, usd]), labels).damped(EVEN, 0.01)
    assert found.sum() == pytest.approx(1.0)
    return float(found[1])


def test_without_labels_to_come_nobody_is_looked_at() -> None:
    assert share(0.0) == 0.0


def test_the_more_labels_come_the_more_looks_are_left() -> None:
    found = [share(labels) for labels in (1.0, 10.0, 100.0, 1000.0)]
    assert found == sorted(found)
    assert found[0] < 0.05 < found[-1] == pytest.approx(0.5)


def test_what_is_known_is_not_looked_at_for_nothing() -> None:
    assert share(100.0, known=1000.0) < 0.01 < share(100.0, known=4.0)


def test_the_better_buy_keeps_what_others_lose() -> None:
    assert share(0.0, mean=0.95) == 1.0


def test_bounds_of_v_are_left_alone() -> None:
    for value in (0.0, np.inf):
        assert Damping(EVEN, EVEN, EVEN, 1.0).damped(EVEN, value) is EVEN
    assert Damping(EVEN, EVEN, EVEN, np.inf).damped(EVEN, 1.0) is EVEN
