"""Settings as people may see them: every value by its key, secrets masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from windsock.errors import masked

MASK = "••••"

ADDRESSES = ("url", "base_url")
"""Settings of whom the host is shown; the rest of an address may hold a secret."""


def shown(settings: BaseModel) -> list[tuple[str, Any, bool]]:
    """(key as in windsock.toml, JSON-able value, whether it was written down), in their order.

    What a settings class keeps out of its repr is a secret, and so is what looks like one.
    """
    return list(_shown("", settings))


def _shown(place: str, part: BaseModel) -> Iterator[tuple[str, Any, bool]]:
    for name, field in type(part).model_fields.items():
        value, is_stated = getattr(part, name), name in part.model_fields_set
        if not field.repr:
            yield place + name, _hidden(name, value), is_stated
        else:
            yield from _told(place + name, value, is_stated)


def _told(key: str, value: Any, is_stated: bool) -> Iterator[tuple[str, Any, bool]]:
    if isinstance(value, BaseModel):
        yield from _shown(f"{key}.", value)
    elif isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _told(f"{key}.{_quoted(str(name))}", each, is_stated)
    elif isinstance(value, (list, tuple)) and any(isinstance(each, BaseModel) for each in value):
        for index, each in enumerate(value):
            yield from _told(f"{key}[{index}]", each, is_stated)
    else:
        yield key, _plain(value), is_stated


def _quoted(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() else f'"{name}"'


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value if value is None or isinstance(value, (bool, int, float)) else masked(str(value))


def _hidden(name: str, value: Any) -> str | None:
    if not value:
        return None
    parts = urlsplit(value) if name in ADDRESSES and isinstance(value, str) else None
    if parts is None or not parts.hostname:
        return MASK
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{MASK}"
