"""Declared checks: what an answer must be like to count as good, told without asking anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from windsock.core.evidence.checks.languages import is_in, language_of
from windsock.core.evidence.checks.programs import compiles, runs
from windsock.core.evidence.checks.refusals import refuses
from windsock.core.evidence.checks.schemas import fits
from windsock.core.evidence.checks.texts import NOTHING, is_number, is_whole, json_in, loops
from windsock.core.evidence.checks.tools import calls_fit

CUT = "length"
"""The end of an answer that ran out of tokens."""

ASKED = "asked"
"""As the request has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What checks must know of the request, and of how its answer ended.

    tools           `tools` of a chat request
    schema          that its answer was asked to fit; None: none
    prompt          what the user said last
    finish_reason   of the answer
    """

    tools: Sequence[Any] = ()
    schema: Any = None
    prompt: str = ""
    finish_reason: str | None = None


NOTHING_ASKED = Asked()

Made = Iterator[tuple[str, Callable[[], bool]]]
"""Checks that an answer is for, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """All that are asked for must hold.

    non_empty       there is text, or a tool call
    json            the text is JSON; lenient: also in a fence, or with words around it
    required_keys   the text is a JSON object with these keys
    schema          the text is JSON that fits this schema; asked: the one of the request, if any
    pattern         the text contains a match
    number          the text is one number
    python          the text, or its first fenced block, is Python that compiles
    sql             the text, or its first fenced block, is one query that runs on the tables that
                    this SQL makes; "": that parses
    least_chars, most_chars     of the text
    language        the text is not plainly in another one; asked: than the prompt
    whole           it did not run out of tokens, and no fence or bracket was left open
    no_loop         no stretch of the text stands four times in a row
    tool_calls      every tool call is to a tool of the request, with arguments that it takes
    no_refusal      it does not begin as refusals do
    unit_tests      the tests sent with the request pass; told later, by who runs them
    """

    non_empty: bool = False
    json: bool | Literal["lenient"] = False
    required_keys: tuple[str, ...] = ()
    schema: Any = None
    pattern: re.Pattern[str] | None = None
    number: bool = False
    python: bool = False
    sql: str | None = None
    least_chars: int = 0
    most_chars: int | None = None
    language: str | None = None
    whole: bool = False
    no_loop: bool = False
    tool_calls: bool = False
    no_refusal: bool = False
    unit_tests: bool = False

    def holds(self, message: Mapping[str, Any], asked: Asked = NOTHING_ASKED) -> bool:
        """True if the assistant's message passes every check asked for."""
        return all(check() for _, check in self._made(message, asked))

    def results(self, message: Mapping[str, Any], asked: Asked = NOTHING_ASKED) -> dict[str, bool]:
        """Whether it passes each check that it is for, by name."""
        return {name: check() for name, check in self._made(message, asked)}

    def _made(self, message: Mapping[str, Any], asked: Asked) -> Made:
        content, calls = message.get("content"), message.get("tool_calls") or ()
        text = content if isinstance(content, str) else ""
        if self.non_empty:
            yield "non_empty", lambda: bool(text.strip() or calls)
        if self.tool_calls and calls:
            yield "tool_calls", lambda: calls_fit(calls, asked.tools)
        if self.no_refusal:
            yield "no_refusal", lambda: not refuses(message)
        if self.whole:
            yield "whole", lambda: asked.finish_reason != CUT and is_whole(text)
        if text or not calls:
            yield from self._of_text(text, asked)

    def _of_text(self, text: str, asked: Asked) -> Made:
        """An answer that only calls tools has no text to look at."""
        if self.least_chars or self.most_chars:
            most = self.most_chars or len(text)
            yield "length", lambda: self.least_chars <= len(text) <= most
        if (pattern := self.pattern) is not None:
            yield "pattern", lambda: pattern.search(text) is not None
        if self.number:
            yield "number", lambda: is_number(text)
        if self.no_loop:
            yield "no_loop", lambda: not loops(text)
        if (language := self._language(asked)) is not None:
            yield "language", lambda: is_in(text, language)
        yield from self._of_form(text, asked)

    def _of_form(self, text: str, asked: Asked) -> Made:
        schema = asked.schema if self.schema == ASKED else self.schema
        if self.json:
            yield "json", lambda: self._value(text) is not NOTHING
        if self.required_keys:
            yield "required_keys", lambda: self._has_keys(self._value(text))
        if schema is not None:
            yield "schema", lambda: _is_of(self._value(text), schema)
        if self.python:
            yield "python", lambda: compiles(text)
        if (tables := self.sql) is not None:
            yield "sql", lambda: runs(text, tables)

    def _language(self, asked: Asked) -> str | None:
        return language_of(asked.prompt) if self.language == ASKED else self.language

    def _value(self, text: str) -> Any:
        return json_in(text, is_lenient=self.json == "lenient")

    def _has_keys(self, value: Any) -> bool:
        return isinstance(value, dict) and all(name in value for name in self.required_keys)


def _is_of(value: Any, schema: Any) -> bool:
    return value is not NOTHING and fits(value, schema)


DEFAULT_CHECKS = Checks(tool_calls=True, schema=ASKED)
"""What the caller itself holds an answer to; made where a route declares nothing else. That it is
not empty is how an answer ends (`core.evidence.answer_ends`)."""


def confidence(
    checks: Checks | None,
    message: Mapping[str, Any],
    stated: float | None,
    asked: Asked = NOTHING_ASKED,
) -> float | None:
    """How sure an answer is: 0 if a declared check fails, else what logprobs say, else 1.

    None where there is neither check nor logprobs. A claim, not a rate: what it is worth is learnt
    from feedback.
    """
    if checks is None:
        return stated
    if not checks.holds(message, asked):
        return 0.0
    return 1.0 if stated is None else stated
