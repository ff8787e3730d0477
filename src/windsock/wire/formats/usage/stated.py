"""What a usage object states, by what each number is of; where it stands is `counts`' to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windsock.wire.format import UsageHabits
from windsock.wire.formats.usage.fields import (
    ANSWER,
    ANSWER_WORDS,
    CACHE_HIT,
    CACHE_MISS,
    CACHE_READ,
    CACHE_READ_PART,
    CACHE_WRITE,
    CACHE_WRITE_PART,
    CACHED_PARTS,
    GIVEN,
    GOT,
    HEARD,
    HEARD_CACHED,
    HEARD_SECONDS,
    NATIVE_READ,
    NATIVE_WRITE,
    PROMPT,
    PROMPT_WORDS,
    SPOKEN,
    THOUGHTS,
    TOOL_PROMPT,
    TOTAL,
    WRITTEN_1H,
    WRITTEN_5M,
    cached_in,
    count,
    count_by_words,
    count_of_modality,
    fed_by_plugins,
    first_count,
    most_count,
    parts_called,
    thought_in,
    written_in,
)


@dataclass(slots=True, kw_only=True)
class Stated:
    """The numbers of a usage object, None and 0 where it says nothing.

    heard           of sound; none where it is billed by the second: no part of the prompt then
    extra           prompt tokens that stand beside the prompt: what tools and searches fed in
    is_cache_beside the names are Anthropic's, whose input leaves out what the cache had, and no
                    details of the input say that it is of it
    is_cache_inside     details of the prompt say what a cache had or got
    is_reasoning_beside the names are Gemini's, whose answer leaves thoughts out
    is_reasoning_apart  the provider is known for it, whatever its total says
    """

    prompt: int | None
    answer: int | None
    total: int
    cached: int
    written: int
    written_1h: int
    reasoning: int
    extra: int
    heard: int
    heard_cached: int
    spoken: int
    heard_s: int
    is_cache_beside: bool
    is_cache_inside: bool
    is_reasoning_beside: bool
    is_reasoning_apart: bool


def is_nonsense(usage: Mapping[str, Any]) -> bool:
    """It speaks of the main counts, in what is no count."""
    values = (usage.get(name) for name in (*PROMPT, *ANSWER, *TOTAL))
    return any(value is not None and count(value) is None for value in values)


def _main(usage: Mapping[str, Any]) -> tuple[int | None, int | None, int]:
    """Prompt, answer and total. What is billed goes before what was counted, whose total is then
    that of other numbers."""
    billed, counted = _part(usage, "billed_units"), _part(usage, "tokens")
    prompt, answer = first_count(billed, PROMPT), first_count(billed, ANSWER)
    return (
        prompt or first_count(usage, PROMPT) or count_by_words(counted, PROMPT_WORDS),
        answer or first_count(usage, ANSWER) or count_by_words(counted, ANSWER_WORDS),
        0 if prompt or answer else first_count(usage, TOTAL) or 0,
    )


def _part(usage: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = usage.get(name)
    return part if isinstance(part, dict) else {}


def stated(usage: Mapping[str, Any], habits: UsageHabits) -> Stated:
    """What it says of each, under whatever name."""
    listed, shown = parts_called(usage, GIVEN), parts_called(usage, GOT)
    from_cache = parts_called(usage, CACHED_PARTS)
    heard_s = most_count([usage], HEARD_SECONDS)
    given = [part for part in listed if isinstance(part, dict)]
    got = [part for part in shown if isinstance(part, dict)]
    read_inside = cached_in(given, CACHE_READ_PART)
    written_inside = written_in(given, CACHE_WRITE_PART)
    is_inside = bool(read_inside or written_inside)
    written_1h = most_count([usage, *given], WRITTEN_1H)
    by_life = most_count([usage, *given], WRITTEN_5M) + written_1h
    written = max(written_in([usage], CACHE_WRITE), written_inside, by_life)
    cached = max(cached_in([usage], CACHE_READ), read_inside)
    thoughts = most_count([usage], THOUGHTS)
    prompt, answer, total = _main(usage)
    prompt = prompt or count_by_words(usage, PROMPT_WORDS) or prompt
    answer = count_by_words(usage, ANSWER_WORDS) if answer is None else answer
    natives = most_count([usage], NATIVE_READ) + most_count([usage], NATIVE_WRITE) + by_life
    return Stated(
        prompt=prompt or most_count([usage], CACHE_HIT) + most_count([usage], CACHE_MISS) or None,
        answer=answer,
        total=total,
        cached=cached or count_of_modality(from_cache),
        written=written,
        written_1h=min(written, written_1h),
        reasoning=max(thoughts, thought_in([usage, *got])),
        extra=most_count([usage], TOOL_PROMPT)
        + fed_by_plugins(usage)
        + sum(most_count([usage], [p]) for p in habits.extra_prompt),
        heard=0 if heard_s else _heard(usage, given) + count_of_modality(listed, "AUDIO"),
        heard_cached=most_count(given, HEARD_CACHED) + count_of_modality(from_cache, "AUDIO"),
        spoken=(most_count(got, ["audio_tokens"]) or most_count([usage], SPOKEN))
        + count_of_modality(shown, "AUDIO"),
        heard_s=heard_s,
        is_cache_beside="prompt_tokens" not in usage and natives > 0 and not is_inside,
        is_cache_inside=is_inside,
        is_reasoning_beside=thoughts > 0,
        is_reasoning_apart=habits.is_reasoning_beside,
    )


def _heard(usage: Mapping[str, Any], given: list[dict[str, Any]]) -> int:
    return most_count(given, ["audio_tokens"]) or most_count([usage], HEARD)


def complete(said: Stated, is_answer_free: bool) -> None:
    """What is missing and follows from the rest."""
    if is_answer_free:
        said.prompt, said.answer, said.total = said.prompt or said.total, 0, 0
    elif said.answer is None and said.prompt and said.total >= said.prompt:
        said.answer = said.total - said.prompt
    elif said.prompt is None and said.answer and said.total > said.answer:
        said.prompt = said.total - said.answer
