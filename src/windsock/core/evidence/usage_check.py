"""Counts that cannot be are not believed: the router's own count stands in for them.

What is possible is bounded by what was sent, what came back, and what the model can do at most.
The bounds are wide, for tokens may be hidden: instructions, searches and files by address that a
provider adds to a prompt, reasoning that it bills and does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from windsock.core.model.catalog import Capabilities
from windsock.core.model.units import SEARCH_METERS, Family, Usage

BYTES_PER_OWN = 4
"""Own counts are 0.27 tokens a byte; no tokenizer makes more than one of a byte."""

HIDDEN_PROMPT = 524_288
"""Prompt tokens beyond what was sent, where the context window is not known."""

HIDDEN_REASONING = 131_072
"""Reasoning that is stated and not shown, where the output limit is not known: the largest one
that is common."""

HIDDEN_ANSWER = 32_768
"""Answer tokens beyond what came, where neither a limit nor reasoning is stated: what models think
by default at most."""

LIMIT_SLACK = 1.02
LIMIT_SLACK_TOKENS = 64
"""Providers count marks of begin and end that their limits leave out."""

PROMPT_SLACK = 1.5
"""Of the own count of a prompt: what tokenizers and templates differ by."""

MOST_SEARCHES = 1_000
"""Of one call; deep research makes tens."""


MOST_SECONDS = 86_400
"""Of audio or video in one call: a day."""


@dataclass(slots=True, kw_only=True)
class CheckedUsage:
    """What to reckon with.

    is_estimated    some of it is the router's own count
    doubt           why the provider's was not believed; empty if it was, or if there was none
    """

    usage: Usage
    is_estimated: bool
    doubt: str = ""


def checked_usage(
    stated: Usage | None,
    unsaid: frozenset[Family],
    own: Usage,
    has: Capabilities,
    *,
    choices: int = 1,
    undivided: int = 0,
) -> CheckedUsage:
    """The provider's counts where they can be, the router's own where they cannot.

    stated      as the provider counts; None if it does not
    unsaid      families of tokens of which it says nothing readable
    own         counted from the bytes that were sent and that came
    choices     answers asked for
    undivided   tokens of prompt and answer together, where the provider says no more
    """
    if undivided:
        return _divided(undivided, own, has, choices)
    if stated is None:
        return CheckedUsage(usage=own, is_estimated=True)
    doubts, searches = [], stated.searches
    made = stated
    if why := _prompt_doubt(stated, unsaid, own, has, searches):
        doubts.append(why)
        made = _own_prompt(made, own, keeps_cache=Family.PROMPT in unsaid)
    if why := _answer_doubt(stated, unsaid, own, has, choices):
        doubts.append(why)
        made = _own_answer(made, own)
    if searches > MOST_SEARCHES:
        doubts.append(f"{searches} searches")
        made = replace(made, **{meter.usage_field: 0 for meter in SEARCH_METERS})
    if stated.input_seconds > MOST_SECONDS or stated.output_seconds > MOST_SECONDS:
        doubts.append(f"{max(stated.input_seconds, stated.output_seconds)} seconds")
        made = replace(made, input_seconds=0, output_seconds=0)
    return CheckedUsage(usage=made, is_estimated=bool(doubts), doubt="; ".join(doubts))


def _divided(tokens: int, own: Usage, has: Capabilities, choices: int) -> CheckedUsage:
    """A count of prompt and answer together, as those stand to each other by the own counts. What
    is more than a prompt of that size can well be is of the answer: reasoning that is not shown.
    """
    most = most_prompt_tokens(own, has, own.searches)
    most += most_answer_tokens(own, has, choices, says_reasoning=False)
    if tokens > most:
        doubt = f"{tokens} tokens of prompt and answer, {most} can be"
        return CheckedUsage(usage=own, is_estimated=True, doubt=doubt)
    counted = own.input_tokens + own.output_tokens
    prompt = min(tokens * own.input_tokens // max(1, counted), int(own.input_tokens * PROMPT_SLACK))
    divided = replace(own, input_tokens=prompt, output_tokens=tokens - prompt)
    return CheckedUsage(usage=divided, is_estimated=True)


def most_prompt_tokens(own: Usage, has: Capabilities, searches: int) -> int:
    """The most prompt tokens that such a call can have."""
    sent = BYTES_PER_OWN * own.input_tokens
    if has.context_tokens is None or searches:
        return sent + HIDDEN_PROMPT
    return max(sent, _with_slack(has.context_tokens))


def most_answer_tokens(own: Usage, has: Capabilities, choices: int, *, says_reasoning: bool) -> int:
    """The most answer tokens that such a call can have; what came is no less than it is."""
    came = BYTES_PER_OWN * own.output_tokens
    limit = has.max_output_tokens or has.context_tokens
    if limit is not None:
        return max(came, choices * _with_slack(limit))
    return came + choices * (HIDDEN_REASONING if says_reasoning else HIDDEN_ANSWER)


def _with_slack(limit: int) -> int:
    return int(limit * LIMIT_SLACK) + LIMIT_SLACK_TOKENS


def _prompt_doubt(
    stated: Usage, unsaid: frozenset[Family], own: Usage, has: Capabilities, searches: int
) -> str:
    if Family.PROMPT in unsaid:
        return "no readable count of the prompt"
    count, most = stated.prompt_tokens, most_prompt_tokens(own, has, searches)
    return f"{count} tokens of prompt, {most} can be" if count > most else ""


def _answer_doubt(
    stated: Usage, unsaid: frozenset[Family], own: Usage, has: Capabilities, choices: int
) -> str:
    if Family.ANSWER in unsaid:
        return "no readable count of the answer"
    says_reasoning = stated.reasoning_tokens > 0
    most = most_answer_tokens(own, has, choices, says_reasoning=says_reasoning)
    count = stated.completion_tokens
    return f"{count} tokens of answer, {most} can be" if count > most else ""


def _own_prompt(stated: Usage, own: Usage, *, keeps_cache: bool) -> Usage:
    """A prompt of which only the cached part was said is cached as far as that goes."""
    if keeps_cache and stated.prompt_tokens <= own.input_tokens:
        return replace(stated, input_tokens=own.input_tokens - stated.prompt_tokens)
    return replace(
        stated,
        input_tokens=own.input_tokens,
        cache_read_tokens=0,
        audio_cached_tokens=0,
        cache_write_tokens=0,
        cache_write_1h_tokens=0,
        audio_input_tokens=0,
    )


def _own_answer(stated: Usage, own: Usage) -> Usage:
    return replace(
        stated, output_tokens=own.output_tokens, reasoning_tokens=0, audio_output_tokens=0
    )
