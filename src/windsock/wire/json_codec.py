"""JSON as models and their servers write it: orjson where it can, the standard library for half a
surrogate pair and for numbers that are none."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson

MARK = b"\xef\xbb\xbf"
"""Of UTF-8, which some write before the text."""


def loads(raw: bytes) -> Any:
    """Raises ValueError for what is no JSON."""
    raw = raw.removeprefix(MARK)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if not _has_half_pair(raw) and b"NaN" not in raw and b"Infinity" not in raw:
            raise
        return _loose(raw)


def loads_asked(raw: bytes) -> Any:
    """The same of what a caller sends, who is told of numbers that are none; raises ValueError."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if not _has_half_pair(raw):
            raise
        return _loose(raw, parse_constant=_no_number)


def _has_half_pair(raw: bytes) -> bool:
    return b"\\ud" in raw.lower()


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _loose(raw: bytes, **how: Any) -> Any:
    try:
        return json.loads(raw, **how)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def dumps(body: Any) -> bytes:
    """Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


def parsed(raw: bytes) -> Any:
    """JSON, or None."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        with suppress(ValueError):
            return loads(raw)
        return None


def at(body: Any, path: str) -> Any:
    """The value at a dotted path, None if there is none."""
    for name in _names(path):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


Beginnings = tuple[tuple[str, frozenset[str]], ...]
"""Fields of a body, each with the names in it that something stands at or under; the name "" of a
field that is it itself."""


def beginnings(paths: Iterable[str]) -> Beginnings:
    """Where dotted paths begin."""
    found: dict[str, set[str]] = {}
    for path in paths:
        first, _, rest = path.partition(".")
        found.setdefault(first, set()).add(rest.partition(".")[0])
    return tuple((first, frozenset(names)) for first, names in found.items())


def may_hold(body: Mapping[str, Any], begins: Beginnings) -> bool:
    """Whether anything may stand at one of the paths that begin so; `at` says what."""
    for first, names in begins:
        part = body.get(first)
        if part is not None and ("" in names or not isinstance(part, dict)):
            return True
        if part is not None and not names.isdisjoint(part):
            return True
    return False


@lru_cache(maxsize=1024)
def _names(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))
