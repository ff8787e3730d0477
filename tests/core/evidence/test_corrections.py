"""A reward that is corrected leaves nothing behind: not in the belief, nor in its key's account."""

from __future__ import annotations

import pytest

from tests.builders import CHEAP, START, answered, request, router
from windsock.core.evidence.keys.sums import NOBODY
from windsock.core.evidence.sources import SOURCE_WEIGHTS
from windsock.core.evidence.weighting import JUDGED_FROM, RewardWeighting
from windsock.core.model.decisions import Decision
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward
from windsock.core.routing.router import Router

CELL = Cell("default", "auto", "chat")
OTHERS = [f"user {i}" for i in range(4)]


def heard(value: float = 0.2) -> RewardWeighting:
    """Four keys have each said the same 25 times."""
    weighting = RewardWeighting({})
    for _ in range(25):
        for key in OTHERS:
            weighting.weigh(CELL, "m", Reward(value=value, key_id=key))
    return weighting


def account(weighting: RewardWeighting, key: str) -> list[float]:
    """(weight, total, squares) that a key has said."""
    (held,) = weighting.to_state()["accounts"]
    return list(held[-1][key][:3])


@pytest.mark.parametrize(("wrong", "right"), [(1.0, 0.2), (0.0, 0.9), (1.0, 0.0), (0.4, 0.6)])
def test_the_only_key_is_as_if_it_had_said_the_right_thing_at_once(wrong, right) -> None:
    corrected, plain = RewardWeighting({}), RewardWeighting({})
    for _ in range(10):
        mistake = Reward(value=wrong, key_id="k")
        weight = corrected.weigh(CELL, "m", mistake).said
        corrected.give_back(CELL, "m", mistake, weight)
        corrected.weigh(CELL, "m", Reward(value=right, key_id="k"))
        plain.weigh(CELL, "m", Reward(value=right, key_id="k"))
    assert account(corrected, "k") == pytest.approx(account(plain, "k"))


def test_a_key_that_corrected_all_its_mistakes_is_believed_among_others() -> None:
    weighting = heard(0.2)
    mistake = Reward(value=1.0, key_id="late")
    weights = [weighting.weigh(CELL, "m", mistake).said for _ in range(20)]
    for weight in weights:
        weighting.give_back(CELL, "m", mistake, weight)
        weighting.weigh(CELL, "m", Reward(value=0.2, key_id="late"))
    samples, said, _ = account(weighting, "late")
    assert samples == pytest.approx(sum(weights))
    assert said == pytest.approx(0.2 * samples)
    assert weighting.weigh(CELL, "m", Reward(value=0.2, key_id="late")).value == pytest.approx(0.2)


def test_what_a_key_has_corrected_does_not_sway_what_others_count_as() -> None:
    swayed, plain = heard(0.2), heard(0.2)
    mistake, right = Reward(value=1.0, key_id="late"), Reward(value=0.2, key_id="late")
    for weight in [swayed.weigh(CELL, "m", mistake).said for _ in range(20)]:
        swayed.give_back(CELL, "m", mistake, weight)
        swayed.weigh(CELL, "m", right)
        plain.weigh(CELL, "m", right)
    for value in (0.2, 0.6, 1.0):
        said = Reward(value=value, key_id="new")
        one, two = (each.weigh(CELL, "m", said) for each in (swayed, plain))
        assert one.weight == pytest.approx(two.weight)
        assert one.value == pytest.approx(two.value)


def test_no_key_takes_back_more_than_it_said() -> None:
    weighting = RewardWeighting({})
    reward = Reward(value=1.0, key_id="k")
    weighting.weigh(CELL, "m", reward)
    weighting.give_back(CELL, "m", reward, 5.0)
    assert account(weighting, "k") == [0.0, 0.0, 0.0]
    weighting.give_back(CELL, "m", Reward(value=1.0, key_id="stranger"), 1.0)
    weighting.give_back(CELL, "other", reward, 1.0)
    assert set(weighting.to_state()["accounts"][0][-1]) == {"k"}


def serve(it: Router) -> tuple[Decision, str]:
    exchange = it.open(request(task="chat"), START)
    exchange.report(answered(exchange.next_attempt(START)), START)
    exchange.next_attempt(START)
    return exchange.decision, str(exchange.outcome(START).served)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_belief_is_as_if_only_the_correction_had_been_said(key: str | None) -> None:
    corrected, plain = router(prices={CHEAP: 1.0}), router(prices={CHEAP: 1.0})
    right = Reward(value=0.3, key_id=key)
    for it in (corrected, plain):
        for _ in range(int(JUDGED_FROM)):
            it.learn(*serve(it), right, START)
    for _ in range(12):
        decision, served = serve(corrected)
        wrong = Reward(value=1.0, key_id=key)
        first = corrected.learn(decision, served, wrong, START)
        said = Feedback(decision_id=decision.id, reward=wrong, at=START, weight=first.said)
        corrected.learn(decision, served, right, START, said=[said])
        plain.learn(*serve(plain), right, START)
    one, two = (it.beliefs.posterior(CELL, CHEAP) for it in (corrected, plain))
    assert one == pytest.approx(two)
    samples = [it.beliefs.summary(CELL, CHEAP).effective_samples for it in (corrected, plain)]
    assert samples[0] == pytest.approx(samples[1])
    rates = [it.feedback_rate(CELL, CHEAP) for it in (corrected, plain)]
    assert rates == [1.0, 1.0], "a correction is no second reward"


def test_a_late_correction_takes_back_what_is_left_of_the_reward() -> None:
    it = router(prices={CHEAP: 1.0})
    for _ in range(int(JUDGED_FROM)):
        it.learn(*serve(it), Reward(value=0.5), START)
    before = it.beliefs.summary(CELL, CHEAP).effective_samples
    decision, served = serve(it)
    wrong, half_life = Reward(value=1.0), it.beliefs.settings.half_life_s
    it.learn(decision, served, wrong, START)
    said = Feedback(decision_id=decision.id, reward=wrong, at=START, weight=1.0)
    it.learn(decision, served, Reward(value=0.0), START + half_life, said=[said])
    samples = it.beliefs.summary(CELL, CHEAP).effective_samples
    assert samples == pytest.approx(0.5 * before + 1.0)


def test_a_correction_of_a_score_takes_all_of_it_back() -> None:
    weights = {**SOURCE_WEIGHTS, "thumbs": 0.5}
    it, plain = (router(prices={CHEAP: 1.0}, source_weights=weights) for _ in range(2))
    for each in (it, plain):
        for _ in range(int(JUDGED_FROM)):
            each.learn(*serve(each), Reward(value=0.5), START)
        decision, served = serve(each)
        wrong, right = (Reward(value=value, source="thumbs") for value in (1.0, 0.0))
        if each is it:
            first = each.learn(decision, served, wrong, START)
            said = Feedback(decision_id=decision.id, reward=wrong, at=START, weight=first.said)
        each.learn(decision, served, right, START, said=[said] if each is it else [])
    assert it.beliefs.posterior(CELL, CHEAP) == pytest.approx(plain.beliefs.posterior(CELL, CHEAP))
    assert it.beliefs.summary(CELL, CHEAP).effective_samples < JUDGED_FROM + 0.5


def test_rewards_of_nobody_are_bounded_by_nothing_and_share_one_account() -> None:
    weighting = heard(0.9)
    nameless = Reward(value=0.0)
    taken = [weighting.weigh(CELL, "m", nameless) for _ in range(200)]
    assert {(each.weight, each.value) for each in taken} == {(1.0, 0.0)}
    weighting.give_back(CELL, "m", nameless, 200.0)
    assert account(weighting, NOBODY) == pytest.approx([0.0, 0.0, 0.0])


@pytest.mark.parametrize(("others", "share"), [(2, 0.5), (3, 0.375), (4, 0.3), (9, 0.3)])
def test_a_key_holds_a_fair_share_and_a_half_or_three_tenths(others: int, share: float) -> None:
    weighting = RewardWeighting({})
    for i in range(120):
        weighting.weigh(CELL, "m", Reward(value=0.8, key_id=f"user {i % others}"))
    for _ in range(400):
        weighting.weigh(CELL, "m", Reward(value=0.8, key_id="loud"))
    held = account(weighting, "loud")[0]
    assert held / (120.0 + held) == pytest.approx(share)


def test_the_first_six_rewards_of_a_key_are_free() -> None:
    weighting = RewardWeighting({})
    weighting.weigh(CELL, "m", Reward(value=1.0, key_id="other"))
    weights = [weighting.weigh(CELL, "m", Reward(value=1.0, key_id="k")).weight for _ in range(6)]
    assert weights == [1.0] * 6


def say(it: Router, value: float, corrected: float | None = None, source: str = "explicit") -> None:
    """One answer that is judged, and judged anew."""
    decision, served = serve(it)
    said = Reward(value=value, source=source)
    weight = it.learn(decision, served, said, START).said
    if corrected is not None:
        replaced = Feedback(decision_id=decision.id, reward=said, at=START, weight=weight)
        it.learn(decision, served, Reward(value=corrected), START, said=[replaced])


def do_answers_count(it: Router) -> bool:
    """True while nobody is taken to judge this task, so that mere answers are evidence."""
    before = it.beliefs.summary(CELL, CHEAP).effective_samples
    serve(it)
    return it.beliefs.summary(CELL, CHEAP).effective_samples > before


def test_five_judgements_are_five_answers_judged_however_often_they_are_corrected() -> None:
    it = router(prices={CHEAP: 1.0})
    for _ in range(int(JUDGED_FROM) - 1):
        say(it, 1.0, corrected=0.0)
        assert do_answers_count(it)
    say(it, 1.0)
    assert not do_answers_count(it)


def test_a_judgement_in_place_of_one_that_counted_less_counts_for_the_difference() -> None:
    it = router(prices={CHEAP: 1.0}, source_weights={**SOURCE_WEIGHTS, "rumour": 0.0})
    for _ in range(int(JUDGED_FROM) - 1):
        say(it, 1.0, corrected=0.0, source="rumour")
    assert do_answers_count(it)
    say(it, 1.0, corrected=0.0, source="rumour")
    assert not do_answers_count(it)


def test_a_judgement_that_is_corrected_to_one_that_counts_less_stays_a_judgement() -> None:
    it = router(
        prices={CHEAP: 1.0}, source_weights={**SOURCE_WEIGHTS, "explicit": 0.0, "user": 1.0}
    )
    for _ in range(int(JUDGED_FROM)):
        say(it, 1.0, corrected=0.0, source="user")
    assert not do_answers_count(it)
