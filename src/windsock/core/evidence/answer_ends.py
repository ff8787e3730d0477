"""Ends that are no answer, though the provider said 200: it failed on the way, or showed nothing.

The words are those of `finish_reason` that providers of OpenAI's shape send.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from windsock.core.model.calls import CallKind

FAILED = re.compile(
    r"(?<![a-z])(?:abort(?:ed)?|broken|cache_full|cancel(?:l?ed)?|crash(?:ed)?|dead|deadline|died"
    r"|disconnect(?:ed)?|evicted"
    r"|errors?|exception|expired|fail(?:ed|ure)|insufficient|interrupt(?:ed|ion)?|killed|lost"
    r"|malformed|missing|oom|out_of_memory|overload(?:ed)?|preempted|quota|rate_limit(?:ed)?"
    r"|shut_?down|terminated|throttl(?:ed|ing)|timed_out|timeout|too_many_tool_calls|unavailable"
    r"|unexpected)(?![a-z])"
)
"""The provider, or the model, broke off: vLLM (its issue 57082), OpenRouter, DeepSeek, Gemini,
Bedrock, Cohere. Names of failures are made of these words, and more of them come every year."""

REFUSED = re.compile(
    r"(?<![a-z])(?:armor|banned|blocked|blocklist|censor\w*|copyright|filter(?:ed)?|flagged|guardrails?|harm\w*"
    r"|jailbreak|moderat\w+|nsfw|polic(?:y|ies)|prohibited|recitation|refus\w+|responsible_?ai"
    r"|risk|safety|sensitive|spii|toxic\w*|unsafe|violat\w+)(?![a-z])"
)
"""A filter spoke, which is an answer about the request also where it left nothing to show."""

BETWEEN = re.compile(r"(?<=[a-z])(?=[A-Z])")

CUT = re.compile(
    r"(?<![a-z])(?:context_window|length|limit|max_(?:\w+_)?(?:length|output|tokens?)|out_of_tokens"
    r"|truncat(?:ed|ion))"
    r"(?![a-z])"
)
"""The answer was as long as it might be."""

CALLED = re.compile(r"(?:function|tool)_?(?:calls?|use)")

ENDED = re.compile(
    r"completed?|done|end(?:_?of_?text|_of_turn|_turn)?|eo[st](?:_token)?|finish(?:ed)?|normal"
    r"|(?:natural_)?stop(?:_(?:sequence|str(?:ing)?|token(?:_ids?)?)(?:_reached)?|ped)?"
)
"""It was at its end."""


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
        if has_failed(self.finish_reason):
            return CallKind.SERVER_ERROR
        if not self.is_empty:
            return CallKind.ANSWERED
        if has_refused(self.finish_reason or ""):
            return CallKind.CONTENT_REFUSED if takes_content_elsewhere else CallKind.ANSWERED
        if may_be_empty:
            return CallKind.ANSWERED
        was_cut = usual_end(self.finish_reason) == "length"
        is_limited = was_cut and self.has_limit and self.output_tokens != 0
        return CallKind.ANSWERED if is_limited else CallKind.EMPTY_ANSWER


@lru_cache(maxsize=256)
def has_refused(finish_reason: str) -> bool:
    """Whether the word says that a filter spoke."""
    return REFUSED.search(_apart(finish_reason)) is not None


@lru_cache(maxsize=256)
def has_failed(finish_reason: str | None) -> bool:
    """Whether the word says that the answer was broken off by a failure.

    Some say two at once: "function_call_filter: MALFORMED_FUNCTION_CALL".
    """
    return finish_reason is not None and FAILED.search(_apart(finish_reason)) is not None


@lru_cache(maxsize=256)
def usual_end(finish_reason: str | None) -> str | None:
    """The word of chat completions for an end that others have another word for.

    One that failed, or that says nothing of these, stays as it is.
    """
    if finish_reason is None or has_failed(finish_reason):
        return finish_reason
    words = _apart(finish_reason).removeprefix("finish_reason_")
    if has_refused(finish_reason):
        return "content_filter"
    if CALLED.fullmatch(words):
        return "function_call" if words == "function_call" else "tool_calls"
    if CUT.search(words):
        return "length"
    return "stop" if ENDED.fullmatch(words) else finish_reason


def _apart(finish_reason: str) -> str:
    """Its words in small letters: `ContentFilter` and `content_filter` are one."""
    return BETWEEN.sub("_", finish_reason).lower().replace("-", "_")
