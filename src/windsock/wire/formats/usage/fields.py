"""Counts as the fields of a usage object state them; what is no count is not said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from windsock.wire.json_codec import at

PROMPT = ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens", "prompt_token_count",
          "promptTokens")  # fmt: skip
ANSWER = ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens",
          "candidates_token_count", "responseTokenCount", "completionTokens")  # fmt: skip
TOTAL = ("total_tokens", "totalTokenCount", "totalTokens", "total_token_count", "total")
CACHE_HIT = ("prompt_cache_hit_tokens",)
CACHE_MISS = ("prompt_cache_miss_tokens",)
NATIVE_READ = ("cache_read_input_tokens", "cacheReadInputTokens", "cacheReadInputTokenCount",
               "cache_n")  # fmt: skip
NATIVE_WRITE = ("cache_creation_input_tokens", "cacheWriteInputTokens", "cacheWriteInputTokenCount")
CACHE_READ = (
    *CACHE_HIT,
    *NATIVE_READ,
    "cached_tokens",
    "cached_input_tokens",
    "cache_read_tokens",
    "cachedContentTokenCount",
    "cached_content_token_count",
    "num_cached_tokens",
    "cachedInputTokens",
    "precached_prompt_tokens",
)
CACHE_READ_PART = ("cached_tokens", "cache_read_input_tokens", "cache_read_tokens", "cache_read",
                   "cachedTokens")  # fmt: skip
CACHE_WRITE = (*NATIVE_WRITE, "cache_write_tokens", "cache_creation_tokens")
CACHE_WRITE_PART = (
    "cache_write_tokens",
    "cache_creation_tokens",
    "cache_creation_input_tokens",
    "cached_creation_tokens",
    "cache_creation",
)
WRITTEN_5M = (
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation_token_details.ephemeral_5m_input_tokens",
    "claude_cache_creation_5_m_tokens",
    "cache_creation_5m_input_tokens",
)
WRITTEN_1H = (
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_creation_token_details.ephemeral_1h_input_tokens",
    "claude_cache_creation_1_h_tokens",
    "cache_creation_1h_input_tokens",
)
REASONING = ("reasoning_tokens", "reasoning_output_tokens", "reasoningTokens", "thinking_tokens",
             "reasoning")  # fmt: skip
THOUGHTS = ("thoughtsTokenCount", "thoughts_token_count")
TOOL_PROMPT = ("toolUsePromptTokenCount", "tool_use_prompt_token_count")
HEARD = ("input_audio_tokens", "prompt_audio_tokens", "audio_input_tokens")
SPOKEN = ("output_audio_tokens", "completion_audio_tokens", "audio_output_tokens")
HEARD_SECONDS = ("prompt_audio_seconds",)
HEARD_CACHED = ("cached_tokens_details.audio_tokens",)
SEARCHES = ("server_tool_use.web_search_requests", "server_tool_use_details.web_search_requests",
            "web_search_requests")  # fmt: skip
"""Names of counts in the dialects of OpenAI (chat, Responses), Anthropic, Gemini, Bedrock,
DeepSeek, GigaChat, Mistral, Moonshot, llama.cpp and of gateways; a dot leads into an object. Cohere
says apart what it bills of what it counted."""

PROMPT_WORDS = re.compile(
    r"(?:n|num|total)?(?:tokens)?(?:prompt|input)(?:eval|text)?(?:tokens?)?(?:count|total|n)?|tokensin"
)
ANSWER_WORDS = re.compile(
    r"(?:n|num|total)?(?:tokens)?(?:completion|eval|generated|output|predicted|response)(?:text)?"
    r"(?:tokens?)?(?:count|total|n)?|tokensout"
)
CACHED_WORDS = re.compile(
    r"(?:num|total)?(?:prompt|input)?cached?(?:hit|input|prompt|read)*(?:input|prompt)?(?:tokens?)?(?:count)?"
)
WRITTEN_WORDS = re.compile(
    r"(?:num|total)?(?:prompt|input)?(?:cached?(?:created?|creation|writes?|written)|createdcache)"
    r"(?:input|prompt)?(?:tokens?)?(?:count)?"
)
THOUGHT_WORDS = re.compile(
    r"(?:num|total)?(?:completion|output)?(?:reasoning|thinking|thoughts?)(?:output)?"
    r"(?:tokens?)?(?:count)?"
)
HELD = (*TOTAL, "tokens")
"""The whole of a count that is an object."""

GIVEN = re.compile(r"(?:prompt|input)(?:tokens?)?details")
GOT = re.compile(r"(?:completion|output|candidates|response)(?:tokens?)?details")
CACHED_PARTS = re.compile(r"cached?(?:content)?tokens?details")
"""What names of counts and of their parts are made of that nobody listed: small letters, without
what joins them."""

JOINTS = re.compile(r"[_.-]")
MAX_NAME = 40

MOST = 2**62
"""No count is as large; it could not be stored either."""

DIGITS = len(str(MOST))
"""Of a count that is written as text; `int` takes long for very many."""


def merged(before: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The usage of a stream after one more statement: zeros and nonsense replace no count."""
    made = dict(before)
    for name, value in later.items():
        known = made.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            made[name] = merged(known, value)
        elif _replaces(value, known):
            made[name] = value
    return made


def flat(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    """With counts that are objects of counts as plain ones, and what they hold as their details."""
    made = usage
    for name, value in usage.items():
        if not isinstance(value, dict):
            continue
        for words, details in ((PROMPT_WORDS, "prompt_details"), (ANSWER_WORDS, "output_details")):
            if is_called(name, words) and (total := first_count(value, HELD)) is not None:
                made = {**made, name: total, details: value}
    return made


def parts_called(usage: Mapping[str, Any], words: re.Pattern[str]) -> list[Any]:
    """What stands under names that are made of these words."""
    return [part for name, part in usage.items() if "etails" in name and is_called(name, words)]


def is_called(name: str, words: re.Pattern[str]) -> bool:
    """Whether a name is made of these words."""
    return len(name) <= MAX_NAME and _is_made_of(name, words)


@lru_cache(maxsize=2048)
def _is_made_of(name: str, words: re.Pattern[str]) -> bool:
    return words.fullmatch(JOINTS.sub("", name).lower()) is not None


def count(value: Any) -> int | None:
    """A whole number from 0 on, also one written with a point or as text; None for all else."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() and len(value) <= DIGITS else None
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST
    return value if is_count else None


def first_count(usage: Mapping[str, Any], names: Iterable[str]) -> int | None:
    """The first positive count under these names, else 0 if one says so, else None."""
    found = [known for name in names if (known := count(usage.get(name))) is not None]
    return next((known for known in found if known), found[0] if found else None)


def count_by_words(usage: Mapping[str, Any], words: re.Pattern[str]) -> int | None:
    """The largest count under names that are made of these words, None if there is none."""
    counts = [
        found
        for name, value in usage.items()
        if is_called(name, words) and (found := count(value)) is not None
    ]
    return max(counts, default=None)


def most_count(places: Iterable[Mapping[str, Any]], paths: Iterable[str]) -> int:
    """The largest count at these paths; many say nothing, or 0, where another says it."""
    most = 0
    for place in places:
        for path in paths:
            value = at(place, path) if "." in path else place.get(path)
            if value and (found := count(value)) and found > most:
                most = found
    return most


def cached_in(places: Sequence[Mapping[str, Any]], names: Iterable[str]) -> int:
    """Tokens that a cache had: under these names, else under others that say so."""
    return most_count(places, names) or _most_by_words(places, CACHED_WORDS)


def written_in(places: Sequence[Mapping[str, Any]], names: Iterable[str]) -> int:
    """The same of tokens that were written to one."""
    return most_count(places, names) or _most_by_words(places, WRITTEN_WORDS)


def thought_in(places: Sequence[Mapping[str, Any]]) -> int:
    """Tokens of reasoning, under whatever name says so."""
    return most_count(places, REASONING) or max(
        (count_by_words(part, THOUGHT_WORDS) or 0 for part in places), default=0
    )


def _most_by_words(places: Sequence[Mapping[str, Any]], words: re.Pattern[str]) -> int:
    named = (part for part in places if "cach" in "".join(part).lower())
    return max((count_by_words(part, words) or 0 for part in named), default=0)


def count_of_modality(parts: Iterable[Any], modality: str = "") -> int:
    """Gemini lists tokens by modality; of all of them where none is named."""
    return sum(
        most_count([each], ("tokenCount", "token_count"))
        for part in parts
        if isinstance(part, list)
        for each in part
        if isinstance(each, dict) and modality in ("", each.get("modality"))
    )


def fed_by_plugins(usage: Mapping[str, Any]) -> int:
    """What searches put before the prompt, as Qianfan counts it by plugin; 0 where the total says
    that the prompt's count holds it."""
    told = usage.get("plugins") or usage.get("plugin_usage")
    listed = told if isinstance(told, list) else [told]
    parts = [each for each in listed if isinstance(each, dict)]
    fed = sum(most_count([part], (*TOTAL, "search_tokens")) for part in parts)
    known = sum(first_count(usage, names) or 0 for names in (PROMPT, ANSWER))
    return fed if known + fed <= (first_count(usage, TOTAL) or 0) else 0


def seconds_in(usage: Mapping[str, Any]) -> int:
    """Whole seconds where a usage object tells a duration instead of tokens, as transcriptions."""
    stated = usage.get("seconds")
    if usage.get("type") != "duration" or not isinstance(stated, int | float):
        return 0
    return max(1, round(stated)) if 0 < stated < MOST else 0


def _replaces(value: Any, known: Any) -> bool:
    """A number takes the place of anything, but a fraction not that of a count."""
    if _is_number(value):
        return not isinstance(known, int) or not known or count(value) is not None
    return not known or (bool(value) and not _is_number(known))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
