"""Fifty at first, then where the choice is open; by chance that no answer can move."""

import pytest

from windsock.core.evidence.judging.choosing import (
    ENOUGH,
    LEAST,
    RelativeWorth,
    inclusion,
    openness,
)
from windsock.core.evidence.judging.desk import MOST_PLACES, JudgeDesk
from windsock.core.model.requests import Cell

CELL = Cell("default", "auto", "sql")
DAY = 86_400.0


def test_newcomers_are_judged_as_much_as_is_allowed() -> None:
    desk = JudgeDesk(half_life_s=7 * DAY)
    desk.weigh(CELL, RelativeWorth({"old": 1.0, "new": 0.1}))
    for _ in range(int(ENOUGH) + 1):
        desk.count((CELL, "old"), 0.0)
    assert desk.chance((CELL, "new"), 0.3, 0.0) == 0.3
    assert desk.chance((CELL, "old"), 0.3, 0.0) == 0.3


def test_after_that_what_a_label_tells_decides_and_a_little_is_always_judged() -> None:
    desk = JudgeDesk(half_life_s=7 * DAY)
    desk.weigh(CELL, RelativeWorth({"open": 0.4, "half": 0.2, "settled": 0.0}))
    for name in ("open", "half", "settled"):
        for _ in range(int(ENOUGH) + 1):
            desk.count((CELL, name), 0.0)
    chances = [desk.chance((CELL, name), 0.5, 0.0) for name in ("open", "half", "settled")]
    assert chances == [0.5, 0.25, 0.5 * LEAST]


def test_what_was_judged_long_ago_counts_no_more() -> None:
    desk = JudgeDesk(half_life_s=DAY)
    desk.weigh(CELL, RelativeWorth({"a": 0.0, "b": 1.0}))
    for _ in range(int(ENOUGH) + 1):
        desk.count((CELL, "a"), 0.0)
    assert desk.chance((CELL, "a"), 1.0, 0.0) == LEAST
    assert desk.chance((CELL, "a"), 1.0, DAY) == 1.0


def test_where_nobody_can_tell_all_are_alike() -> None:
    assert RelativeWorth().of("a") == 1.0
    assert RelativeWorth({"a": 0.0}).of("a") == 1.0
    assert RelativeWorth({"a": 1.0}).of("stranger") == 1.0


def test_a_settled_choice_is_looked_at_now_and_then_only() -> None:
    assert openness([0.99, 0.01]) == pytest.approx(0.02)
    assert openness([0.5, 0.5]) == openness([0.3, 0.3, 0.4]) == 1.0
    assert openness([]) == 1.0 and openness([1.0]) == 0.0
    assert RelativeWorth({"a": 0.2, "b": 0.1}, openness=0.5).of("b") == 0.25


@pytest.mark.parametrize("worth", [0.0, 0.5, 1.0, 7.0])
def test_a_chance_is_a_chance(worth: float) -> None:
    assert 0 < inclusion(0.2, 1e9, worth) <= 0.2
    assert inclusion(0.0, 0.0, worth) == 0.0


def test_callers_who_invent_tasks_fill_no_memory() -> None:
    desk = JudgeDesk(half_life_s=DAY)
    for number in range(MOST_PLACES + 50):
        cell = Cell("default", "auto", str(number))
        desk.count((cell, "a"), 0.0)
        desk.weigh(cell, RelativeWorth())
    assert len(desk._recent) == len(desk._worths) == MOST_PLACES
