"""Traffic leaves an incumbent only as far as the loss is surely bounded."""

import numpy as np
import pytest

from windsock.core.model.arrays import FloatArray
from windsock.core.policies.frontier import Ladder
from windsock.core.policies.objectives import Floor, on_floor
from windsock.core.policies.restraint.incumbent import AHEAD, FEW, LOSS, SURE, Incumbent, kept
from windsock.core.policies.rungs import Arms

USD = np.array([2.0, 1.0, 9.0])


def held(
    weights: list[float],
    mean: list[float],
    known: list[float],
    served: tuple[float, ...] = (0.0, 0.0, 0.0),
    floor: float | None = None,
    value: float = 1e6,
    share: float = 1.0,
) -> FloatArray:
    """Weights beside the incumbent, the first of three arms."""
    means, strength = np.array(mean), np.array(known)
    it = Incumbent(
        index=0,
        served=np.array(served),
        floor=floor,
        strength=strength,
        rewards=strength - 4.0,
        share=share,
    )
    sd = np.sqrt(means * (1 - means) / (strength + 1))
    found = kept(np.array(weights), it, means, sd, USD, value)
    assert found.sum() == pytest.approx(1.0)
    assert (found >= 0).all()
    return found


def test_what_nobody_judged_gets_a_trifle() -> None:
    found = held([0.0, 1.0, 0.0], [0.75, 0.75, 0.75], [6.0, 6.0, 6.0])
    assert 0.005 < found[1] < 0.03


def shared(others: int, known: float, mean: float = 0.75) -> float:
    """What so many alike get together beside the incumbent."""
    strength, means = np.full(others + 1, known), np.full(others + 1, mean)
    it = Incumbent(index=0, served=np.zeros(others + 1), floor=None, strength=strength,
                   rewards=strength - 4.0)  # fmt: skip
    weights = np.append(0.0, np.full(others, 1 / others))
    sd = np.sqrt(means * (1 - means) / (strength + 1))
    return float(kept(weights, it, means, sd, np.ones(others + 1), 1e6)[1:].sum())


@pytest.mark.parametrize("mean", [0.3, 0.75, 0.95])
@pytest.mark.parametrize("others", [2, 7, 26, 60])
def test_errors_of_a_prior_add_up_and_those_of_judgements_do_not(others, mean) -> None:
    many = max(1.0, others / FEW) ** 0.5
    assert shared(others, 6.0, mean) == pytest.approx(shared(1, 6.0, mean) / many)
    apart = np.sqrt(2 * others / (others + 1))  # the incumbent's own error is in all differences
    assert shared(others, 200.0, mean) == pytest.approx(apart * shared(1, 200.0, mean), rel=0.01)


def test_the_bound_is_met_exactly() -> None:
    found = held([0.0, 1.0, 0.0], [0.8, 0.75, 0.75], [50.0, 20.0, 6.0])
    sd = np.sqrt(0.8 * 0.2 / 51 + 0.75 * 0.25 / 21)
    assert found[1] * (0.05 + SURE * sd) == pytest.approx(LOSS, rel=1e-4)


def test_what_is_surely_as_good_gets_all() -> None:
    found = held([0.0, 1.0, 0.0], [0.80, 0.88, 0.75], [500.0, 500.0, 6.0])
    assert found[1] == 1.0


def test_what_others_proved_to_be_worth_is_room_for_looks() -> None:
    few = held([0.0, 1.0, 0.0], [0.8, 0.79, 0.7], [300.0, 60.0, 6.0])
    many = held([0.0, 1.0, 0.0], [0.8, 0.79, 0.7], [300.0, 60.0, 6.0], served=(900.0, 0.0, 0.0))
    assert many[1] > 2 * few[1]
    spent = held([0.0, 1.0, 0.0], [0.8, 0.7, 0.7], [300.0, 60.0, 6.0], served=(500.0, 500.0, 0.0))
    assert spent[1] == 0.0


def test_the_dearer_is_paid_by_what_the_cheaper_save() -> None:
    found = held([0.5, 0.0, 0.5], [0.8, 0.8, 0.8], [500.0, 500.0, 500.0])
    assert found[2] == 0.0
    found = held([0.5, 0.4, 0.1], [0.8, 0.9, 0.8], [500.0, 900.0, 900.0])
    assert found @ USD <= USD[0] + 1e-12


def test_the_dearer_that_is_surely_worth_it_is_free() -> None:
    found = held([0.0, 0.0, 1.0], [0.6, 0.6, 0.9], [500.0, 500.0, 500.0])
    assert found[2] == 1.0
    too_dear = held([0.0, 0.0, 1.0], [0.6, 0.6, 0.9], [500.0, 500.0, 500.0], value=10.0)
    assert too_dear[2] == 0.0


def test_success_above_a_floor_is_worth_nothing() -> None:
    args = [0.0, 1.0, 0.0], [0.95, 0.88, 0.7], [500.0, 500.0, 6.0]
    assert held(*args)[1] < 0.2
    assert held(*args, floor=0.80)[1] == 1.0


def test_the_horizon_is_as_documented() -> None:
    assert AHEAD == 250.0


def test_tasks_that_err_each_for_itself_share_one_bound() -> None:
    args = [0.0, 1.0, 0.0], [0.80, 0.80, 0.75], [200.0, 100.0, 6.0]
    whole, tenth = held(*args)[1], held(*args, share=0.1)[1]
    assert 2.5 * whole < tenth < whole * 10**0.5


def test_what_the_prior_says_is_common_to_all_tasks_and_counts_in_full() -> None:
    args = [0.0, 1.0, 0.0], [0.75, 0.75, 0.75], [6.0, 6.0, 6.0]
    assert held(*args, share=0.01)[1] == pytest.approx(held(*args)[1])


def test_an_incumbent_does_not_hold_the_floor_for_the_worst_of_the_others() -> None:
    mean, known = np.array([0.90, 0.30, 0.88]), np.array([500.0, 40.0, 40.0])
    it = Incumbent(
        index=0, served=np.array([900.0, 0.0, 0.0]), floor=0.85, strength=known, rewards=known
    )
    arms = Arms(
        a=mean * known, b=(1 - mean) * known, usd=np.array([1e-2, 1e-5, 1e-3]), incumbent=it
    )
    rung = on_floor(Ladder(arms), Floor(success=0.85, caution=1.0)).rung
    assert rung.weights[2] > 0.1 > 10 * rung.weights[1]
