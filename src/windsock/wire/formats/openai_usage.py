"""What answers in OpenAI's shape say of themselves: usage in its dialects, tier, charge.

Providers write anything; what has not the expected shape counts as not said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from windsock.core.model.units import Usage
from windsock.wire.format import AnswerFacts

MAX_ID_CHARS = 255
"""Of an answer's id; a longer one is no name, and no index of a database would take it."""

PLAIN_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
"""Keys of a usage object that distinguishes nothing."""


def usage_of(body: Mapping[str, Any], *, images: int = 0) -> Usage | None:
    """Counted use from an answer or a last chunk, in any of the known dialects.

    images      sent with the request; no dialect counts them
    """
    usage = counted(body)
    if usage is None:
        return None
    prompt = _count(usage, "prompt_tokens")
    completion = _count(usage, "completion_tokens")
    if usage.keys() <= PLAIN_COUNTS:
        return Usage(input_tokens=prompt, output_tokens=completion, images=images)
    given = part_of(usage, "prompt_tokens_details")
    got = part_of(usage, "completion_tokens_details")
    cached = _count(usage, "prompt_cache_hit_tokens") or _count(given, "cached_tokens")
    written_1h = _count(part_of(usage, "cache_creation"), "ephemeral_1h_input_tokens")
    written = max(0, _count(given, "cache_write_tokens") - written_1h)
    heard, spoken = _count(given, "audio_tokens"), _count(got, "audio_tokens")
    reasoning = min(_count(got, "reasoning_tokens"), completion)
    return Usage(
        input_tokens=max(0, prompt - cached - written - written_1h - heard),
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=written_1h,
        audio_input_tokens=heard,
        output_tokens=max(0, completion - reasoning - spoken),
        reasoning_tokens=reasoning,
        audio_output_tokens=spoken,
        images=images,
        web_searches=_count(part_of(usage, "server_tool_use"), "web_search_requests"),
    )


def counted(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The usage object of an answer or a chunk, or None."""
    usage = body.get("usage") or part_of(body, "x_groq").get("usage")
    return usage if isinstance(usage, dict) else None


def id_of(body: Mapping[str, Any]) -> str | None:
    """The answer's id; None if it is no text of 1 to MAX_ID_CHARS characters."""
    name = text_in(body, "id")
    return name if name is not None and 0 < len(name) <= MAX_ID_CHARS else None


def tier_of(body: Mapping[str, Any]) -> str | None:
    """The service tier that an answer names, such as flex or priority."""
    return text_in(body, "service_tier")


def billed_of(body: Mapping[str, Any]) -> Decimal | None:
    """Dollars that the provider says it charged (OpenRouter's `usage.cost`)."""
    cost = part_of(body, "usage").get("cost")
    if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < math.inf:
        return Decimal(str(cost))
    return None


def facts_of(
    body: Mapping[str, Any], *, images: int = 0, finish_reason: str | None = None
) -> AnswerFacts:
    """What a whole answer says of itself; the end of its text is the caller's to find."""
    return AnswerFacts(
        usage=usage_of(body, images=images),
        served_model=text_in(body, "model"),
        service_tier=tier_of(body),
        billed_usd=billed_of(body),
        finish_reason=finish_reason,
        response_id=id_of(body),
    )


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    """A field that is a string, or None."""
    value = body.get(name)
    return value if isinstance(value, str) else None


def part_of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that is an object, or an empty one."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0
