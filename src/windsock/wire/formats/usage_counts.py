"""A usage object as arithmetic: which of its numbers stand inside which, so that they add up.

The total decides. What no reading of the parts explains was billed as output: thinking that is not
shown; where speech is billed by the second, it is that speech. What is no count (words, a negative,
a fraction) is not said, and empties nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from windsock.core.model.units import SEARCH_FIELDS, Family, Usage
from windsock.wire.format import NO_HABITS, UsageHabits
from windsock.wire.formats.count_fields import (
    ANSWER,
    ANSWER_WORDS,
    CACHE_HIT,
    CACHE_MISS,
    CACHE_READ,
    CACHE_READ_PART,
    CACHE_WRITE,
    CACHE_WRITE_PART,
    CACHED_PARTS,
    CACHED_WORDS,
    GIVEN,
    GOT,
    HEARD_CACHED,
    HEARD_SECONDS,
    MOST,
    NATIVE_READ,
    NATIVE_WRITE,
    PROMPT,
    PROMPT_WORDS,
    REASONING,
    SEARCHES,
    THOUGHTS,
    TOOL_PROMPT,
    TOTAL,
    WRITTEN_1H,
    WRITTEN_5M,
    count,
    count_by_words,
    count_of_modality,
    first_count,
    most_count,
    seconds_in,
)
from windsock.wire.json_codec import at

ALL_UNSAID = frozenset({Family.PROMPT, Family.ANSWER})


class Counts(NamedTuple):
    """Counted use, and the families of tokens that nothing readable was said of.

    undivided   tokens of prompt and answer together, where nothing else is said
    """

    usage: Usage
    unsaid: frozenset[Family]
    undivided: int = 0


@dataclass(slots=True, kw_only=True)
class _Stated:
    """The numbers of a usage object, None and 0 where it says nothing.

    extra           prompt tokens that stand beside the prompt: what tools and searches fed in
    is_cache_beside the names are Anthropic's, whose input leaves out what the cache had, and no
                    details of the input say that it is of it
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
    is_reasoning_beside: bool
    is_reasoning_apart: bool


class _Reading(NamedTuple):
    """What stands beside instead of inside, and how many tokens no part explains."""

    cached: bool
    written: bool
    reasoning: bool
    rest: int


def counts_of(
    usage: Mapping[str, Any],
    *,
    images: int = 0,
    habits: UsageHabits = NO_HABITS,
    is_answer_free: bool = False,
) -> Counts | None:
    """Counted use; None if the object says nothing, or nothing but zeros.

    images          sent with the request; no dialect counts them
    is_answer_free  nothing is generated (embeddings): all tokens are the prompt's
    """
    said = _stated(usage, habits)
    _complete(said, is_answer_free)
    if not (said.prompt or said.answer or said.cached or said.written or said.reasoning):
        if seconds := seconds_in(usage):
            return Counts(Usage(input_seconds=seconds), frozenset())
        if said.total or _is_nonsense(usage):
            return Counts(Usage(images=images), ALL_UNSAID, said.total)
        return None
    reading = _reading(said)
    made = Usage(
        **_sent(said, reading),
        **_received(said, reading),
        **_searched(usage, habits),
        images=images,
    )
    unsaid = set()
    if not said.prompt and not made.prompt_tokens:
        unsaid.add(Family.PROMPT)
    if said.answer is None and not made.completion_tokens and not is_answer_free:
        unsaid.add(Family.ANSWER)
    return Counts(made, frozenset(unsaid))


def _is_nonsense(usage: Mapping[str, Any]) -> bool:
    """It speaks of the main counts, in what is no count."""
    values = (usage.get(name) for name in (*PROMPT, *ANSWER, *TOTAL))
    return any(value is not None and count(value) is None for value in values)


def _main(usage: Mapping[str, Any]) -> tuple[int | None, int | None, int]:
    """Prompt, answer and total. What is billed goes before what was counted, whose total is then
    that of other numbers."""
    billed, counted = _part(usage, "billed_units"), _part(usage, "tokens")
    prompt, answer = first_count(billed, PROMPT), first_count(billed, ANSWER)
    return (
        prompt or first_count(usage, PROMPT) or first_count(counted, PROMPT),
        answer or first_count(usage, ANSWER) or first_count(counted, ANSWER),
        0 if prompt or answer else first_count(usage, TOTAL) or 0,
    )


def _part(usage: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = usage.get(name)
    return part if isinstance(part, dict) else {}


def _stated(usage: Mapping[str, Any], habits: UsageHabits) -> _Stated:
    given = [part for name in GIVEN if isinstance(part := usage.get(name), dict)]
    got = [part for name in GOT if isinstance(part := usage.get(name), dict)]
    cached = max(most_count([usage], CACHE_READ), most_count(given, CACHE_READ_PART))
    written_1h = most_count([usage, *given], WRITTEN_1H)
    by_life = most_count([usage, *given], WRITTEN_5M) + written_1h
    written = max(most_count([usage], CACHE_WRITE), most_count(given, CACHE_WRITE_PART), by_life)
    inside = most_count(given, (*CACHE_READ_PART, *CACHE_WRITE_PART))
    thoughts = most_count([usage], THOUGHTS)
    prompt, answer, total = _main(usage)
    prompt = prompt or count_by_words(usage, PROMPT_WORDS) or prompt
    answer = count_by_words(usage, ANSWER_WORDS) if answer is None else answer
    if not cached and "cach" in "".join(usage).lower():
        cached = count_by_words(usage, CACHED_WORDS) or 0
    natives = most_count([usage], NATIVE_READ) + most_count([usage], NATIVE_WRITE) + by_life
    return _Stated(
        prompt=prompt or most_count([usage], CACHE_HIT) + most_count([usage], CACHE_MISS) or None,
        answer=answer,
        total=total,
        cached=cached,
        written=written,
        written_1h=min(written, written_1h),
        reasoning=max(thoughts, most_count([usage, *got], REASONING)),
        extra=most_count([usage], TOOL_PROMPT)
        + sum(most_count([usage], [p]) for p in habits.extra_prompt),
        heard=most_count(given, ["audio_tokens"]) + count_of_modality(usage, GIVEN, "AUDIO"),
        heard_cached=most_count(given, HEARD_CACHED)
        + count_of_modality(usage, CACHED_PARTS, "AUDIO"),
        spoken=most_count(got, ["audio_tokens"]) + count_of_modality(usage, GOT, "AUDIO"),
        heard_s=most_count([usage], HEARD_SECONDS),
        is_cache_beside="prompt_tokens" not in usage and natives > 0 and not inside,
        is_reasoning_beside=thoughts > 0,
        is_reasoning_apart=habits.is_reasoning_beside,
    )


def _complete(said: _Stated, is_answer_free: bool) -> None:
    """What is missing and follows from the rest."""
    if is_answer_free:
        said.prompt, said.answer, said.total = said.prompt or said.total, 0, 0
    elif said.answer is None and said.prompt and said.total >= said.prompt:
        said.answer = said.total - said.prompt
    elif said.prompt is None and said.answer and said.total > said.answer:
        said.prompt = said.total - said.answer


def _reading(said: _Stated) -> _Reading:
    """The reading of the parts that adds up to the total, else the usual one and the rest."""
    prompt, answer = said.prompt or 0, said.answer or 0
    sums: list[tuple[int, int, _Reading]] = []
    for cached, written, reasoning, extra in product(
        _places(said.cached, prompt, said.is_cache_beside),
        _places(said.written, prompt, said.is_cache_beside),
        _places(said.reasoning, _room(said, answer), said.is_reasoning_beside),
        _places(said.extra, -1, True),
    ):
        inside = said.cached * (not cached.beside) + said.written * (not written.beside)
        if inside > prompt:
            continue
        places = (cached, written, reasoning, extra)
        reading = _Reading(cached.beside, written.beside, reasoning.beside, 0)
        total = prompt + answer + sum(place.tokens for place in places)
        sums.append((sum(place.is_unusual for place in places), total, reading))
    sums.sort(key=lambda each: each[0])
    for _, total, reading in sums:
        if total == said.total:
            return reading
    _, total, usual = sums[0]
    is_known = not said.total or said.heard_s
    return usual if is_known else usual._replace(rest=max(0, said.total - total))


def _room(said: _Stated, answer: int) -> int:
    """Reasoning tokens that the answer may hold: what the total says is stronger than its size."""
    if said.is_reasoning_apart:
        return -1
    return MOST if said.total else answer


class _Place(NamedTuple):
    """Where a part may stand, what it then adds to the total, and whether that is unusual."""

    beside: bool
    tokens: int
    is_unusual: int


def _places(part: int, whole: int, is_beside: bool) -> Iterator[_Place]:
    """The usual one first; a part that does not fit is beside, whether the total has it or not."""
    if not part:
        yield _Place(is_beside, 0, 0)
        return
    if part > whole:
        yield _Place(True, part, 0)
        yield _Place(True, 0, 1)
        return
    yield _Place(is_beside, part * is_beside, 0)
    yield _Place(not is_beside, part * (not is_beside), 1)


def _sent(said: _Stated, reading: _Reading) -> dict[str, int]:
    inside = said.cached * (not reading.cached) + said.written * (not reading.written)
    fresh = max(0, (said.prompt or 0) - inside) + said.extra
    heard_cached = min(said.heard_cached, said.cached)
    heard = min(max(0, said.heard - heard_cached), fresh)
    return {
        "input_tokens": fresh - heard,
        "cache_read_tokens": said.cached - heard_cached,
        "audio_cached_tokens": heard_cached,
        "cache_write_tokens": said.written - said.written_1h,
        "cache_write_1h_tokens": said.written_1h,
        "audio_input_tokens": heard,
        "input_seconds": said.heard_s,
    }


def _received(said: _Stated, reading: _Reading) -> dict[str, int]:
    answer = (said.answer or 0) + reading.rest + said.reasoning * reading.reasoning
    reasoning = min(max(said.reasoning, reading.rest), answer)
    spoken = min(said.spoken, answer - reasoning)
    return {
        "output_tokens": answer - reasoning - spoken,
        "reasoning_tokens": reasoning,
        "audio_output_tokens": spoken,
    }


def _searched(usage: Mapping[str, Any], habits: UsageHabits) -> dict[str, int]:
    own = _sum(usage, habits.searches)
    marks = [mark for path in habits.search_marks if (mark := at(usage, path))]
    sized = (SEARCH_FIELDS.get(mark) for mark in marks if isinstance(mark, str))
    name = next((field for field in sized if field), "web_searches")
    return {name: max(own, most_count([usage], SEARCHES), int(bool(marks)))}


def _sum(usage: Mapping[str, Any], paths: tuple[str, ...]) -> int:
    return sum(count(at(usage, path)) or 0 for path in paths)
