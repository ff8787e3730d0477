"""How much Gemini thinks, in tokens, and the efforts that chat completions ask for.

https://ai.google.dev/gemini-api/docs/openai, thinking: what Google's compatible endpoint takes each
effort for. Newer models call levels what older ones count; all take a count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TOKENS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
TOKENS |= dict.fromkeys(("xhigh", "max"), TOKENS["high"])
"""By effort; Google has no word for more than high."""

STEPS = ("low", "medium", "high")
"""Efforts that a count of tokens may stand for, the least first."""


def effort_of(tokens: float) -> str:
    """The least effort that thinks so much; none at all for 0."""
    if tokens <= 0:
        return "none"
    return next((each for each in STEPS if tokens <= TOKENS[each]), "high")


def thinking_of(chat: Mapping[str, Any]) -> dict[str, Any]:
    """`thinkingConfig` for chat's effort or Anthropic's `thinking`; thoughts are told as well."""
    thinking, effort = chat.get("thinking"), chat.get("reasoning_effort")
    tokens = TOKENS.get(effort) if isinstance(effort, str) else None
    if isinstance(thinking, dict) and thinking.get("type") == "enabled":
        tokens = thinking.get("budget_tokens")
    if not isinstance(tokens, int):
        return {}
    told = {"includeThoughts": True} if tokens else {}
    return {"thinkingConfig": {"thinkingBudget": tokens, **told}}
