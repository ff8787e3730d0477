"""Declared checks of an answer, and the confidence they give."""

import re

import pytest

from windsock.core.evidence.checks.declared import Checks, confidence


def said(text: str | None, *arguments: str) -> dict:
    calls = [{"function": {"name": "look", "arguments": each}} for each in arguments]
    return {"role": "assistant", "content": text, "tool_calls": calls or None}


@pytest.mark.parametrize(
    ("checks", "message", "holds"),
    [
        (Checks(), said(""), True),
        (Checks(non_empty=True), said(" \n"), False),
        (Checks(non_empty=True), said(None, "{}"), True),
        (Checks(json=True), said('{"a": 1}'), True),
        (Checks(json=True), said("[1, 2"), False),
        (Checks(json=True), said(None, "{}"), True),
        (Checks(required_keys=("a", "b")), said('{"a": 1, "b": 2}'), True),
        (Checks(required_keys=("a", "b")), said('{"a": 1}'), False),
        (Checks(required_keys=("a",)), said('["a"]'), False),
        (Checks(pattern=re.compile(r"\d{4}")), said("in 1984"), True),
        (Checks(pattern=re.compile(r"\d{4}")), said("in 84"), False),
        (Checks(tool_calls=True), said(None, '{"where": "here"}'), True),
        (Checks(tool_calls=True), said(None, '{"where": '), False),
        (Checks(tool_calls=True), said("no call at all"), True),
        (Checks(tool_calls=True), said(None, "[1]"), False),
        (Checks(tool_calls=True), {"content": None, "tool_calls": ["no call"]}, True),
        (Checks(tool_calls=True), {"content": None, "tool_calls": [{"function": "no"}]}, True),
        (Checks(json=True), said(None), False),
        (Checks(json=True), said("prose", "{}"), False),
        (Checks(no_refusal=True), said("I'm sorry, but I cannot help with that."), False),
        (Checks(no_refusal=True), said("Sorting is what I do: 1, 2, 3"), True),
    ],
)
def test_a_check_says_whether_an_answer_counts_as_good(checks, message, holds) -> None:
    assert checks.holds(message) is holds


def test_a_failed_check_is_no_confidence_and_a_passed_one_leaves_what_logprobs_say() -> None:
    checks = Checks(json=True)
    assert confidence(checks, said("{"), 0.99) == 0.0
    assert confidence(checks, said("{}"), 0.7) == 0.7
    assert confidence(checks, said("{}"), None) == 1.0
    assert confidence(None, said("{}"), None) is None
    assert confidence(None, said("{"), 0.4) == 0.4
