"""Shares within their bounds, and who gets what is above one."""

import numpy as np
import pytest

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.restraint.bounds import above, below
from windsock.core.policies.rungs import Arms


def weights(mean: list[float], usd: list[float], most: list[float], value: float) -> FloatArray:
    a = 200 * np.array(mean)
    arms = Arms(a=a, b=200 - a, usd=np.array(usd), most=np.array(most))
    return Ladder(arms).at(value).weights


def test_what_is_above_a_newcomers_ceiling_goes_to_the_next_best_buy() -> None:
    found = weights([0.85, 0.93, 0.90], [45e-6, 750e-6, 5e-6], [1.0, 1.0, 0.3], 1e-4)
    assert found == pytest.approx([0.7, 0.0, 0.3], abs=1e-6)


def test_it_goes_to_the_dear_one_only_where_a_success_is_worth_it() -> None:
    found = weights([0.85, 0.93, 0.90], [45e-6, 750e-6, 5e-6], [1.0, 1.0, 0.3], 1.0)
    assert found[1] > 0.65


def test_without_a_contest_the_first_with_room_gets_it() -> None:
    assert below(np.array([0, 0, 1.0]), np.array([1, 1, 0.3])).tolist() == pytest.approx(
        [0.7, 0.0, 0.3]
    )


def test_several_ceilings_bind_one_after_the_other() -> None:
    most = np.array([0.2, 0.4, 1.0, 1.0])

    def next_best(free: object) -> FloatArray:
        return np.eye(1, len(free))[0]  # type: ignore[arg-type]

    found = below(np.array([0.9, 0.1, 0.0, 0.0]), most, next_best)
    assert found == pytest.approx([0.2, 0.4, 0.4, 0.0])


def test_ceilings_that_leave_no_room_are_lifted_alike() -> None:
    assert below(np.array([1.0, 0.0]), np.array([0.3, 0.1])).tolist() == pytest.approx([0.75, 0.25])


def test_floors_that_are_more_than_there_is_to_share_are_lowered_alike() -> None:
    """Every arm is in doubt and probed: weights summed to 1.2 where floors did."""
    found = above(np.array([0.7, 0.2, 0.1]), np.array([0.6, 0.3, 0.3]))
    assert found.tolist() == pytest.approx([0.5, 0.25, 0.25])
