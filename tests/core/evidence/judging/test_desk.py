"""A judge's desk tells whether what its judge replies can be read."""

import pytest

from windsock.core.evidence.judging.desk import LATEST, UNREAD_SHARE, JudgeDesk
from windsock.core.model.requests import Cell

PLACE = (Cell("default", "auto", "sql"), "a/m")


def replied(desk: JudgeDesk, *are_read: bool) -> list[bool]:
    """Whether each reply turned it."""
    return [desk.note_reply(is_read=each) for each in are_read]


@pytest.mark.parametrize(("read", "is_unread"), [(0, True), (3, True), (4, False), (20, False)])
def test_few_of_the_latest_twenty_say_that_it_cannot_be_read(read, is_unread) -> None:
    desk = JudgeDesk(3600.0)
    turns = replied(desk, *[True] * read, *[False] * (20 - read))
    assert desk.is_unread is is_unread
    assert turns == [False] * 19 + [is_unread], "nothing is said before there are twenty"
    assert desk.unreadable == 20 - read


def test_half_of_them_say_that_it_can_again_and_it_is_asked_less_until_then() -> None:
    desk = JudgeDesk(3600.0)
    usual = desk.chance(PLACE, 0.5, 0.0)
    replied(desk, *[False] * 20)
    assert desk.chance(PLACE, 0.5, 0.0) == pytest.approx(UNREAD_SHARE * usual)
    assert replied(desk, *[True] * 9) == [False] * 9
    assert desk.is_unread
    assert replied(desk, True) == [True]
    assert desk.chance(PLACE, 0.5, 0.0) == usual
    assert not any(replied(desk, *[True, False] * 50)), "it does not flicker"


def test_what_others_were_replied_counts_once_however_often_and_with_whatever_gaps_it_is_told() -> (
    None
):
    here, there = JudgeDesk(3600.0), JudgeDesk(3600.0)
    turns = []
    for _ in range(LATEST):
        there.note_reply(is_read=False)
        turns += [here.hear("there", there.replies), here.hear("there", there.replies)]
    assert turns.index(True) == 2 * LATEST - 2 and turns.count(True) == 1
    assert here.is_unread and here.unreadable == 0
    for _ in range(3 * LATEST):
        there.note_reply(is_read=True)
    assert here.hear("there", there.replies)
    assert not here.is_unread
    again = JudgeDesk(3600.0)  # it was started anew, under another name
    again.note_reply(is_read=False)
    assert not here.hear("again", again.replies)
    assert here.replies == (0, [])
