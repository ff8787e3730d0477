"""Suffixes of names as OpenRouter has them: `auto:floor` is `auto` with a preference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from windsock.core.model.requests import RouteRequest

NOTHING = Decimal(0)

SUFFIXES: Mapping[str, Mapping[str, Any]] = {
    "free": {"max_prompt_usd_per_mtok": NOTHING, "max_completion_usd_per_mtok": NOTHING},
    "nitro": {"sort": "throughput"},
    "floor": {"sort": "price"},
    "online": {},
}
"""What each stands for, as fields of `Preferences`."""

SEARCH = "web_search"

NEEDED: Mapping[str, str] = {"online": SEARCH}
"""What a request needs beside (`RouteRequest.needs`)."""

IsKnown = Callable[[str], bool]


def split(name: str, is_known: IsKnown) -> tuple[str, str]:
    """(name, suffix); a name that is known as it stands has none: `m:free` may be a model.

    is_known    a name as it stands
    """
    head = bare(name)
    return (name, "") if head == name or is_known(name) else (head, name[len(head) + 1 :])


def bare(name: str) -> str:
    """A name without its suffix."""
    head, _, suffix = name.rpartition(":")
    return head if head and suffix in SUFFIXES else name


def needs_search(request: RouteRequest) -> bool:
    """Whether any of its names may ask for a web search, or all do."""
    if SEARCH in request.needs or request.model.endswith(":online"):
        return True
    return bool(request.models) and any(name.endswith(":online") for name in request.models)


def as_meant(request: RouteRequest, suffix: str) -> RouteRequest:
    """The request as one of its names asks it; itself without a suffix.

    An order that the caller states in full is stronger than a suffix.
    """
    if not suffix:
        return request
    stated = request.preferences
    wishes = {
        name: value
        for name, value in SUFFIXES[suffix].items()
        if name != "sort" or not (stated.sort or stated.order)
    }
    needs = request.needs | {NEEDED[suffix]} if suffix in NEEDED else request.needs
    return replace(request, needs=needs, preferences=replace(stated, **wishes))
