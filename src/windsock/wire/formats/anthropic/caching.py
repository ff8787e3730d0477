"""Marks of what to cache in a request to Messages."""

from __future__ import annotations

from typing import Any


def cache_mark(body: dict[str, Any]) -> dict[str, Any]:
    """As a field of the whole body: the longest-lived of the marks that stand in it; {} if none."""
    contents = [turn.get("content") for turn in body["messages"]]
    lists = [
        each
        for each in (body.get("system"), body.get("tools"), *contents)
        if isinstance(each, list)
    ]
    parts = [part for each in lists for part in each if isinstance(part, dict)]
    marks = [each.get("cache_control") for each in (body, *parts)]
    found = [mark for mark in marks if isinstance(mark, dict)]
    longest = next((mark for mark in found if mark.get("ttl") == "1h"), None)
    return {"cache_control": longest or found[0]} if found else {}
