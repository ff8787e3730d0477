"""A verdict is read where it is clear, and is none where it is not: never a guess, never a 0.

What judges are reported to reply, from public issues of evaluation tools: a number among words
(openagent-eval 74), prose that became 0 (water 57, luminary 34), fences (lightspeed-evaluation
285), a reply without the field (vllm-omni 7317).
"""

from itertools import product

import pytest

from windsock.core.evidence.judging.verdicts import against_reference, better_in, score_in


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"score": 0.7}', 0.7),
        ('{"score": 1}', 1.0),
        ('{"score": 0}', 0.0),
        ('{"score": "0.85"}', 0.85),
        ('```json\n{"score": 0.63}\n```', 0.63),
        ('Here is my evaluation:\n{"score": 0.45}\nHope this helps!', 0.45),
        ('<think>{"a": 1} is no verdict</think>{"score": 0.2}', 0.2),
        ('{"score": 0.4} {"score": 0.4}', 0.4),
        ('{ "reason": "a brace { in words", "score": 0.3 }', 0.3),
    ],
)
def test_a_clear_score_is_read_however_it_is_wrapped(reply: str, score: float) -> None:
    assert score_in(reply) == score


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot evaluate this.",
        "There are 5 reasons why this is a score of 9",
        "This is not excellent but acceptable",
        "Score: 0.9",
        '{"rationale": "Could not evaluate this answer"}',
        '{"score": "invalid"}',
        '{"score": null}',
        '{"score": true}',
        '{"score": [1]}',
        '{"score": 8}',
        '{"score": -0.1}',
        '{"score": NaN}',
        '{"score": Infinity}',
        '{"score": "1e0"}',
        '{"score": 0.9',
        "[0.9]",
        "{" * 5000,
        '{"score": 1} said the answer, but I say {"score": 0.1}',
        '{"score": 0.8}{"score": "high"}',
    ],
)
def test_what_is_not_clear_is_no_score(reply: str) -> None:
    assert score_in(reply) is None


@pytest.mark.parametrize(
    ("reply", "better"),
    [
        ('{"better": "first"}', "first"),
        ('{"better": " Second "}', "second"),
        ('```\n{"better": "equal"}\n```', "equal"),
        ('{"better": "third"}', None),
        ("first", None),
        ('{"better": "first"} {"better": "second"}', None),
        ('{"better": 1}', None),
    ],
)
def test_which_of_two_is_better_is_read_alike(reply: str, better: str | None) -> None:
    assert better_in(reply) == better


def test_a_pair_is_won_in_both_orders_or_not_at_all() -> None:
    said = ("first", "second", "equal")
    worth = {pair: against_reference(*pair) for pair in product(said, said)}
    assert worth["first", "second"] == 1.0 and worth["second", "first"] == 0.0
    assert worth["first", "first"] == worth["second", "second"] == worth["equal", "equal"] == 0.5
    assert worth["first", "equal"] == worth["equal", "second"] == 0.75
    assert worth["second", "equal"] == worth["equal", "first"] == 0.25
