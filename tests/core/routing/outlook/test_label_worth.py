"""Labels are worth most where they say most of what requests will get."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.store.samples import outcome
from tests.weight_tables import arm, table_of
from windsock.core.routing.outlook.label_worth import SPAN, Worth, label_worth, wanted


def known(name: str, weight: float, success: float, rewards: float):
    half = SPAN / 2 * (success * (1 - success) / (rewards + 1)) ** 0.5
    line = arm(name, weight, success, 0.001)
    return replace(line, success_low=success - half, success_high=success + half)


def test_a_newcomer_with_some_traffic_comes_before_what_everybody_knows() -> None:
    worth = label_worth(table_of(known("a/old", 0.7, 0.9, 300), known("b/new", 0.3, 0.8, 4)))
    assert worth["b/new"] > 100 * worth["a/old"] > 0


def test_it_is_what_one_reward_takes_from_the_variance_of_the_next_request() -> None:
    worth = label_worth(table_of(known("a/one", 0.4, 0.75, 11), known("b/two", 0.6, 0.5, 3)))
    variance = 0.75 * 0.25 / 12
    assert worth["a/one"] == pytest.approx(0.4 * variance / 12)


def test_who_gets_nothing_or_is_known_for_sure_has_no_label_to_give() -> None:
    sure = known("c/sure", 0.5, 1.0, 10)
    worth = label_worth(table_of(known("a/off", 0.0, 0.5, 2), known("b/on", 0.5, 0.5, 2), sure))
    assert worth["a/off"] == worth["c/sure"] == 0.0 < worth["b/on"]


@pytest.mark.parametrize("rewards", [0.0, 1.0, 10.0, 100.0, 1000.0])
def test_the_next_label_is_worth_less_than_the_last(rewards: float) -> None:
    first = label_worth(table_of(known("a/x", 1.0, 0.7, rewards)))["a/x"]
    later = label_worth(table_of(known("a/x", 1.0, 0.7, rewards + 5)))["a/x"]
    assert later < first


def test_no_candidates_no_labels() -> None:
    assert label_worth(table_of()) == {}


def test_of_one_place_each_further_label_tells_less_so_that_others_come_between() -> None:
    worths = {"a/one": Worth(1.0, 4.0), "b/two": Worth(0.5, 4.0)}
    looked = SimpleNamespace(of=lambda each: worths[each.served])
    answers = [
        outcome(number, served=served) for number, served in enumerate(["a/one", "b/two"] * 4)
    ]
    ranked = [*wanted(answers, looked, lambda each: each.decision.number != 6)]
    assert [found.decision.number for _, found in ranked][:3] == [4, 2, 7]
    told = [value for value, _ in ranked]
    assert told == sorted(told, reverse=True) and len(ranked) == 7
    assert told[:3] == pytest.approx([1.0, (4 / 5) ** 2, 0.5])
