"""What each object of a refusal says, with the fields that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from windsock.wire.json_codec import parsed
from windsock.wire.upstream_errors.shapes import ECHOES

MAX_DEPTH = 6
"""Of a refusal that is read."""

PLACES = ("path", "instancePath", "location", "params")
"""Where schemas name the field that a sentence is about."""


def objects_in(raw: bytes) -> Iterator[dict[str, Any]]:
    """Each object of a body that says something, with all that it says itself as `text`.

    A sentence by itself, or among others, has the field under which it stands as `under`; a field
    in a place that a schema names it is that, too.
    """
    body = parsed(raw)
    yield from _walk(raw.decode(errors="replace") if body is None else body, MAX_DEPTH)


def _walk(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth == 0:
        return
    if isinstance(value, dict):
        texts = [t for key, t in value.items() if isinstance(t, str) and key not in ECHOES]
        yield {**_placed(value), "text": "\n".join(texts)}
        for key, each in value.items():
            if key not in ECHOES:
                is_told = isinstance(each, list) and all(isinstance(told, str) for told in each)
                for found in _walk(each, depth - 1):
                    is_own = is_told or isinstance(each, str)
                    yield {"under": key, **found} if is_own else found
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, depth - 1)
    elif isinstance(value, str):
        inner = parsed(value.encode(errors="replace")) if value[:1] in ("{", "[") else None
        if isinstance(inner, dict | list):
            yield from _walk(inner, depth - 1)
        else:
            yield {"text": value}


def _placed(value: dict[str, Any]) -> dict[str, Any]:
    """The same, with the field that a schema names in a place of its own."""
    names: list[Any] = []
    for place in (value.get(name) for name in PLACES):
        if isinstance(place, str):
            names += re.split(r"[./]", place)[-1:]
        elif isinstance(place, list | dict):
            names += [*(place.values() if isinstance(place, dict) else place)][-1:]
    name = next((each for each in names[::-1] if isinstance(each, str) and each), None)
    return value if name is None else {"under": name, **value}
