"""Counts that cannot be are replaced, each family of tokens for itself; what can be stands."""

import pytest

from windsock.core.evidence.usage_check import (
    HIDDEN_ANSWER,
    HIDDEN_PROMPT,
    HIDDEN_REASONING,
    MOST_SEARCHES,
    checked_usage,
)
from windsock.core.model.catalog import Capabilities
from windsock.core.model.units import Family, Usage

OWN = Usage(input_tokens=50, output_tokens=30)
UNKNOWN = Capabilities()
KNOWN = Capabilities(context_tokens=8192, max_output_tokens=4096)
NONE: frozenset[Family] = frozenset()


def checked(stated: Usage | None, has: Capabilities = UNKNOWN, **facts: int):
    return checked_usage(stated, NONE, OWN, has, **facts)


def test_what_nobody_counted_is_estimated_and_not_doubted() -> None:
    found = checked(None)
    assert (found.usage, found.is_estimated, found.doubt) == (OWN, True, "")


@pytest.mark.parametrize(
    ("together", "prompt"),
    [(80, 50), (120, 75), (96, 60), (20, 12), (5000, 75), (1, 0), (10**6, None)],
)
def test_a_count_of_prompt_and_answer_together_is_divided_as_they_are_here(
    together: int, prompt: int | None
) -> None:
    found = checked(None, undivided=together)
    if prompt is None:
        assert (found.usage, bool(found.doubt)) == (OWN, True)
        return
    assert (found.usage.prompt_tokens, found.is_estimated, found.doubt) == (prompt, True, "")
    assert found.usage.prompt_tokens + found.usage.completion_tokens == together


@pytest.mark.parametrize(
    ("stated", "has"),
    [
        (Usage(input_tokens=100, output_tokens=30), UNKNOWN),
        (Usage(input_tokens=300_000, output_tokens=10), UNKNOWN),
        (Usage(input_tokens=100, output_tokens=HIDDEN_ANSWER), UNKNOWN),
        (Usage(input_tokens=100, output_tokens=1, reasoning_tokens=HIDDEN_REASONING), UNKNOWN),
        (Usage(input_tokens=8192, output_tokens=4097), KNOWN),
        (Usage(input_tokens=60_000, output_tokens=10, web_searches=5), KNOWN),
    ],
)
def test_what_can_be_stands(stated: Usage, has: Capabilities) -> None:
    found = checked(stated, has)
    assert (found.usage, found.is_estimated, found.doubt) == (stated, False, "")


def test_one_family_is_replaced_and_the_other_stands() -> None:
    answer = checked(Usage(input_tokens=100, cache_read_tokens=20, output_tokens=10**12))
    assert answer.usage == Usage(input_tokens=100, cache_read_tokens=20, output_tokens=30)
    prompt = checked(Usage(input_tokens=HIDDEN_PROMPT + 201, output_tokens=7))
    assert prompt.usage == Usage(input_tokens=50, output_tokens=7)
    assert answer.is_estimated and prompt.is_estimated
    assert "answer" in answer.doubt and "prompt" in prompt.doubt


def test_limits_that_are_known_bind() -> None:
    assert checked(Usage(input_tokens=10, output_tokens=5000), KNOWN).doubt
    assert not checked(Usage(input_tokens=10, output_tokens=5000), KNOWN, choices=2).doubt
    assert checked(Usage(input_tokens=9000, output_tokens=10), KNOWN).doubt


def test_a_limit_below_what_came_is_wrong_itself() -> None:
    low = Capabilities(context_tokens=4, max_output_tokens=1)
    assert not checked(Usage(input_tokens=60, output_tokens=40), low).doubt


def test_a_prompt_of_which_only_the_cached_part_was_said_is_filled_up() -> None:
    cached = Usage(cache_read_tokens=20, output_tokens=30)
    found = checked_usage(cached, frozenset({Family.PROMPT}), OWN, UNKNOWN)
    assert found.usage == Usage(input_tokens=30, cache_read_tokens=20, output_tokens=30)


def test_searches_have_an_end() -> None:
    found = checked(Usage(input_tokens=10, output_tokens=10, web_searches=MOST_SEARCHES + 1))
    assert (found.usage.web_searches, found.is_estimated) == (0, True)
