"""What is stated in the body of an error: JSON, events, XML, also what was cut off on its way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from windsock.wire.json_codec import loads, parsed

MAX_EVENTS = 16
MAX_PIECES = 100

EVENTS = re.compile(rb"^data: ?([\[{].*)$", re.MULTILINE)
ELEMENT = re.compile(r"<(?:\w{1,40}:)?(\w{1,40})(?:\s[^<>]{0,200})?>([^<>]{1,2000})</")
FIELD = re.compile(
    r"""(["'])(?P<key>\w{1,60})\1\s{0,9}:\s{0,9}"""
    r"""(?:"(?P<text>(?:[^"\\]|\\.)*)|'(?P<quoted>(?:[^'\\]|\\.|'(?=\w))*)|(?P<number>-?\d{1,15})"""
    r"""|[(\[](?P<listed>[^()\[\]{}]{0,300})[)\]])"""
)
"""A field of JSON or of Python, whose text the end of the body may have cut off."""

XML = re.compile(r"^\s*(?:<\?xml|<(?!html\b|head\b|body\b|!)[\w:]{1,60}[\s>])", re.IGNORECASE)
OPEN = re.compile(r"^\s*[\[{]\s*[\[{\"']")


def body_of(raw: bytes) -> Any:
    """The JSON that a body is, or a list of that in its events: some refuse in the form of them."""
    body = parsed(raw)
    if body is not None:
        return body
    events = (parsed(event[1]) for event in islice(EVENTS.finditer(raw), MAX_EVENTS))
    return [each for each in events if each is not None] or None


def pieces_of(text: str) -> dict[str, Any]:
    """The fields by name of XML, of JSON that was cut off and of Python's way of writing it; empty
    of any other text. Of a name that comes again a list, of a list the first."""
    pieces: dict[str, Any] = {}
    for key, value in islice(_fields(text), MAX_PIECES):
        if key not in pieces:
            pieces[key] = value
        elif not isinstance(value, list) and value != pieces[key]:
            pieces[key] = [*(held if isinstance(held := pieces[key], list) else [held]), value]
    return pieces


def _fields(text: str) -> Iterator[tuple[str, Any]]:
    if XML.match(text):
        yield from ((each[1], each[2].strip()) for each in ELEMENT.finditer(text))
    elif OPEN.match(text):
        yield from ((each["key"], _value(each)) for each in FIELD.finditer(text))


def _value(field: re.Match[str]) -> Any:
    if field["listed"] is not None:
        return [part.strip(" '\"") for part in field["listed"].split(",")]
    if field["number"] is not None:
        return int(field["number"])
    return _unescaped(field["text"] or field["quoted"] or "")


def _unescaped(text: str) -> str:
    with suppress(ValueError):
        return str(loads(f'"{text}"'.encode(errors="replace")))
    return text.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'")
