"""Provider presets, read once from presets.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """How to reach a provider, and under which names feeds speak of it.

    key         environment variable that holds its API key; None if it needs none
    auth        bearer, or the name of the header that carries the key
    price       other provider names used by price feeds
    status      id of its health feed
    models      candidates when no configuration names any
    is_explicit used only when the configuration names it
    """

    id: str
    base_url: str
    key: str | None = None
    auth: str = "bearer"
    price: tuple[str, ...] = ()
    status: str | None = None
    models: tuple[str, ...] = ()
    is_explicit: bool = False


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by provider id."""
    text = files("windsock.providers").joinpath("presets.toml").read_text(encoding="utf-8")
    return {name: _preset(name, body) for name, body in tomllib.loads(text).items()}


def _preset(name: str, body: dict[str, Any]) -> Preset:
    lists: dict[str, Any] = {key: tuple(body[key]) for key in ("price", "models") if key in body}
    stated: dict[str, Any] = {**body, **lists}
    return Preset(id=name, **stated)
