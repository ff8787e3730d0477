"""Events of a stream that bring text and nothing else, as nearly all do."""

from __future__ import annotations

import re
from typing import NamedTuple

from windsock.wire.sse import are_plain_json, start_of_event

CONTENT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|text|arguments|name)"\s*:\s*"(?!")'
    rb'|"tool_calls"\s*:\s*\[\s*\{|"function_call"\s*:\s*\{'
)
"""A field with something to show that is not empty."""

FINISH = re.compile(rb'"finish_?[rR]eason"\s*:\s*(?:"[^"]|\{)')
USAGE = re.compile(rb'"usage(?:_?[mM]etadata)?"\s*:\s*\{')
ASIDE = re.compile(rb'"(?:timings|meta)"\s*:\s*\{')
"""Where the end of a stream may tell usage that is told nowhere else: llama.cpp, Cohere."""

END = b'"finish'
"""How the name of the field begins that says why a choice ended."""

NOTED = (
    (b'"usage', b'"usage":null', USAGE),
    (END, b'"finish_reason":null', FINISH),
)
"""How a fact begins, how it looks where it says nothing, and how it looks where it does."""
CALLS = b'"tool_calls"'
NUMBER = re.compile(rb'"index"\s*:\s*\d')
CALL = re.compile(rb'"function"\s*:\s*\{')
NAME = b'"content":'

TEXT = re.compile(
    rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u(?![dD])[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+'
)
"""A text in JSON between its quotes; what may be half of a pair is left to who reads it all."""


def tells_usage(event: bytes, *, is_end: bool) -> bool:
    """Whether an event carries a usage object; the last one of an answer may by another name."""
    return USAGE.search(event) is not None or (is_end and ASIDE.search(event) is not None)


class Shape(NamedTuple):
    """What stands before and after the one text that an event brings; of the next events of a
    stream nearly all have the same."""

    head: bytes
    tail: bytes

    def until(self, held: bytes) -> tuple[int, int]:
        """How many whole events of this shape are at the beginning, each with some text, and where
        they end."""
        head, tail = self
        if not held.startswith(head):
            return 0, 0
        between, count, begin, close = tail + head, 0, len(head), 0
        while text := TEXT.match(held, begin):
            close = text.end()
            if close == begin or not held.startswith(between, close):
                break
            count, begin = count + 1, close + len(between)
        if close > begin and held.startswith(tail, close):
            return count + 1, close + len(tail)
        return count, begin - len(head)


def _text_until(held: bytes, begin: int) -> int:
    text = TEXT.match(held, begin)
    return begin if text is None else text.end()


def shape_of(event: bytes) -> Shape | None:
    """Of a whole event that is JSON on one data line; None unless it has one content, a text."""
    at = event.find(NAME)
    begin = event.find(b'"', at + len(NAME)) + 1
    if at < 0 or event.find(NAME, begin) >= 0 or event[at + len(NAME) : begin].strip() != b'"':
        return None
    end = _text_until(event, begin)
    return Shape(event[:begin], event[end:]) if event[end : end + 1] == b'"' else None


def plain_until(held: bytes) -> tuple[int, int]:
    """Where the events end that hold nothing but content, and how many they are.

    Nearly every event is such a one, and looking for each fact in each costs ten times this.
    """
    until = held.rfind(b"\n\n") + 2
    if until < 2 or b"\r" in held:
        return 0, 0
    for word in (b'"error"', b"[DONE]"):
        found = held.find(word, 0, until)
        until = until if found < 0 else start_of_event(held, found)
    for name, empty, fact in NOTED:
        if held.count(name, 0, until) > held.count(empty, 0, until):
            match = fact.search(held, 0, until)
            until = start_of_event(held, match.start()) if match else until
    if held.find(CALLS, 0, until) >= 0 and not _are_numbered(held, until):
        return 0, 0
    events = held.count(b"\n\n", 0, until)
    said = held.count(b'"delta":{', 0, until)
    if said < events and said + held.count(b'"delta": {', 0, until) < events:
        return 0, 0
    listed = held.count(b'"choices":[', 0, until)
    if listed < events and listed + held.count(b'"choices": [', 0, until) < events:
        return 0, 0
    return (until, events) if until and are_plain_json(held[:until]) else (0, 0)


def _are_numbered(held: bytes, until: int) -> bool:
    """Whether each part of a call says of which; a choice has its number too."""
    events, parts = held.count(b"\n\n", 0, until), len(CALL.findall(held, 0, until))
    return len(NUMBER.findall(held, 0, until)) >= events + parts


def contents(held: bytes, until: int, events: int) -> int:
    """Events with something to show; where each has one text, as nearly always, by counting."""
    texts = held.count(b'"content":"', 0, until) - held.count(b'"content":""', 0, until)
    if texts < events:  # servers in Python put a space there
        texts += held.count(b'"content": "', 0, until) - held.count(b'"content": ""', 0, until)
    if events == texts:
        return events
    return sum(1 for event in held[:until].split(b"\n\n") if CONTENT.search(event))
