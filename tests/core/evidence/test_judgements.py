"""All that is said of one decision is one judgement, however many names it goes by."""

from __future__ import annotations

import pytest

from windsock.core.evidence.judgements import judgements, with_new
from windsock.core.model.rewards import Feedback, Reward

WEIGHTS = {"explicit": 1.0, "check": 0.5, "confidence": 0.25, "panel": 3.0, "rumour": 0.0}


def word(
    value: float, key: str | None = "k", source: str = "explicit", metric: str = ""
) -> Feedback:
    reward = Reward(value=value, source=source, metric=metric, key_id=key)
    return Feedback(decision_id="d", reward=reward, at=0.0, weight=WEIGHTS[source])


def found(*said: Feedback) -> dict[str | None, tuple[float, float]]:
    """(weight, value) by key."""
    made = judgements(said, WEIGHTS.__getitem__)
    return {key: (each.weight, pytest.approx(each.reward.value)) for key, each in made.items()}


@pytest.mark.parametrize("count", [1, 2, 300])
def test_metrics_of_one_key_are_one_judgement_of_their_mean(count: int) -> None:
    said = [word(float(i % 2), metric=f"m{i}") for i in range(count)]
    assert found(*said) == {"k": (1.0, (count // 2) / count)}
    made = judgements(said, WEIGHTS.__getitem__)["k"]
    assert made.parts == count


def test_of_one_key_the_heaviest_source_speaks() -> None:
    said = [word(0.0, source="confidence"), word(1.0), word(0.2, source="rumour")]
    assert found(*said) == {"k": (1.0, 1.0)}
    assert found(said[0]) == {"k": (0.25, 0.0)}


def test_several_keys_share_one_judgement_and_the_heaviest_source_is_first() -> None:
    assert found(word(1.0, "a"), word(0.0, "b")) == {"a": (0.5, 1.0), "b": (0.5, 0.0)}
    checked = word(0.0, None, "check")
    assert found(checked, word(1.0, "a")) == {None: (0.0, 0.0), "a": (1.0, 1.0)}
    assert found(checked, word(1.0, "a", "confidence")) == {None: (0.5, 0.0), "a": (0.25, 1.0)}


def test_whoever_weighs_a_source_heavier_has_it_so() -> None:
    assert found(word(1.0, "a", "panel")) == {"a": (3.0, 1.0)}
    both = found(word(1.0, "a", "panel"), word(0.0, "b", "panel"))
    assert both == {"a": (1.5, 1.0), "b": (1.5, 0.0)}


def test_what_counted_for_less_since_its_key_had_said_too_much_counts_for_no_more_later() -> None:
    bounded = Feedback(decision_id="d", reward=Reward(value=1.0, key_id="loud"), at=0.0, weight=0.1)
    assert found(bounded, word(0.0, "b"))["loud"] == (0.1, 1.0)


def test_a_second_word_on_a_matter_replaces_the_first() -> None:
    said = with_new([word(0.0, metric="a"), word(0.4, metric="b")], word(0.8, metric="a"))
    assert found(*said) == {"k": (1.0, 0.6)}
