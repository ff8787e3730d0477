"""Thoughts that models write into their text, between tags, are nothing to show."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.upstream import stream_of
from windsock.wire import json_codec
from windsock.wire.formats.openai_chat_stream import ChatStreamScanner
from windsock.wire.formats.openai_ends import shows

NOTHING = [
    "<think>Let me see: 2 < 3.</think>",
    "<think>Let me see.</think>\n\n",
    "\n<think>\n\n</think>\n",
    "<thinking>Hm.</thinking>",
    "<think>One.</think>\n<think>Two.</think>",
    "<think>It was cut off",
    "<seed:think>Hm.</seed:think>",
    "[THINK]Hm.[/THINK]",
    "◁think▷Hm.◁/think▷",
    "<|channel|>analysis<|message|>We need to answer.",
    "<|channel|>analysis<|message|>Hm.<|end|>",
    "<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>",
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|channel>thought\nHm.<channel|>",
]
SOMETHING = [
    "<think>Let me see.</think>4",
    "<think></think>\n\nHello",
    "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>4",
    "<|channel|>final<|message|>four",
    "<|im_start|>x!",
    "<b>bold</b>",
    "<",
    "<thinner>",
    "[1, 2]",
    "[THIN",
    "It is written <think> at the beginning and </think> at the end.",
    "4 > 3",
    "Done.\n",
    "```html\n<p></p>\n```",
]
OPENED_ELSEWHERE = ["Okay, they ask for a sum.</think>", "Hm.\n</think>\n\n"]


@pytest.mark.parametrize("text", NOTHING + OPENED_ELSEWHERE)
def test_an_answer_of_thoughts_alone_shows_nothing(text: str) -> None:
    assert not shows({"content": text})
    assert not shows({"content": [{"type": "text", "text": text}]})


@pytest.mark.parametrize("text", SOMETHING)
def test_what_stands_beside_thoughts_is_shown(text: str) -> None:
    assert shows({"content": text})


def fed(words: list[str], together: int = 1) -> ChatStreamScanner:
    scanner = ChatStreamScanner()
    events = stream_of(words)
    parts = [events[at : at + together] for at in range(0, len(events), together)]
    assert b"".join(b"".join(scanner.feed(b"".join(part))) for part in parts) + b"".join(
        scanner.rest()
    ) == b"".join(stream_of(words, usage=False, done=False))
    return scanner


@given(
    text=st.sampled_from(NOTHING + SOMETHING),
    at=st.lists(st.integers(1, 60), max_size=20),
    together=st.integers(1, 5),
)
def test_a_stream_says_the_same_wherever_it_is_cut(text: str, at: list[int], together: int) -> None:
    places = sorted({0, len(text), *(place for place in at if place < len(text))})
    scanner = fed([text[i:j] for i, j in pairwise(places)], together)
    assert scanner.facts().is_empty is (text in NOTHING)
    assert scanner.is_complete


def test_thoughts_between_tags_are_content_that_has_come() -> None:
    scanner = ChatStreamScanner()
    for each in stream_of(["<think>", "Hm."])[:3]:
        list(scanner.feed(each))
    assert (scanner.has_content, scanner.has_answer) == (True, False)
    list(scanner.feed(stream_of(["</think>"])[1]))
    list(scanner.feed(stream_of(["4"])[1]))
    assert scanner.has_answer


def test_thoughts_are_not_read_event_by_event() -> None:
    """They are most of what such a model sends, and nothing is looked for in them but their end."""
    read: list[str] = []

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == json_codec.__file__:
            read.append(frame.f_code.co_name)

    sys.setprofile(count)
    try:
        scanner = fed(["<think>", *(["word "] * 500), "</think>", "4", *([" more"] * 100)])
    finally:
        sys.setprofile(None)
    assert not scanner.facts().is_empty
    assert len(read) < 20
