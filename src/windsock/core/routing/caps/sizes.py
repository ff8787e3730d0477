"""How large calls turn out to be, beside what is known of them before they are made."""

from __future__ import annotations

from dataclasses import dataclass, field

from windsock.core.model.calls import CallResult
from windsock.core.model.requests import RouteRequest

FIRST_ANSWER_TOKENS = 4096.0
"""Of an answer whose length nobody bounds, before any was seen."""

FIRST_PROMPT_FACTOR, MOST_PROMPT_FACTOR = 1.5, 4.0
"""Tokens that a prompt may have for each that is reckoned from its bytes: other languages than
English have up to twice as many."""

KEEP = 0.98
"""What a largest size keeps at each call that is smaller: after 35 of them half."""

LEAST_ANSWER_TOKENS = 256.0


@dataclass(slots=True)
class CallSizes:
    """The largest sizes seen of late, by deployment: what the next call may come to."""

    _answers: dict[str, float] = field(default_factory=dict)
    _factors: dict[str, float] = field(default_factory=dict)

    def prompt_tokens(self, deployment: str, request: RouteRequest) -> int:
        """Tokens that the prompt may have there."""
        sent = request.prompt_tokens + request.beside_tokens
        return int(self._factors.get(deployment, FIRST_PROMPT_FACTOR) * sent) + 1

    def answer_tokens(self, deployment: str, request: RouteRequest, most: int | None) -> int:
        """Tokens that one answer may have there: the caller's bound, else what is usual.

        most    that the deployment answers with, if that is known
        """
        asked = request.max_output_tokens
        tokens = self._answers.get(deployment, FIRST_ANSWER_TOKENS) if asked is None else asked
        return int(tokens if most is None else min(tokens, most))

    def observe(self, request: RouteRequest, result: CallResult) -> None:
        """A call has ended."""
        usage, name = result.usage, result.attempt.deployment
        if usage is None or result.is_usage_estimated:
            return
        if sent := request.prompt_tokens + request.beside_tokens:
            factor = usage.prompt_tokens / sent
            kept = KEEP * self._factors.get(name, FIRST_PROMPT_FACTOR)
            self._factors[name] = min(MOST_PROMPT_FACTOR, max(1.0, factor, kept))
        if request.max_output_tokens is None:
            kept = KEEP * self._answers.get(name, FIRST_ANSWER_TOKENS)
            tokens = usage.completion_tokens / request.choices
            self._answers[name] = max(LEAST_ANSWER_TOKENS, tokens, kept)
