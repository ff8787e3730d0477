"""Events that came where a whole answer was asked for, and the other way, in each format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.providers import fake_gemini, fake_messages, fake_responses
from windsock.core.model.requests import RouteRequest
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.anthropic.native import NativeMessages
from windsock.wire.formats.gemini.native import NativeContent
from windsock.wire.formats.openai_responses.native import NativeResponses
from windsock.wire.registry import formats_of
from windsock.wire.request import Operation, UpstreamRequest

ASKED = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=False)
SPOKEN: list[tuple[Any, Any]] = [
    (NativeMessages(ProviderTraits()), fake_messages),
    (NativeContent(ProviderTraits()), fake_gemini),
    (NativeResponses(ProviderTraits()), fake_responses),
]
TRANSLATED: list[tuple[str, Any]] = [
    ("anthropic_messages", fake_messages),
    ("gemini_content", fake_gemini),
    ("openai_responses", fake_responses),
]
BODIES: list[dict[str, Any]] = [
    {},
    {"tools": [{"type": "function", "name": "f"}]},
    {"thinking": {"budget_tokens": 1}, "generationConfig": {"thinkingConfig": {}},
     "reasoning": {"effort": "low"}},
]  # fmt: skip


def streamed(fake: Any, body: dict[str, Any]) -> list[bytes]:
    return [
        fake.sent(each) if fake is fake_gemini else fake_messages.sent(each)
        for each in fake.events({"model": "m", **body})
    ]


def joined(told: Any) -> Any:
    """With the texts of Gemini's parts in one, as in a whole answer."""
    for each in told.get("candidates", ()):
        parts: list[dict[str, Any]] = []
        for part in each["content"]["parts"]:
            if parts and "text" in part and parts[-1].keys() == part.keys():
                parts[-1]["text"] += part["text"]
            elif part.get("text") != "":
                parts.append(dict(part))
        each["content"]["parts"] = parts
    return told


@pytest.mark.parametrize(("spoken", "fake"), SPOKEN)
@pytest.mark.parametrize("body", BODIES)
def test_they_add_up_to_the_whole_answer(spoken, fake, body) -> None:
    made = spoken.answer(b"".join(streamed(fake, body)), ASKED)
    whole = spoken.answer(bytes(fake.plain({"model": "m", **body}).body), ASKED)
    assert made is not None and whole is not None
    assert joined(json.loads(made.raw)) == json.loads(whole.raw)
    assert made.facts == whole.facts


@pytest.mark.parametrize(("spoken", "fake"), SPOKEN)
def test_those_that_break_off_are_no_answer_and_an_error_is_one(spoken, fake) -> None:
    events = streamed(fake, {})
    assert spoken.answer(b"".join(events[:2]), ASKED) is None
    error = b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}\n\n'
    failed = spoken.answer(b"".join(events[:2]) + error, ASKED)
    assert failed is not None and b"overloaded_error" in (failed.error or b"")


def test_parts_of_several_answers_stand_in_their_order() -> None:
    texts = [(place, f"{place}-{number}") for number in range(50) for place in (1, 0)]
    ends = [{"candidates": [{"index": place, "finishReason": "STOP"}]} for place in (0, 1)]
    parts = [
        {"candidates": [{"index": place, "content": {"parts": [{"text": text}]}}]}
        for place, text in texts
    ]
    events = b"".join(fake_gemini.sent(each) for each in (*parts, *ends))
    made = NativeContent(ProviderTraits()).answer(events, replace(ASKED, choices=2))
    assert made is not None
    for each in json.loads(made.raw)["candidates"]:
        told = [part["text"] for part in each["content"]["parts"]]
        assert told == [text for place, text in texts if place == each["index"]]


@pytest.mark.parametrize(("spoken", "fake"), SPOKEN)
@pytest.mark.parametrize("body", BODIES)
def test_a_whole_answer_is_told_as_the_events_that_were_asked_for(spoken, fake, body) -> None:
    whole = bytes(fake.plain({"model": "m", **body}).body)
    scanner = spoken.scanner(ASKED)
    passed = [*scanner.feed(whole[:9]), *scanner.feed(whole[9:]), *scanner.rest()]
    assert scanner.is_complete and scanner.has_answer and scanner.error is None
    made = spoken.answer(b"".join(passed) + scanner.ending(None), ASKED)
    told = spoken.answer(whole, ASKED)
    assert made is not None and json.loads(made.raw) == json.loads(whole)
    facts = scanner.facts()
    assert (facts.usage, facts.finish_reason) == (told.facts.usage, told.facts.finish_reason)


@pytest.mark.parametrize(("language", "fake"), TRANSLATED)
@pytest.mark.parametrize("body", BODIES)
def test_so_it_is_told_to_who_speaks_another_format(language, fake, body) -> None:
    chat = formats_of(language, ProviderTraits())[Operation.CHAT]
    whole = bytes(fake.plain({"model": "m", **body}).body)
    scanner = chat.scanner(ASKED)
    assert [*scanner.feed(whole), *scanner.rest()]
    told = chat.answer(whole, ASKED)
    assert scanner.is_complete and told is not None
    facts = scanner.facts()
    assert (facts.usage, facts.finish_reason) == (told.facts.usage, told.facts.finish_reason)


@pytest.mark.parametrize(("spoken", "fake"), SPOKEN)
@pytest.mark.parametrize("raw", [b"{}", b"[]", b"7", b'"x"', b"<p>", b'{"object": "list"}', b"\n"])
def test_what_is_no_answer_tells_nothing(spoken, fake, raw) -> None:
    scanner = spoken.scanner(ASKED)
    passed = b"".join([*scanner.feed(raw), *scanner.rest()])
    assert not scanner.is_complete and not scanner.has_content
    assert not passed or spoken is SPOKEN[1][0]


@pytest.mark.parametrize(("spoken", "fake"), SPOKEN)
def test_an_answer_that_follows_its_own_events_is_not_told_again(spoken, fake) -> None:
    scanner, whole = spoken.scanner(ASKED), bytes(fake.plain({"model": "m"}).body)
    assert [*scanner.feed(b"".join(streamed(fake, {})))] and scanner.is_complete
    assert [*scanner.feed(whole), *scanner.rest()] == [] and scanner.error is None
