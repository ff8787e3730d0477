"""A usage object as arithmetic: which of its numbers stand inside which, so that they add up.

The total decides. What no reading of the parts explains was billed as output: thinking that is not
shown; where speech is billed by the second, it is that speech. What is no count (words, a negative,
a fraction) is not said, and empties nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product
from typing import Any, NamedTuple

from windsock.core.model.units import SEARCH_FIELDS, Family, Usage
from windsock.wire.billing import amount_of
from windsock.wire.format import NO_HABITS, UsageHabits
from windsock.wire.formats.usage.fields import MOST, SEARCHES, count, flat, most_count, seconds_in
from windsock.wire.formats.usage.stated import Stated, complete, is_nonsense, stated
from windsock.wire.json_codec import at

LEAST_FEE_USD = Decimal("0.001")
"""Of a search."""

ALL_UNSAID = frozenset({Family.PROMPT, Family.ANSWER})


class Counts(NamedTuple):
    """Counted use, and the families of tokens that nothing readable was said of.

    undivided   tokens of prompt and answer together, where nothing else is said
    """

    usage: Usage
    unsaid: frozenset[Family]
    undivided: int = 0


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
    usage = flat(usage)
    said = stated(usage, habits)
    complete(said, is_answer_free)
    if not (said.prompt or said.answer or said.cached or said.written or said.reasoning):
        if seconds := seconds_in(usage):
            return Counts(Usage(input_seconds=seconds), frozenset())
        if said.total or is_nonsense(usage):
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


def _reading(said: Stated) -> _Reading:
    """The reading of the parts that adds up to the total, else the usual one and the rest."""
    prompt, answer = said.prompt or 0, said.answer or 0
    sums: list[tuple[bool, int, int, _Reading]] = []
    for cached, written, reasoning, extra in product(
        _places(said.cached, prompt, said.is_cache_beside),
        _places(said.written, prompt, said.is_cache_beside),
        _places(said.reasoning, _room(said, answer), said.is_reasoning_beside),
        _places(said.extra, -1, True),
    ):
        places = (cached, written, reasoning, extra)
        reading = _Reading(cached.beside, written.beside, reasoning.beside, 0)
        total = prompt + answer + sum(place.tokens for place in places)
        may_overlap = said.is_cache_inside and total == said.total
        if _inside(said, reading) > prompt and not may_overlap:
            continue
        is_mixed = said.cached * said.written > 0 and cached.beside != written.beside
        sums.append((is_mixed, sum(place.is_unusual for place in places), total, reading))
    sums.sort(key=lambda each: each[:2])
    for _, _, total, reading in sums:
        if total == said.total:
            return reading
    *_, total, usual = sums[0]
    is_known = not said.total or said.heard_s
    return usual if is_known else usual._replace(rest=max(0, said.total - total))


def _inside(said: Stated, reading: _Reading) -> int:
    """Tokens of the prompt that a cache had or got."""
    return said.cached * (not reading.cached) + said.written * (not reading.written)


def _room(said: Stated, answer: int) -> int:
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


def _sent(said: Stated, reading: _Reading) -> dict[str, int]:
    prompt, inside = said.prompt or 0, _inside(said, reading)
    if inside > prompt:  # what was read was written anew: both are billed, and of the same tokens
        inside = max(said.cached, said.written)
    fresh = max(0, prompt - inside) + said.extra
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


def _received(said: Stated, reading: _Reading) -> dict[str, int]:
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
    is_search = bool(marks) or _has_fee(usage, habits)
    return {name: max(own, most_count([usage], SEARCHES), int(is_search))}


def _has_fee(usage: Mapping[str, Any], habits: UsageHabits) -> bool:
    """Whether a bill is so much above what its tokens cost that there was a search."""
    if len(habits.search_fee) != 2:
        return False
    charged, inferred = (amount_of(at(usage, path)) for path in habits.search_fee)
    return charged is not None and inferred is not None and charged - inferred >= LEAST_FEE_USD


def _sum(usage: Mapping[str, Any], paths: tuple[str, ...]) -> int:
    return sum(count(at(usage, path)) or 0 for path in paths)
