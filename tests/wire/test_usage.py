"""Counted use in the dialects of providers becomes units of meters, each counted once."""

import pytest

from windsock.core.model.units import Usage
from windsock.providers.presets import known_providers
from windsock.wire.formats.openai_usage import usage_of
from windsock.wire.formats.usage.counts import counts_of


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 500,
                "prompt_tokens_details": {"cached_tokens": 300, "audio_tokens": 200},
                "completion_tokens_details": {"reasoning_tokens": 100, "audio_tokens": 50},
            },
            Usage(
                input_tokens=500,
                cache_read_tokens=300,
                audio_input_tokens=200,
                output_tokens=350,
                reasoning_tokens=100,
                audio_output_tokens=50,
            ),
        ),
        (
            {
                "prompt_tokens": 1000,
                "completion_tokens": 10,
                "prompt_tokens_details": {"cache_write_tokens": 700},
                "cache_creation": {"ephemeral_1h_input_tokens": 400},
                "server_tool_use": {"web_search_requests": 2},
            },
            Usage(
                input_tokens=300,
                cache_write_tokens=300,
                cache_write_1h_tokens=400,
                output_tokens=10,
                web_searches=2,
            ),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 5, "prompt_cache_hit_tokens": 40},
            Usage(input_tokens=10, cache_read_tokens=40, output_tokens=5),
        ),
    ],
    ids=["openai", "anthropic-extras", "deepseek"],
)
def test_usage_of_dialects(stated: dict, expected: Usage) -> None:
    found = usage_of({"usage": stated})
    assert found == expected
    assert found.prompt_tokens == stated["prompt_tokens"]
    assert found.completion_tokens == stated["completion_tokens"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            {"prompt_tokens": 8, "completion_tokens": 150, "search_context_size": "high"},
            Usage(input_tokens=8, output_tokens=150, high_web_searches=1),
        ),
        (
            {"prompt_tokens": 8, "completion_tokens": 1, "search_context_size": "huge"},
            Usage(input_tokens=8, output_tokens=1, web_searches=1),
        ),
        ({"type": "duration", "seconds": 8.6}, Usage(input_seconds=9)),
        ({"type": "duration", "seconds": 0.2}, Usage(input_seconds=1)),
        ({"type": "duration", "seconds": "9"}, None),
        ({"type": "tokens", "seconds": 9}, None),
        (
            {
                "promptTokenCount": 100,
                "candidatesTokenCount": 5,
                "totalTokenCount": 105,
                "cachedContentTokenCount": 60,
                "promptTokensDetails": [
                    {"modality": "TEXT", "tokenCount": 30},
                    {"modality": "AUDIO", "tokenCount": 70},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
            },
            Usage(
                input_tokens=20,
                audio_input_tokens=20,
                cache_read_tokens=10,
                audio_cached_tokens=50,
                output_tokens=5,
            ),
        ),
    ],
)
def test_searches_by_size_seconds_and_cached_audio_are_counted(stated, expected) -> None:
    counts = counts_of(stated, habits=known_providers()["perplexity"].usage)
    assert (counts.usage if counts else None) == expected
