"""What answers in OpenAI's shape say of themselves: usage in its dialects, tier, charge.

Providers write anything; what has not the expected shape counts as not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

from windsock.core.model.units import Usage
from windsock.wire.billing import billed_of
from windsock.wire.format import NO_HABITS, AnswerFacts, ProviderTraits, UsageHabits
from windsock.wire.formats.usage.counts import Counts, counts_of
from windsock.wire.formats.usage.fields import MOST, merged
from windsock.wire.json_codec import may_hold
from windsock.wire.service_tiers import tier_of

MAX_ID_CHARS = 255
"""Of an answer's id; a longer one is no name, and no index of a database would take it."""

PLAIN_COUNTS = {"prompt_tokens", "completion_tokens", "total_tokens"}
"""Keys of a usage object that distinguishes nothing."""

PARTS_WITH_USAGE = ("response", "message", "x_groq")
OTHER_USAGE = ("usageMetadata", "usage_metadata", "timings", "meta")
ELSEWHERE = frozenset((*PARTS_WITH_USAGE, *OTHER_USAGE))
"""Where usage stands besides its usual place; `timings` is llama.cpp's, `meta` Cohere's."""

WRAPPED = ("usage", "token_usage", "tokenUsage")
WRAPPERS = frozenset(WRAPPED)

NOTHING_UNSAID: frozenset[Any] = frozenset()


def usage_of(body: Mapping[str, Any], *, images: int = 0) -> Usage | None:
    """Counted use from an answer or a last chunk, None if it says nothing readable.

    images      sent with the request; no dialect counts them
    """
    counts = counts_in(body, images=images)
    return counts.usage if counts else None


def counts_in(
    body: Mapping[str, Any],
    *,
    images: int = 0,
    habits: UsageHabits = NO_HABITS,
    is_answer_free: bool = False,
) -> Counts | None:
    """Counted use in any of the known dialects, and what was not said (`counts_of`)."""
    usage = counted(body)
    if usage is None:
        return None
    return _plain(usage, images) or counts_of(
        usage, images=images, habits=habits, is_answer_free=is_answer_free
    )


def use_told(usage: Any) -> Usage:
    """What a usage object counts, for those who are told it by other names; nothing if it is none
    or says nothing."""
    counts = counts_in({"usage": usage})
    return counts.usage if counts else Usage()


def counted(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the usage objects of an answer or a chunk say together, wherever they stand.

    None if there is none. The usual place comes last, since the last one wins.
    """
    choices, is_usual = body.get("choices"), ELSEWHERE.isdisjoint(body)
    parts = [] if is_usual else [body.get(name) for name in PARTS_WITH_USAGE]
    parts += choices if isinstance(choices, list) else ()
    parts += [] if is_usual else [{"usage": body.get(name)} for name in OTHER_USAGE]
    found: list[dict[str, Any]] = [
        part["usage"]
        for part in (*parts, body)
        if isinstance(part, dict) and isinstance(part.get("usage"), dict)
    ]
    if len(found) == 1:
        return _innermost(found[0])
    return reduce(merged, map(_innermost, found)) if found else None


def _innermost(usage: dict[str, Any]) -> dict[str, Any]:
    """The usage object within one, where a gateway wrapped it."""
    if WRAPPERS.isdisjoint(usage):
        return usage
    wrapped = next((usage[name] for name in WRAPPED if isinstance(usage.get(name), dict)), None)
    return usage if wrapped is None else usage | wrapped


def id_of(body: Mapping[str, Any]) -> str | None:
    """The answer's id; None if it is no text of 1 to MAX_ID_CHARS characters."""
    name = body.get("id")
    return name if isinstance(name, str) and 0 < len(name) <= MAX_ID_CHARS else None


def facts_of(
    body: Mapping[str, Any],
    traits: ProviderTraits,
    *,
    images: int = 0,
    finish_reason: str | None = None,
    is_answer_free: bool = False,
) -> AnswerFacts:
    """What a whole answer says of itself; the end of its text is the caller's to find."""
    counts = counts_in(body, images=images, habits=traits.usage, is_answer_free=is_answer_free)
    return AnswerFacts(
        usage=counts.usage if counts else None,
        unsaid=counts.unsaid if counts else NOTHING_UNSAID,
        undivided_tokens=counts.undivided if counts else 0,
        served_model=text_in(body, "model"),
        service_tier=tier_of(body),
        billed_usd=charge_in(body, traits),
        finish_reason=finish_reason,
        response_id=id_of(body),
    )


def charge_in(body: Mapping[str, Any], traits: ProviderTraits) -> Decimal | None:
    """Dollars that a provider says it charged, see `billed_of`; few say so at all."""
    return billed_of(body, traits.bill) if may_hold(body, traits.bill_places) else None


def text_in(body: Mapping[str, Any], name: str) -> str | None:
    """A field that is a string, or None."""
    value = body.get(name)
    return value if isinstance(value, str) else None


def part_of(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that is an object, or an empty one."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _plain(usage: Mapping[str, Any], images: int) -> Counts | None:
    """The counts of an object that distinguishes nothing and adds up, as most do."""
    prompt, answer = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if type(prompt) is not int or type(answer) is not int or prompt <= 0 or answer <= 0:
        return None
    if usage.get("total_tokens") != prompt + answer or prompt + answer >= MOST:
        return None
    if usage.keys() > PLAIN_COUNTS and any(
        _says_more(value) for name, value in usage.items() if name not in PLAIN_COUNTS
    ):
        return None
    made = Usage(input_tokens=prompt, output_tokens=answer, images=images)
    return Counts(made, NOTHING_UNSAID)


def _says_more(value: Any) -> bool:
    """It is neither nothing nor an object of nothing but zeros."""
    return any(value.values()) if isinstance(value, dict) else bool(value)
