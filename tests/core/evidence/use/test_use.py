"""What users do with answers is told of the answer before, or of none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windsock.core.evidence.use.edits import kept_share
from windsock.core.evidence.use.watch import (
    AGAIN,
    AGAIN_S,
    LEFT,
    LEFT_S,
    MOST_TURNS,
    REPAIRED,
    TOOL,
    Score,
    Turn,
    UseWatch,
)
from windsock.core.evidence.use.words import repairs, same_question, tool_failed


def turn(name: str, at: float, words: str = "and then?", **facts: object) -> Turn:
    said = {"question": same_question(words), "words": words, "answer": f"answer {name}", **facts}
    return Turn(decision_id=name, at=at, **said)  # type: ignore[arg-type]


def told(scores: list[Score]) -> dict[tuple[str, str], float]:
    return {(name, source): value for name, source, value in scores}


def test_a_turn_that_goes_on_speaks_well_of_the_answer_before() -> None:
    watch = UseWatch()
    assert watch.note(turn("a", 0.0, "What is 2 + 2?")) == []
    scores = watch.note(turn("b", 60.0, "And 3 + 3?", quotes="answer a"))
    assert told(scores) == {("a", AGAIN): 1.0, ("a", REPAIRED): 1.0, ("a", LEFT): 1.0}


def test_the_same_question_again_within_minutes_and_one_put_right_speak_against_it() -> None:
    watch = UseWatch()
    watch.note(turn("a", 0.0, "What is 2 + 2?"))
    again = watch.note(turn("b", 60.0, "  what is 2 + 2", quotes="answer a"))
    assert told(again) == {("a", AGAIN): 0.0, ("a", LEFT): 1.0}
    right = watch.note(turn("c", 90.0, "No, that's wrong: 2 + 3", quotes="answer b"))
    assert told(right)["b", REPAIRED] == 0.0


def test_the_same_question_an_hour_later_is_a_new_one() -> None:
    watch = UseWatch()
    watch.note(turn("a", 0.0, "How is the weather?"))
    later = watch.note(turn("b", AGAIN_S + 1, "How is the weather?", quotes="answer a"))
    assert told(later)["a", AGAIN] == 1.0


def test_an_answer_made_anew_in_a_session_is_asked_again() -> None:
    """The button that asks again sends the same request: the answer is quoted nowhere."""
    watch = UseWatch()
    watch.note(turn("a", 0.0, "What is 2 + 2?", session="s"))
    anew = watch.note(turn("b", 9.0, "What is 2 + 2?", session="s"))
    assert told(anew) == {("a", AGAIN): 0.0, ("a", LEFT): 1.0}
    assert watch.note(turn("c", 20.0, "Another thing", session="s")) == []


def test_equal_requests_that_nothing_binds_together_say_nothing() -> None:
    """A job that classifies the same text twice, or samples ten answers."""
    watch = UseWatch()
    for number in range(10):
        assert watch.note(turn(str(number), number, "Label this: x")) == []
    assert watch.expire(LEFT_S * 3) == []


@pytest.mark.parametrize(("fails", "value"), [(True, 0.0), (False, 1.0)])
def test_results_of_tools_speak_of_the_call(fails: bool, value: float) -> None:
    watch = UseWatch()
    watch.note(turn("a", 0.0))
    facts = {"quotes": "answer a", "tool_fails": fails, "has_question": False}
    assert told(watch.note(turn("b", 2.0, **facts))) == {("a", TOOL): value}


def test_a_conversation_that_nobody_goes_on_with_was_left() -> None:
    watch = UseWatch()
    watch.note(turn("a", 0.0))
    watch.note(turn("b", 60.0, quotes="answer a"))
    assert watch.expire(61.0) == []
    assert told(watch.expire(61.0 + LEFT_S)) == {("b", AGAIN): 1.0, ("b", LEFT): 0.0}
    assert len(watch) == 0


def test_what_is_waited_for_is_bounded() -> None:
    watch = UseWatch()
    for number in range(MOST_TURNS + 50):
        watch.note(turn(str(number), 0.0, session=f"s{number}"))
    assert watch.expire(1.0) == []
    assert len(watch) == MOST_TURNS


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("No, that's not what I meant", True),
        ("That is wrong", True),
        ("I asked for French", True),
        ("It still doesn’t work", True),
        ("you forgot the last line", True),
        ("Nein, das stimmt nicht", True),
        ("不对", True),
        ("No problem, thanks", False),
        ("Not bad at all", False),
        ("Now the next one", False),
        ("Nothing else, thank you", False),
        ("Note that the wrong one is below", False),
    ],
)
def test_how_people_put_an_answer_right(text: str, is_so: bool) -> None:
    assert repairs(text) is is_so


@pytest.mark.parametrize(
    ("content", "is_so"),
    [
        ('{"error": {"message": "no such city"}}', True),
        ('{"isError": true, "content": []}', True),
        ('{"status": "FAILED"}', True),
        ('{"success": false}', True),
        ("error: file not found", True),
        ("ValueError: invalid literal", True),
        ("Traceback (most recent call last):\n …", True),
        ('{"error": null, "rows": 3}', False),
        ('{"errors_found": 0}', False),
        ("The page describes error handling", False),
        ("", False),
        ("[]", False),
    ],
)
def test_results_of_tools_that_failed(content: str, is_so: bool) -> None:
    assert tool_failed(content) is is_so


def plain_distance(a: str, b: str) -> int:
    """The textbook's table, to hold the fast one against."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_the_edit_distance_is_levenshteins(a: str, b: str) -> None:
    longest = max(len(a), len(b))
    wanted = 1.0 - plain_distance(a, b) / longest if longest else 1.0
    assert kept_share(a, b) == pytest.approx(wanted)


def test_what_was_used_as_it_was_is_whole_and_long_texts_are_compared_by_words() -> None:
    assert kept_share("a text\n", "  a text  ") == 1.0
    assert kept_share("abcd", "") == 0.0
    long = "one two three four five " * 400
    assert kept_share(long, long.replace("five", "six")) == pytest.approx(0.8, abs=1e-6)
