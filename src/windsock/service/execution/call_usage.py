"""What a call used, and how its answer ended, from what the answer says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from windsock.core.evidence.answer_ends import AnswerEnd, has_refused
from windsock.core.evidence.usage_check import checked_usage
from windsock.core.model.calls import CallKind
from windsock.core.model.catalog import Capabilities
from windsock.core.model.units import SEARCH_FIELDS, Family, Usage
from windsock.core.routing.routes import Route
from windsock.wire.format import AnswerFacts
from windsock.wire.formats.chat.attached import size_of
from windsock.wire.request import TOKENS_PER_BYTE, Operation, UpstreamRequest

NO_WORDS = frozenset({"role", "type", "id", "index"})
"""Fields of a message that its model did not write."""


def usage_facts(
    said: AnswerFacts, request: UpstreamRequest, output_tokens: int, has: Capabilities
) -> dict[str, Any]:
    """The fields of a call's result that tell its use: as its provider counts where that can be,
    else as counted here from bytes.

    output_tokens   counted here from what came
    """
    own = request.expected or Usage(
        input_tokens=request.request.prompt_tokens,
        output_tokens=0 if request.operation is Operation.EMBEDDING else output_tokens,
        images=request.images,
    )
    unsaid = said.unsaid
    if said.usage is not None and not said.usage.output_tokens and _is_uncounted(said, request):
        unsaid |= {Family.ANSWER}
    together = said.undivided_tokens
    checked = checked_usage(
        None if together else said.usage,
        unsaid,
        own,
        has,
        choices=request.choices,
        undivided=together if request.expected is None else 0,
    )
    size = request.search_size
    return {
        "usage": checked.usage if size is None else _with_search(checked.usage, size),
        "is_usage_estimated": checked.is_estimated,
        "usage_doubt": checked.doubt,
    }


def message_tokens(message: Mapping[str, Any]) -> int:
    """Of all that a message holds: text, reasoning, calls of tools, as counted here from bytes;
    images, as of one in a prompt."""
    said = [text.encode(errors="replace") for text in _texts_in(message)]
    data = [text for text in said if text.startswith(b"data:")]
    words = sum(map(len, said)) - sum(map(len, data))
    return int(words * TOKENS_PER_BYTE) + sum(size_of(b'"%b"' % text).tokens for text in data)


def _texts_in(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping | list):
        named = part.items() if isinstance(part, Mapping) else enumerate(part)
        yield from chain.from_iterable(_texts_in(each) for n, each in named if n not in NO_WORDS)


def _is_uncounted(said: AnswerFacts, request: UpstreamRequest) -> bool:
    """Whether no token is counted of an answer that shows something, and that no filter took."""
    assert said.usage is not None
    shows = request.operation is Operation.CHAT and not said.is_empty
    return shows and not said.usage.completion_tokens and not has_refused(said.finish_reason or "")


def _with_search(usage: Usage, size: str) -> Usage:
    """With the search that was asked for, of the size asked for, where the answer tells neither."""
    if usage.searches > usage.web_searches:
        return usage
    count = max(1, usage.web_searches)
    sized = SEARCH_FIELDS.get(size, "web_searches")
    return replace(usage, **{"web_searches": 0, sized: count})


def end_kind(said: AnswerFacts, request: UpstreamRequest, route: Route) -> CallKind:
    """How a call ended whose answer to this request is whole."""
    is_counted = said.is_empty and Family.ANSWER not in said.unsaid
    end = AnswerEnd(
        finish_reason=said.finish_reason,
        is_empty=said.is_empty,
        output_tokens=said.usage.completion_tokens if said.usage and is_counted else None,
        has_limit=request.request.max_output_tokens is not None,
    )
    return end.kind(
        may_be_empty=route.allow_empty, takes_content_elsewhere=route.takes_content_elsewhere
    )
