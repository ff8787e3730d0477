"""What a model's name says of its kind, read once from modes.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

UNSAID: frozenset[str] = frozenset()


@cache
def _globs() -> Mapping[str, list[str]]:
    text = files("windsock.providers").joinpath("modes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def modes_of(model: str) -> frozenset[str]:
    """The kind of a model of this name, alone in its set; empty if its name says none."""
    name = model.rsplit("/", 1)[-1].lower()
    found = (mode for mode, globs in _globs().items() if any(fnmatchcase(name, g) for g in globs))
    mode = next(found, None)
    return UNSAID if mode is None else frozenset({mode})
