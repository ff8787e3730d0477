"""Suffixes of names as OpenRouter has them: `auto:floor` is `auto` with a preference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from windsock.core.model.requests import Preferences, RouteRequest
from windsock.errors import BadRequest

NOTHING = Decimal(0)

SUFFIXES: Mapping[str, Mapping[str, Any]] = {
    "free": {"max_prompt_usd_per_mtok": NOTHING, "max_completion_usd_per_mtok": NOTHING},
    "nitro": {"sort": "throughput"},
    "floor": {"sort": "price"},
}
"""What each stands for, as fields of `Preferences`."""

ONLINE = "online"
"""Asks for a search, which is not a matter of routing."""

IsKnown = Callable[[str], bool]


def without_suffixes(request: RouteRequest, is_known: IsKnown) -> RouteRequest:
    """The same with its names' suffix told as preferences; itself if they have none.

    is_known    a name as it stands: `m:free` may be a model of its own
    raises      BadRequest where its names do not agree, or on `:online`
    """
    names = (request.model, *request.models)
    if not any(":" in name for name in names):
        return request
    split = [_split(name, is_known) for name in names]
    suffixes = {suffix for _, suffix in split}
    if suffixes == {""}:
        return request
    if len(suffixes) > 1:
        raise BadRequest(
            "a suffix such as ':floor' holds for the whole request: give it to every name in "
            "model and models, or to none and send provider.sort or provider.max_price",
            param="models",
        )
    first, *others = (name for name, _ in split)
    wishes = _wished(request.preferences, suffixes.pop())
    return replace(request, model=first, models=tuple(others), preferences=wishes)


def bare(name: str) -> str:
    """A name without its suffix."""
    head, _, suffix = name.rpartition(":")
    return head if head and (suffix in SUFFIXES or suffix == ONLINE) else name


def _split(name: str, is_known: IsKnown) -> tuple[str, str]:
    head = bare(name)
    return (name, "") if head == name or is_known(name) else (head, name[len(head) + 1 :])


def _wished(stated: Preferences, suffix: str) -> Preferences:
    """An order that the caller states in full is stronger than a suffix."""
    if suffix == ONLINE:
        raise BadRequest(
            "':online' asks for a web search, which is not done here; leave it out and send "
            "web_search_options, or a tool that searches",
            param="model",
        )
    wishes = {
        name: value
        for name, value in SUFFIXES[suffix].items()
        if name != "sort" or not (stated.sort or stated.order)
    }
    return replace(stated, **wishes)
