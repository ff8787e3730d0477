"""Order, length and self-preference are measured where they are, and not where they are not."""

import random

import pytest

from windsock.core.evidence.judging.biases import JudgeBiases, Judged


def biases(
    *, per_doubling: float = 0.0, for_own: float = 0.0, own_quality: float = 0.5, seed: int = 1
) -> tuple[JudgeBiases, dict[str, float]]:
    """Of a judge that likes length and its own so much, and what is true of the answers."""
    chance, found, labels = random.Random(seed), JudgeBiases(), {}
    for number in range(400):
        is_own, length = number % 2 == 0, chance.uniform(5, 11)
        right = float(chance.random() < (own_quality if is_own else 0.5))
        score = 0.5 * right + 0.25 + per_doubling * (length - 8) + for_own * is_own
        name = str(number)
        found.note(name, Judged(place=is_own, length=length, is_own=is_own, score=score))
        labels[name] = right
    return found, labels


def test_a_judge_that_likes_length_is_seen_with_labels_and_without() -> None:
    found, labels = biases(per_doubling=0.04)
    for label_of, basis in ((labels.get, "labels"), (lambda _: None, "scores")):
        told = found.length(label_of)
        assert told is not None and told.basis == basis and told.error is not None
        assert told.value == pytest.approx(0.04, abs=0.03) and told.value > 2 * told.error


def test_one_that_does_not_is_not_accused_of_it() -> None:
    found, labels = biases()
    told = found.length(labels.get)
    assert told is not None and told.error is not None and abs(told.value) < 3 * told.error


def test_with_labels_better_answers_of_ones_own_are_no_self_preference() -> None:
    found, labels = biases(own_quality=0.9)
    told, unlabelled = found.self_preference(labels.get), found.self_preference(lambda _: None)
    assert told is not None and told.error is not None
    assert told.basis == "labels" and abs(told.value) < 0.25
    fair, _ = biases(for_own=0.2)
    liked = fair.self_preference(labels.get)
    assert liked is not None and unlabelled is not None and unlabelled.basis == "scores"


def test_a_judge_that_favours_its_own_is_seen() -> None:
    found, labels = biases(for_own=0.2)
    told = found.self_preference(labels.get)
    assert told is not None and told.error is not None
    assert told.value == pytest.approx(0.2, abs=0.1) and told.value > 3 * told.error


def test_the_order_of_pairs_is_judged_by_both_orders() -> None:
    fair, leaning = JudgeBiases(), JudgeBiases()
    for _ in range(10):
        fair.note_pair(("first", "second"))
        fair.note_pair(("second", "first"))
        leaning.note_pair(("first", "first"))
        leaning.note_pair(("first", "second"))
    assert fair.order() is not None and fair.order().value == 0.0 and fair.turned == 0
    told = leaning.order()
    assert told is not None and told.value == 0.5 and leaning.turned == 10
    assert told.error == pytest.approx(0.5 / 20**0.5)


def test_what_nothing_is_known_of_is_unknown() -> None:
    empty = JudgeBiases()
    assert empty.order() is empty.length(lambda _: None) is None
    assert empty.self_preference(lambda _: None) is None
    empty.note("1", Judged(place=1, length=3.0, is_own=False, score=0.5))
    assert empty.length(lambda _: None) is None and empty.self_preference(lambda _: None) is None
