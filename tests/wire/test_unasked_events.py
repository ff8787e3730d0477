"""Events that came where a whole answer was asked for, in the client's own format."""

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
from windsock.wire.request import UpstreamRequest

ASKED = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=False)
SPOKEN: list[tuple[Any, Any]] = [
    (NativeMessages(ProviderTraits()), fake_messages),
    (NativeContent(ProviderTraits()), fake_gemini),
    (NativeResponses(ProviderTraits()), fake_responses),
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
