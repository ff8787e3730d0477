"""Routing by features is believed to pay only where it does on requests it was not learnt from."""

from dataclasses import replace

import numpy as np
import pytest

from windsock.core.context.routing_value import Gain, JudgedRequest, Stakes, routing_gain
from windsock.core.context.segments import Segmenter, SegmentSettings

NAMES = ("cheap", "best")
USD = {"cheap": 1e-5, "best": 1e-3}
SIZE = np.array([1.0, 0.0, 0.0])
"""Of (1, hard, noise): every request is of the same size."""

TELLS = {False: (0.95, 0.97), True: (0.40, 0.95)}
TELLS_NOTHING = {False: (0.70, 0.90), True: (0.70, 0.90)}


def judged(
    rate: dict[bool, tuple[float, float]], count: int, seed: int, *, best: float = 0.5
) -> list[JudgedRequest]:
    """Requests half of which are hard; `best` is the chance that the better one is drawn."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        is_hard, arm = bool(rng.random() < 0.5), int(rng.random() < best)
        features = (float(is_hard), float(rng.normal()))
        hit = float(rng.random() < rate[is_hard][arm])
        found.append(JudgedRequest(features, NAMES[arm], hit, best if arm else 1.0 - best))
    return found


def gain(requests: list[JudgedRequest], value_usd: float | None = 0.01) -> Gain:
    return routing_gain(requests, Stakes(usd=USD, value_usd=value_usd), SIZE)


@pytest.mark.parametrize("best", [0.3, 0.5, 0.9])
def test_the_gain_is_what_routing_earns_whatever_drew_the_requests(best: float) -> None:
    """Easy ones to the cheap: .95 - .001 for .97 - .1; hard ones stay; so .0395 a request."""
    found = gain(judged(TELLS, 6000, 1, best=best))
    assert found.is_credible
    assert found.mean == pytest.approx(0.0395, abs=3 * found.error)


def test_what_tells_nothing_is_seldom_credible_and_never_by_much() -> None:
    found = [gain(judged(TELLS_NOTHING, 600, seed)) for seed in range(60)]
    assert sum(each.is_credible for each in found) <= 0.2 * len(found)
    assert np.mean([each.mean for each in found]) < 0.002


def test_the_same_prompt_again_is_no_request_that_was_not_seen() -> None:
    """60 prompts whose answers are noise, each judged 40 times: memory of them is no gain."""
    rng = np.random.default_rng(5)
    prompts = [tuple(row) for row in rng.normal(size=(60, 2))]
    right = rng.random((60, 2)) < 0.6
    drawn = [(int(rng.integers(60)), int(rng.integers(2))) for _ in range(2400)]
    again = [JudgedRequest(prompts[i], NAMES[arm], float(right[i, arm]), 0.5) for i, arm in drawn]
    alike = gain(again, value_usd=None)
    spread = [
        replace(each, features=(each.features[0], each.features[1] + 1e-9 * n))
        for n, each in enumerate(again)
    ]
    assert alike.error > 3 * gain(spread, value_usd=None).error


def test_a_price_decides_whether_features_pay() -> None:
    requests = judged(TELLS, 4000, 3)
    assert gain(requests, value_usd=0.01).is_credible
    assert not gain(requests, value_usd=100.0).is_credible


@pytest.mark.parametrize("count", [0, 5])
def test_too_few_requests_or_one_deployment_show_no_gain(count: int) -> None:
    assert not gain(judged(TELLS, count, 0)).is_credible
    alone = [each for each in judged(TELLS, 500, 0) if each.deployment == "best"]
    assert not gain(alone).is_credible
    gone = routing_gain(judged(TELLS, 500, 0), Stakes(usd={}, value_usd=1.0), SIZE)
    assert not gone.is_credible


def test_borders_are_drawn_where_they_pay_and_only_there() -> None:
    for value_usd, are_drawn in ((0.01, True), (100.0, False)):
        segmenter = Segmenter(SegmentSettings(most=2))
        for each in judged(TELLS, 2000, 4):
            chance = each.propensity
            segmenter.learn(each.features, each.deployment, each.reward, propensity=chance)
            segmenter.learn_size(each.features, each.deployment, 100.0)
        found = segmenter.draw_borders(Stakes(usd=USD, value_usd=value_usd))
        assert (found is not None) is are_drawn
        assert segmenter.draw_borders() is not None


def test_what_was_judged_survives_a_restart() -> None:
    one, other = Segmenter(), Segmenter()
    for each in judged(TELLS, 30, 6):
        one.learn(each.features, each.deployment, each.reward, propensity=each.propensity)
        one.learn_size(each.features, each.deployment, 10.0)
    other.from_state(one.to_state())
    assert other.to_state() == one.to_state()
    old = {name: value for name, value in one.to_state().items() if name != "judged"}
    other.from_state(old)
    assert other.to_state()["judged"] == []
