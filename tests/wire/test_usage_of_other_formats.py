"""Counts in other formats than chat: what their providers' likenesses send, and what clients who
speak them are told of a chat provider's own dialect."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from windsock.core.model.requests import RouteRequest
from windsock.core.model.units import Usage
from windsock.providers.presets import known_providers, traits_of
from windsock.wire.format import ProviderTraits
from windsock.wire.formats.generate_content.answer import usage_of as geminis_usage
from windsock.wire.formats.messages.answer import usage_of as messages_usage
from windsock.wire.formats.responses.output import usage_view
from windsock.wire.registry import LANGUAGES, formats_of
from windsock.wire.request import Operation, UpstreamRequest

ASKED = UpstreamRequest(raw=b"{}", request=RouteRequest(model="m"), wants_usage=True)
LANGUAGE = {"anthropic_messages": "messages", "openai_responses": "responses",
            "gemini_content": "generate_content"}  # fmt: skip
SAID = [{"type": "text", "text": "x"}]


def body_of(form: str, usage: dict[str, Any]) -> dict[str, Any]:
    if form == "anthropic_messages":
        return {"id": "m", "content": SAID, "stop_reason": "end_turn", "usage": usage}
    if form == "gemini_content":
        candidate = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
        return {"candidates": [candidate], "usageMetadata": usage}
    said = [{"type": "output_text", "text": "x"}]
    output = [{"type": "message", "role": "assistant", "content": said}]
    return {"id": "r", "status": "completed", "output": output, "usage": usage}


@pytest.mark.parametrize("is_native", [False, True])
@pytest.mark.parametrize(
    ("form", "usage", "counted"),
    [
        ("anthropic_messages", {"input_tokens": 100, "output_tokens": 20, "total_tokens": 120,
                                "cache_read_input_tokens": 75}, (25, 75, 0, 20)),
        ("anthropic_messages", {"input_tokens": 100, "output_tokens": 20,
                                "cache_read_input_tokens": 75}, (100, 75, 0, 20)),
        ("anthropic_messages", {"input_tokens": 3610, "cache_read_input_tokens": 3604,
                                "prompt_tokens_details": {"cached_tokens": 3604},
                                "output_tokens": 878}, (6, 3604, 0, 878)),
        ("anthropic_messages", {"prompt_tokens": 10, "completion_tokens": 3}, (10, 0, 0, 3)),
        ("anthropic_messages", {"input_tokens": 10.0, "output_tokens": "3"}, (10, 0, 0, 3)),
        ("openai_responses", {"prompt_tokens": 10, "completion_tokens": 4}, (10, 0, 0, 4)),
        ("openai_responses", {"input_tokens": 10, "output_tokens": 4, "total_tokens": 104,
                              "output_tokens_details": {"reasoning_tokens": 90}}, (10, 0, 90, 4)),
        ("gemini_content", {"promptTokenCount": 10.0, "candidatesTokenCount": 4,
                            "thoughtsTokenCount": "90"}, (10, 0, 90, 4)),
        ("gemini_content", {"promptTokenCount": 4500, "candidatesTokenCount": 5,
                            "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 1200},
                                                   {"modality": "IMAGE", "tokenCount": 800}]},
         (2500, 2000, 0, 5)),
    ],
)  # fmt: skip
def test_what_a_likeness_of_a_format_counts_adds_up(form, usage, counted, is_native) -> None:
    traits = ProviderTraits()
    told = formats_of(form, traits)[Operation.CHAT]
    format_ = LANGUAGES[LANGUAGE[form]](traits) if is_native else told
    answer = format_.answer(json.dumps(body_of(form, usage)).encode(), ASKED)
    assert answer is not None
    fresh, cached, thought, shown = counted
    assert answer.facts.usage == Usage(
        input_tokens=fresh, cache_read_tokens=cached, reasoning_tokens=thought, output_tokens=shown
    )


def test_what_responses_bill_beside_counts_is_heard() -> None:
    ran = {"web_search_calls": 1, "x_search_calls": 2}
    usage: dict[str, Any] = {
        "input_tokens": 9000,
        "output_tokens": 3400,
        "cost_in_usd_ticks": 28000000,
    }
    usage["server_side_tool_usage_details"] = ran
    native = LANGUAGES["responses"](traits_of(known_providers()["xai"]))
    answer = native.answer(json.dumps(body_of("openai_responses", usage)).encode(), ASKED)
    assert answer is not None and answer.facts.usage is not None
    assert answer.facts.billed_usd == Decimal("0.0028")
    assert answer.facts.usage.searches == 3


DIALECTS = [
    {"prompt_tokens": 1300, "completion_tokens": 30, "total_tokens": 1330, "cached_tokens": 1280},
    {"inputTokens": 1300, "inputTokenDetails": {"cacheReadTokens": 1280}, "outputTokens": 30},
    {"prompt_cache_hit_tokens": 1280, "prompt_cache_miss_tokens": 20, "completion_tokens": 30},
]


@pytest.mark.parametrize("usage", DIALECTS)
def test_clients_of_other_formats_are_told_what_was_counted(usage: dict[str, Any]) -> None:
    message = messages_usage({"usage": usage})
    assert (message["input_tokens"], message["cache_read_input_tokens"]) == (20, 1280)
    response = usage_view(usage)
    assert response is not None
    assert response["input_tokens_details"]["cached_tokens"] == 1280
    assert (response["input_tokens"], response["output_tokens"]) == (1300, 30)
    gemini = geminis_usage(usage)
    assert (gemini["promptTokenCount"], gemini["cachedContentTokenCount"]) == (1300, 1280)
    assert message["output_tokens"] == gemini["candidatesTokenCount"] == 30


def test_thoughts_beside_the_answer_are_told_within_it() -> None:
    usage = {"prompt_tokens": 15, "completion_tokens": 3, "total_tokens": 418,
             "completion_tokens_details": {"reasoning_tokens": 400}}  # fmt: skip
    assert messages_usage({"usage": usage})["output_tokens"] == 403
    response, gemini = usage_view(usage), geminis_usage(usage)
    assert response is not None and response["output_tokens"] == 403
    assert (gemini["candidatesTokenCount"], gemini["thoughtsTokenCount"]) == (3, 400)


@pytest.mark.parametrize("form", LANGUAGE)
def test_a_provider_that_answers_as_a_chat_is_read_as_one(form: str) -> None:
    message = {"role": "assistant", "content": "hi"}
    used = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    format_ = formats_of(form, ProviderTraits())[Operation.CHAT]
    answer = format_.answer(json.dumps({"choices": [choice], "usage": used}).encode(), ASKED)
    assert answer is not None and answer.facts.usage == Usage(input_tokens=10, output_tokens=2)
    assert answer.message == message and not answer.facts.is_empty
