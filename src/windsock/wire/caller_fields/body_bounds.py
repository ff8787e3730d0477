"""What no body of JSON may be, whatever it is meant for.

Bytes that are no text, nesting that no program follows, numbers that no program counts, more
values than memory is for: one provider after the other would choke on them, or we. The looks that
every body gets cost some microseconds; only what is rich in brackets is read for this.
"""

from __future__ import annotations

import re
from typing import Any

from windsock.errors import BadRequest
from windsock.wire import json_codec

MOST_DEPTH = 128
"""Objects and lists within one another."""

MOST_DIGITS = 4000
"""Of a number, one after the other: a double has fewer, and Python gives up at 4,300."""

MOST_VALUES = 400_000
"""Entries of all lists and objects; OpenAI takes 300,000 tokens to embed at a time."""

MOST_CONTAINERS = 50_000
"""Lists and objects, each of which takes much more memory than it has bytes."""

BLOCK = MOST_DIGITS // 2
"""A run of MOST_DIGITS has a whole one of these in it, with its first byte, wherever it begins."""

DIGITS = frozenset(b"0123456789")

STRING = re.compile(rb'"[^"]*"')
LONG_NUMBER = re.compile(rb"\d{%d}" % MOST_DIGITS)


def check_body(raw: bytes) -> None:
    """Raises BadRequest for what no body of JSON may be; what is no JSON at all may pass."""
    if not raw.isascii():
        _check_text(raw)
    if len(raw) >= MOST_DIGITS and not DIGITS.isdisjoint(raw[::BLOCK]):
        _check_digits(raw)
    if _has_more(raw, b"[", b"{", most=MOST_DEPTH):
        _check_depth(raw)
    elif len(raw) > MOST_VALUES:
        _check_count(raw)


def _has_more(raw: bytes, *signs: bytes, most: int) -> bool:
    """Whether there are more than `most` of these; `count` takes 30 times as long to find none."""
    for sign in signs:
        at = raw.find(sign)
        while at >= 0:
            most -= 1
            if most < 0:
                return True
            at = raw.find(sign, at + 1)
    return False


def _check_text(raw: bytes) -> None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the body is not UTF-8, from byte {error.start} on; encode it as UTF-8"
        ) from error


def _check_digits(raw: bytes) -> None:
    blocks = (raw[at : at + BLOCK] for at in range(0, len(raw), BLOCK))
    if any(map(bytes.isdigit, blocks)) and LONG_NUMBER.search(_outside_strings(raw)):
        raise BadRequest(f"a number in the body has {MOST_DIGITS} digits and more; shorten it")


def _check_count(raw: bytes) -> None:
    """More brackets and commas than may be, unless they stand in strings."""
    containers = raw.count(b"[") + raw.count(b"{")
    if raw.count(b",") <= MOST_VALUES and containers <= MOST_CONTAINERS:
        return
    plain = _outside_strings(raw)
    if plain.count(b",") > MOST_VALUES:
        raise BadRequest(f"the body has more than {MOST_VALUES} values; send fewer")
    if plain.count(b"[") + plain.count(b"{") > MOST_CONTAINERS:
        raise BadRequest(f"the body has more than {MOST_CONTAINERS} lists and objects; send fewer")


def _check_depth(raw: bytes) -> None:
    _check_count(raw)
    try:
        level = [json_codec.loads(raw)]
    except ValueError as error:
        if "depth" in str(error) or "deeply" in str(error):
            raise _too_deep() from error
        return
    for _ in range(MOST_DEPTH + 1):
        level = _within(level)
        if not level:
            return
    raise _too_deep()


def _too_deep() -> BadRequest:
    return BadRequest(f"the body is nested more than {MOST_DEPTH} levels deep; make it flatter")


def _within(level: list[Any]) -> list[Any]:
    """Everything in the lists and objects among these."""
    inner: list[Any] = []
    for each in level:
        if isinstance(each, dict):
            inner += each.values()
        elif isinstance(each, list):
            inner += each
    return inner


def _outside_strings(raw: bytes) -> bytes:
    """Escapes go first, so that no quote within a string is left."""
    return STRING.sub(b'""', raw.replace(b"\\\\", b"").replace(b'\\"', b""))
