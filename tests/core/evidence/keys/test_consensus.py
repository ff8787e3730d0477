"""How far keys lie from what they agree on: by keys, not by volume or by who spoke first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.core.evidence.keys.consensus import Said, belief_at, distances, gap

HONEST = [Said(50.0, 45.0), Said(60.0, 54.0), Said(40.0, 36.0)]


def rates(rng: np.random.Generator, weights: list[int], truth: float) -> list[Said]:
    return [Said(float(n), float(rng.binomial(n, truth))) for n in weights]


@pytest.mark.parametrize("keys", [0, 1, 2])
def test_before_three_have_reported_none_is_the_yardstick(keys: int) -> None:
    assert distances([Said(100.0, 0.0), Said(100.0, 100.0)][:keys]) == []


@pytest.mark.parametrize("weights", [[1] * 30, [3, 5, 200], [40] * 5, [500, 500, 2, 2, 2]])
@pytest.mark.parametrize("truth", [0.05, 0.5, 0.9, 0.99])
def test_honest_keys_are_hardly_ever_doubted(weights: list[int], truth: float) -> None:
    rng = np.random.default_rng(7)
    far = [off for _ in range(200) for off in distances(rates(rng, weights, truth))]
    assert np.mean([belief_at(off) for off in far]) > 0.96
    assert np.mean([belief_at(off) < 0.5 for off in far]) < 0.02


@pytest.mark.parametrize("lies", [8.0, 100.0, 1e5])
def test_a_liar_is_doubted_however_much_it_says(lies: float) -> None:
    *others, liar = distances([*HONEST, Said(lies, 0.0)])
    assert belief_at(liar) == 0.0
    assert all(belief_at(off) == 1.0 for off in others)


def test_who_holds_much_of_little_evidence_is_doubted_sooner() -> None:
    few = [Said(2.0, 2.0), Said(2.0, 2.0), Said(2.0, 1.0), Said(1.0, 1.0), Said(2.0, 0.0)]
    many = [*[Said(2.0, 2.0)] * 30, *[Said(2.0, 1.0)] * 10, Said(2.0, 0.0)]
    *others, of_nine = (belief_at(off) for off in distances(few))
    assert of_nine < 0.5 < belief_at(distances(many)[-1])
    assert min(others) == 1.0


def test_a_lie_small_enough_to_be_luck_is_believed() -> None:
    assert belief_at(distances([*HONEST, Said(50.0, 43.0)])[-1]) == 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 500), st.floats(0, 1)), min_size=3, max_size=9),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_keys_says_nothing(parts, dice) -> None:
    said = [Said(weight, weight * mean) for weight, mean in parts]
    places = list(range(len(said)))
    dice.shuffle(places)
    plain, mixed = distances(said), distances([said[i] for i in places])
    assert [plain[i] for i in places] == pytest.approx(mixed, rel=1e-6, abs=1e-6)


def test_two_keys_that_contradict_each_other_lie_apart_and_two_that_agree_do_not() -> None:
    assert belief_at(gap(Said(30.0, 3.0), Said(30.0, 27.0))) == 0.0
    assert belief_at(gap(Said(30.0, 26.0), Said(30.0, 27.0))) == 1.0
