"""A conversation that is words alone is known for it by one look, as by looking for all else."""

import json
from itertools import product
from typing import Any

import pytest

from windsock.core.model.requests import PREFILL_MARK
from windsock.wire.adaptation.conversation import _is_plain
from windsock.wire.adaptation.marks import marks_of
from windsock.wire.adaptation.plain_turns import NO_TURNS, turns_of
from windsock.wire.formats.chat.reading import read_chat

ROLES = ("system", "user", "assistant", "developer", "tool")
PICTURE = {"type": "image_url", "image_url": {"url": "https://x/y.png"}}


def raw(*turns: dict[str, Any]) -> bytes:
    return json.dumps(turns).encode()


def test_what_is_plain_by_its_turns_is_so_by_its_bytes() -> None:
    for count in range(4):
        for roles in product(ROLES, repeat=count):
            messages = raw(*({"role": role, "content": "some words"} for role in roles))
            turns = turns_of(messages)
            assert turns.is_words
            assert turns.is_plain == _is_plain(messages), roles


def test_marks_of_words_are_those_of_their_bytes() -> None:
    for roles in product(ROLES, repeat=2):
        messages = raw(*({"role": role, "content": "some words"} for role in roles))
        marks = turns_of(messages).marks
        assert marks == marks_of(messages)
        assert (PREFILL_MARK in marks) == (roles[-1] == "assistant")


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "user", "content": [PICTURE]},
        {"role": "user", "content": "hi", "name": "ada"},
        {"role": "assistant", "content": "hi", "reasoning_content": "well"},
        {"role": "tool", "content": "12", "tool_call_id": "call_1"},
        {"role": "user", "content": None},
    ],
)
def test_more_than_words_is_looked_at(turn: dict[str, Any]) -> None:
    turns = turns_of(raw({"role": "user", "content": "hi"}, turn))
    assert not turns.is_words
    assert not turns.is_plain
    assert len(turns.listed) == 2, "its beginning names a session all the same"


def test_words_about_pictures_need_no_eyes() -> None:
    said = 'what is "image_url", and what "tool_call_id"?'
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": said}]}).encode()
    asked = read_chat(body, namespace="default")
    assert asked.is_plain
    assert not asked.request.needs


@pytest.mark.parametrize("messages", [b"[1]", b'"hi"', b"{}", b"[", b'[{"role": 3}]'])
def test_what_is_no_conversation_has_no_turns(messages: bytes) -> None:
    assert turns_of(messages) == NO_TURNS
