"""Sources that judge the same answers and differ credibly are told of once, and when they agree."""

import numpy as np
import pytest

from windsock.core.evidence.source_watch import SourceWatch
from windsock.core.model.requests import Cell
from windsock.core.model.rewards import Feedback, Reward

PLACE = (Cell("default", "auto", "sql"), "acme/m")


def told(values, first: str = "check", second: str = "judge", watch=None) -> list[str]:
    watch = watch or SourceWatch()
    for n, (one, other) in enumerate(values):
        before = Feedback(decision_id=str(n), reward=Reward(value=one, source=first), at=1.0)
        watch.note(PLACE, [before], Reward(value=other, source=second), 2.0)
    return [event.kind.value for event in watch.drain()]


@pytest.mark.parametrize(
    ("first", "second", "difference", "expected"),
    [
        ("check", "judge", 0.3, ["evidence.disagrees"]),
        ("judge", "explicit", 0.3, ["evidence.disagrees"]),
        ("check", "explicit", 0.04, []),
        ("confidence", "explicit", 0.5, []),
        ("explicit", "transport", 0.5, []),
        ("explicit", "explicit", 0.5, []),
    ],
)
def test_a_difference_that_is_credible(first, second, difference, expected) -> None:
    chance = np.random.default_rng(3)
    values = [(0.9, 0.9 - difference + chance.normal(0, 0.1)) for _ in range(100)]
    assert told(values, first, second) == expected


def test_nineteen_answers_prove_nothing_and_twenty_do() -> None:
    assert told([(1.0, 0.0)] * 19) == []
    assert told([(1.0, 0.0)] * 20) == ["evidence.disagrees"]


def test_sources_that_agree_but_for_chance_are_never_told_of_in_ten_thousand_answers() -> None:
    chance = np.random.default_rng(11)
    values = [(float(a), float(b)) for a, b in chance.random((10_000, 2)) < 0.8]
    assert told(values) == []


def test_it_is_told_once_and_its_end_once_though_the_difference_wavers() -> None:
    watch, chance = SourceWatch(), np.random.default_rng(5)
    apart = [(1.0, float(chance.random() > 0.4)) for _ in range(1000)]
    assert told(apart, watch=watch) == ["evidence.disagrees"]
    near = [(1.0, float(chance.random() > 0.03)) for _ in range(1000)]
    assert told(near, watch=watch) == ["evidence.agrees"]


def test_both_means_are_told_over_the_answers_that_both_have_judged() -> None:
    watch = SourceWatch()
    for n in range(30):
        said = [Feedback(decision_id=str(n), reward=Reward(value=1.0, source="judge"), at=1.0)]
        watch.note(PLACE, said, Reward(value=float(n % 2)), 2.0)
    (event,) = watch.drain()
    assert event.facts["sources"] == "explicit and judge"
    assert event.facts["means"]["judge"] == 1.0
    assert event.facts["means"]["explicit"] == pytest.approx(0.5, abs=0.05)
