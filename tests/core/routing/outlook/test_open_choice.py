"""What it costs not to know who is the best buy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from windsock.core.routing.outlook.open_choice import OpenChoice, choice_of

DRAWS = 400_000


def choice(*arms: tuple[float, float, float], value_usd: float | None = 0.01) -> OpenChoice:
    """Of (a, b, dollars a request)."""
    names = [f"p/{index}" for index in range(len(arms))]
    beliefs = np.array([arm[:2] for arm in arms])
    return choice_of(names, beliefs, np.array([arm[2] for arm in arms]), value_usd)


@pytest.mark.parametrize("value_usd", [0.002, 0.05, None])
@pytest.mark.parametrize(
    "arms",
    [
        ((8.0, 2.0, 0.001), (30.0, 6.0, 0.0012)),
        ((1.0, 1.0, 0.0), (0.6, 0.9, 0.0001), (200.0, 190.0, 0.0003)),
        ((90.0, 10.0, 0.004), (9.0, 1.0, 0.0005), (3.0, 1.5, 0.0), (1.0, 2.0, 0.002)),
    ],
)
def test_it_is_what_one_who_knew_would_gain_over_the_best_bet(arms, value_usd) -> None:
    found, random = choice(*arms, value_usd=value_usd), np.random.default_rng(7)
    usd = np.array([0.0 if value_usd is None else each[2] / value_usd for each in arms])
    drawn = np.array([random.beta(a, b, DRAWS) for a, b, _ in arms]) - usd[:, None]
    best = int(found.leader[2:])
    gain = drawn.max(axis=0) - drawn[best]
    error = 5 * float(gain.std()) / DRAWS**0.5
    means = np.array([a / (a + b) for a, b, _ in arms]) - usd
    assert best == int(means.argmax())
    bias = float(drawn[best].mean() - means[best])
    assert found.loss == pytest.approx(float(gain.mean()) + bias, abs=error + 2e-6)
    assert found.certainty == pytest.approx(float((drawn.argmax(axis=0) == best).mean()), abs=0.005)
    assert (found.loss_usd is None) == (value_usd is None)


def test_where_there_is_nothing_to_choose_nothing_is_open() -> None:
    alone = choice((2.0, 2.0, 0.001))
    assert (alone.certainty, alone.loss) == (1.0, pytest.approx(0.0, abs=1e-6))
    sure = choice((9000.0, 1000.0, 0.001), (1000.0, 9000.0, 0.002))
    assert sure.leader == "p/0" and sure.certainty > 0.999 and sure.loss < 1e-6


@given(scale=st.floats(0.001, 1000.0), wins=st.floats(1.0, 40.0))
@settings(max_examples=40, deadline=None)
def test_dollars_of_another_currency_change_the_loss_and_nothing_else(scale, wins) -> None:
    one = choice((wins, 3.0, 0.001), (9.0, 2.0, 0.003))
    other = choice((wins, 3.0, 0.001 * scale), (9.0, 2.0, 0.003 * scale), value_usd=0.01 * scale)
    assert other.leader == one.leader
    assert other.certainty == pytest.approx(one.certainty, abs=1e-6)
    assert other.loss_usd == pytest.approx(one.loss_usd * scale, rel=1e-6, abs=1e-12 * scale)


def test_labels_close_a_choice_on_average() -> None:
    """A label's expected loss afterwards is no more than the loss before it (Blackwell 1953)."""
    a, b = 4.0, 2.0
    before = choice((a, b, 0.0), (6.0, 3.0, 0.0)).loss
    right = choice((a + 1, b, 0.0), (6.0, 3.0, 0.0)).loss
    wrong = choice((a, b + 1, 0.0), (6.0, 3.0, 0.0)).loss
    assert (right * a + wrong * b) / (a + b) < before


@pytest.mark.parametrize("dearer", [(90.0, 10.0, 0.002), (2.0, 1.0, 0.0011)])
def test_where_a_success_is_worth_nothing_more_the_cheapest_is_surely_the_best_buy(dearer) -> None:
    """As under a floor that the cheapest holds: who answers better does not matter there."""
    found = choice(dearer, (5.0, 5.0, 0.001), value_usd=0.0)
    assert (found.leader, found.certainty, found.loss, found.loss_usd) == ("p/1", 1.0, 0.0, 0.0)
