"""Ends that are no answer, though the provider said 200: it failed on the way, or showed nothing.

The words are those of `finish_reason` that providers of OpenAI's shape send.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from windsock.core.model.calls import CallKind

FAILED = frozenset(
    {
        "abort",
        "aborted",
        "cancelled",
        "error",
        "failed",
        "insufficient_system_resource",
        "malformed_function_call",
        "network_error",
        "server_error",
        "timeout",
        "unexpected_tool_call",
    }
)
"""The provider, or the model, broke off: vLLM (its issue 57082), OpenRouter, DeepSeek, Gemini."""

REFUSED = frozenset(
    {
        "blocklist",
        "content_filter",
        "content_filtered",
        "guardrail_intervened",
        "image_safety",
        "prohibited_content",
        "recitation",
        "refusal",
        "safety",
        "sensitive",
        "spii",
    }
)
"""A filter spoke, which is an answer about the request also where it left nothing to show."""

AT_LIMIT = frozenset({"length", "max_tokens", "max_output_tokens"})
"""The answer was as long as it might be."""


@dataclass(slots=True, kw_only=True)
class AnswerEnd:
    """How a whole answer ended.

    finish_reason   the provider's word, None if it said none
    is_empty        nothing to show: no text but blanks, no tool call, no refusal, no image or
                    sound; reasoning alone is nothing
    output_tokens   of an empty one, as the provider counts, reasoning included; None if it does not
    has_limit       the caller bounded the answer's tokens
    """

    finish_reason: str | None
    is_empty: bool
    output_tokens: int | None = None
    has_limit: bool = False

    def kind(
        self, *, may_be_empty: bool = False, takes_content_elsewhere: bool = False
    ) -> CallKind:
        """ANSWERED, or how the call failed.

        At the caller's own limit there may be nothing to show, for reasoning ate it; but an answer
        of no tokens at all met another limit than that.

        takes_content_elsewhere     what a filter left nothing of is asked of another deployment
        """
        words = _words(self.finish_reason)
        if not FAILED.isdisjoint(words):
            return CallKind.SERVER_ERROR
        if self.is_empty and words & REFUSED and takes_content_elsewhere:
            return CallKind.CONTENT_REFUSED
        if not self.is_empty or may_be_empty or words & REFUSED:
            return CallKind.ANSWERED
        is_limited = bool(words & AT_LIMIT) and self.has_limit and self.output_tokens != 0
        return CallKind.ANSWERED if is_limited else CallKind.EMPTY_ANSWER


def has_failed(finish_reason: str | None) -> bool:
    """Whether the word says that the answer was broken off by a failure."""
    return not FAILED.isdisjoint(_words(finish_reason))


@lru_cache(maxsize=256)
def _words(finish_reason: str | None) -> frozenset[str]:
    """Some say two at once: "content_filter: PROHIBITED_CONTENT"."""
    return frozenset(word.strip() for word in (finish_reason or "").lower().split(":"))
