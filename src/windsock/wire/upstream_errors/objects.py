"""What each object of a refusal says, with the fields that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from windsock.wire.json_codec import parsed
from windsock.wire.upstream_errors.shapes import ECHOES

MAX_DEPTH = 6
"""Of a refusal that is read."""


def objects_in(raw: bytes) -> Iterator[dict[str, Any]]:
    """Each object of a body that says something, with all that it says itself as `text`."""
    body = parsed(raw)
    yield from _walk(raw.decode(errors="replace") if body is None else body, MAX_DEPTH)


def _walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        texts = [t for key, t in value.items() if isinstance(t, str) and key not in ECHOES]
        yield {**value, "text": "\n".join(texts)}
        for key, each in value.items():
            if key not in ECHOES:
                yield from _walk(each, depth - 1)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, depth - 1)
    elif isinstance(value, str):
        inner = parsed(value.encode(errors="replace")) if value[:1] in ("{", "[") else None
        if isinstance(inner, dict | list):
            yield from _walk(inner, depth - 1)
        else:
            yield {"text": value}
