"""The tier that is asked for and the one that answered, in every dialect's words."""

import pytest

from windsock.errors import BadRequest
from windsock.wire.formats.anthropic.request import messages_body
from windsock.wire.formats.chat.reading import read_chat
from windsock.wire.formats.converse.answer import events_of, message_of
from windsock.wire.formats.converse.request import converse_body
from windsock.wire.formats.gemini.answer import usage_of as gemini_usage
from windsock.wire.formats.gemini.request import content_body
from windsock.wire.formats.messages.messages import Messages
from windsock.wire.formats.openai_usage import usage_of
from windsock.wire.service_tiers import tier_of

ASKED = {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("body", "tier"),
    [
        ({"service_tier": "default"}, "default"),
        ({"service_tier": "Priority"}, "priority"),
        ({"service_tier": "on_demand", "x_groq": {"service_tier": "flex"}}, "on_demand"),
        ({"x_groq": {"service_tier": "flex"}}, "flex"),
        ({"usage": {"service_tier": "batch"}}, "batch"),
        ({"usage": {"service_tier": "standard", "speed": "fast"}}, "fast"),
        ({"usage": {"service_tier": "priority", "speed": "standard"}}, "priority"),
        ({"serviceTier": {"type": "flex"}}, "flex"),
        ({"usageMetadata": {"trafficType": "ON_DEMAND_PRIORITY"}}, "priority"),
        ({"usageMetadata": {"trafficType": "ON_DEMAND"}}, "on_demand"),
        ({"usage": {"extra_properties": {"google": {"traffic_type": "ON_DEMAND_FLEX"}}}}, "flex"),
        ({"service_tier": 3, "usage": ["flex"], "serviceTier": "flex"}, None),
        ({"service_tier": "x" * 99, "usage": {"speed": ""}}, None),
        ({}, None),
    ],
)
def test_an_answer_names_the_tier_that_served_it(body, tier) -> None:
    assert tier_of(body) == tier


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({}, None),
        ({"service_tier": "auto"}, "auto"),
        ({"service_tier": "standard_only"}, "default"),
        ({"speed": "fast"}, "fast"),
        ({"speed": "fast", "service_tier": "standard_only"}, "fast"),
        ({"speed": "standard"}, None),
    ],
)
def test_a_message_asks_for_a_tier_in_anthropics_words(said, tier) -> None:
    assert Messages().asked({**ASKED, **said}).get("service_tier") == tier


@pytest.mark.parametrize(
    "said", [{"speed": "faster"}, {"speed": 2}, {"service_tier": "flex"}, {"service_tier": []}]
)
def test_another_word_is_told_with_those_that_may_be_sent(said) -> None:
    (field,) = said
    with pytest.raises(BadRequest, match="send one") as told:
        Messages().asked({**ASKED, **said})
    assert told.value.param == field


@pytest.mark.parametrize(
    ("tier", "words"),
    [
        ("default", {"service_tier": "standard"}),
        ("fast", {"speed": "fast"}),
        ("priority", {"service_tier": "priority"}),
        (None, {}),
    ],
)
def test_a_message_tells_the_tier_that_served_it(tier, words) -> None:
    answer = {
        "service_tier": tier,
        "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1},
    }
    usage = Messages().answered(answer)["usage"]
    assert {name: usage.get(name) for name in words} == words
    assert bool(words) or "service_tier" not in usage


def test_a_chats_tier_is_read_in_any_case() -> None:
    body = b'{"model":"auto","service_tier":"FLEX","messages":[]}'
    assert read_chat(body, namespace="").request.service_tier == "flex"


@pytest.mark.parametrize(
    ("tier", "words"),
    [
        ("fast", {"speed": "fast"}),
        ("default", {"service_tier": "standard_only"}),
        ("priority", {"service_tier": "auto"}),
        ("flex", {}),
        (7, {}),
        (None, {}),
    ],
)
def test_anthropic_is_asked_in_its_own_words(tier, words) -> None:
    chat = {"messages": [{"role": "user", "content": "hi"}], "service_tier": tier}
    body = messages_body(chat, "m")
    assert {name: body[name] for name in ("speed", "service_tier") if name in body} == words


@pytest.mark.parametrize(
    ("tier", "named"),
    [
        ("flex", "flex"),
        ("priority", "priority"),
        ("fast", "priority"),
        ("default", None),
        (1, None),
    ],
)
def test_gemini_and_bedrock_are_asked_in_their_own_words(tier, named) -> None:
    chat = {"messages": [{"role": "user", "content": "hi"}], "service_tier": tier}
    assert content_body(chat).get("serviceTier") == named
    assert converse_body(chat).get("serviceTier") == (named and {"type": named})


def test_gemini_and_bedrock_tell_the_tier_that_served() -> None:
    counted = {"promptTokenCount": 3, "trafficType": "ON_DEMAND_FLEX"}
    assert tier_of({"usage": gemini_usage(counted)}) == "flex"
    said = {"output": {"message": {"content": []}}, "serviceTier": {"type": "priority"}}
    assert tier_of(message_of(said)) == "priority"
    (end, _) = events_of("metadata", {"usage": {"inputTokens": 3}, "serviceTier": {"type": "flex"}})
    assert end["usage"]["service_tier"] == "flex"
    assert "service_tier" not in gemini_usage({"promptTokenCount": 3})


def test_cached_sound_of_gemini_is_counted_apart() -> None:
    counted = {
        "promptTokenCount": 100, "candidatesTokenCount": 5, "cachedContentTokenCount": 60,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 70}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
    }  # fmt: skip
    used = usage_of({"usage": gemini_usage(counted)})
    assert (used.audio_cached_tokens, used.cache_read_tokens, used.audio_input_tokens) == (
        50,
        10,
        20,
    )
    assert used.prompt_tokens == 100
