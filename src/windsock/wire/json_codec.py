"""JSON as models write it: orjson where it can, the standard library for half a surrogate pair."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson

from windsock.wire import json_codec


def loads(raw: bytes) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        if b"\\ud" not in raw.lower():
            raise
        return json.loads(raw)


def dumps(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body).encode()


def parsed(raw: bytes) -> Any:
    """JSON, or None."""
    with contextlib.suppress(ValueError):
        return json_codec.loads(raw)
    return None
