"""How a whole answer ended: an answer, nothing, or a failure that its provider names."""

from __future__ import annotations

import pytest

from windsock.core.evidence.answer_ends import AT_LIMIT, FAILED, REFUSED, AnswerEnd
from windsock.core.model.calls import CallKind


def end(finish: str | None, *, is_empty: bool = True, **facts) -> AnswerEnd:
    return AnswerEnd(finish_reason=finish, is_empty=is_empty, **facts)


@pytest.mark.parametrize("word", sorted(FAILED))
@pytest.mark.parametrize("form", ["{}", "function_call_filter: {}"])
def test_a_failure_that_is_named_is_one_whatever_was_shown(word, form) -> None:
    for spelt in (word, word.upper()):
        ended = end(form.format(spelt), is_empty=False)
        assert ended.kind(may_be_empty=True) is CallKind.SERVER_ERROR


@pytest.mark.parametrize("word", ["stop", "eos", "tool_calls", "end_turn", "", None, "error_free"])
def test_any_other_word_ends_an_answer_if_it_shows_anything(word) -> None:
    assert end(word, is_empty=False).kind() is CallKind.ANSWERED
    assert end(word).kind() is CallKind.EMPTY_ANSWER
    assert end(word).kind(may_be_empty=True) is CallKind.ANSWERED


@pytest.mark.parametrize("word", sorted(REFUSED))
def test_what_a_filter_left_nothing_of_is_an_answer_unless_the_route_asks_elsewhere(word) -> None:
    assert end(word).kind() is CallKind.ANSWERED
    assert end(word).kind(takes_content_elsewhere=True) is CallKind.CONTENT_REFUSED
    shown = end(word, is_empty=False)
    assert shown.kind(takes_content_elsewhere=True) is CallKind.ANSWERED


@pytest.mark.parametrize("word", sorted(AT_LIMIT))
@pytest.mark.parametrize(
    ("has_limit", "tokens", "kind"),
    [
        (True, 50, CallKind.ANSWERED),
        (True, None, CallKind.ANSWERED),
        (True, 0, CallKind.EMPTY_ANSWER),
        (False, 50, CallKind.EMPTY_ANSWER),
        (False, None, CallKind.EMPTY_ANSWER),
    ],
)
def test_nothing_at_a_limit_is_an_answer_if_the_limit_was_the_callers(
    word, has_limit, tokens, kind
) -> None:
    assert end(word, has_limit=has_limit, output_tokens=tokens).kind() is kind
