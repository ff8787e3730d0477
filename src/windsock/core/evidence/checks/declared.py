"""Declared checks: what an answer must be like to count as good, told without asking anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from windsock.core.evidence.checks.programs import compiles, runs
from windsock.core.evidence.checks.texts import NOTHING, is_number, json_in, loops

REFUSAL = re.compile(
    r"^\W*(i'?m (really |very )?sorry|sorry|i can'?t|i cannot|i am unable|i'?m unable|as an ai\b)",
    re.IGNORECASE,
)
"""How refusals begin, in English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """All that are asked for must hold.

    non_empty       there is text, or a tool call
    json            the text is JSON; lenient: also in a fence, or with words around it
    required_keys   the text is a JSON object with these keys
    pattern         the text contains a match
    number          the text is one number
    python          the text, or its first fenced block, is Python that compiles
    sql             the text, or its first fenced block, is one query that runs on the tables that
                    this SQL makes; "": that parses
    least_chars, most_chars     of the text
    no_loop         no stretch of the text stands four times in a row
    tool_calls      the arguments of every tool call are JSON
    no_refusal      the text does not begin as refusals do, in English
    """

    non_empty: bool = False
    json: bool | Literal["lenient"] = False
    required_keys: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    number: bool = False
    python: bool = False
    sql: str | None = None
    least_chars: int = 0
    most_chars: int | None = None
    no_loop: bool = False
    tool_calls: bool = False
    no_refusal: bool = False

    def holds(self, message: Mapping[str, Any]) -> bool:
        """True if the assistant's message passes every check asked for."""
        content = message.get("content")
        text = content if isinstance(content, str) else ""
        calls = message.get("tool_calls") or ()
        is_call = bool(calls) and not text
        return (
            (not self.non_empty or bool(text.strip() or calls))
            and (not self.tool_calls or all(_has_json_arguments(call) for call in calls))
            and (not self.no_refusal or not REFUSAL.match(text))
            and (is_call or self._fits(text))
        )

    def _fits(self, text: str) -> bool:
        """The checks of text; an answer that only calls tools has none to look at."""
        return (
            self.least_chars <= len(text) <= (self.most_chars or len(text))
            and (self.pattern is None or self.pattern.search(text) is not None)
            and (not self.number or is_number(text))
            and not (self.no_loop and loops(text))
            and self._is_json(text)
            and (not self.python or compiles(text))
            and (self.sql is None or runs(text, self.sql))
        )

    def _is_json(self, text: str) -> bool:
        if not self.json and not self.required_keys:
            return True
        value = json_in(text, is_lenient=self.json == "lenient")
        keys = value if isinstance(value, dict) else {}
        return value is not NOTHING and all(name in keys for name in self.required_keys)


def confidence(
    checks: Checks | None, message: Mapping[str, Any], stated: float | None
) -> float | None:
    """How sure an answer is: 0 if a declared check fails, else what logprobs say, else 1.

    None where there is neither check nor logprobs. A claim, not a rate: what it is worth is learnt
    from feedback.
    """
    if checks is None:
        return stated
    if not checks.holds(message):
        return 0.0
    return 1.0 if stated is None else stated


def _has_json_arguments(call: Any) -> bool:
    function = call.get("function") if isinstance(call, Mapping) else None
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    try:
        return isinstance(json.loads(arguments or "{}"), dict)
    except (ValueError, TypeError):
        return False
