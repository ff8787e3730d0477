"""Tools whose input is a text in place of an object, which few providers have."""

from __future__ import annotations

from typing import Any

from windsock.wire.json_codec import parsed

CUSTOM = "custom"
MARK = b'"custom"'
"""Stands in every body that has such a tool, and in few others (a parameter may be called so)."""


def has_custom(tools: bytes, choice: Any, messages: bytes) -> bool:
    """Whether there is such a tool, the choice of one, or an earlier turn's call of one."""
    if isinstance(choice, dict) and choice.get("type") == CUSTOM:
        return True
    if MARK in tools and _is_any_custom(parsed(tools)):
        return True
    turns = parsed(messages) if MARK in messages else None
    called = (turn.get("tool_calls") for turn in _objects(turns))
    return any(map(_is_any_custom, called))


def _is_any_custom(tools: Any) -> bool:
    return any(each.get("type") == CUSTOM for each in _objects(tools))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
