"""JSON as models and their servers write it: orjson where it can, the standard library for half a
surrogate pair and for numbers that are none."""

from __future__ import annotations

import json
from typing import Any

import orjson


def loads(raw: bytes) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if b"\\ud" not in raw.lower() and b"NaN" not in raw and b"Infinity" not in raw:
            raise
        return _loose(raw)


def _loose(raw: bytes) -> Any:
    try:
        return json.loads(raw)
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
        return loads(raw)
    except ValueError:
        return None


def at(body: Any, path: str) -> Any:
    """The value at a dotted path, None if there is none."""
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body
