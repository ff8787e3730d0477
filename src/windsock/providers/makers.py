"""Who made a model, by its name, read once from makers.toml."""

from __future__ import annotations

import re
import tomllib
from fnmatch import translate
from functools import cache, lru_cache
from importlib.resources import files

from windsock.core.pricing.peers.model_keys import own_name

WORD = re.compile(r"[a-z]+")


@lru_cache(maxsize=4096)
def maker_of(model: str) -> str:
    """The maker; the first word of the model's own name where none is known, else the name."""
    name = own_name(model)
    for maker, pattern in _patterns():
        if pattern.fullmatch(name):
            return maker
    word = WORD.match(name)
    return word[0] if word else name


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    text = files("windsock.providers").joinpath("makers.toml").read_text(encoding="utf-8")
    stated: dict[str, list[str]] = tomllib.loads(text)
    return [(maker, re.compile("|".join(map(translate, globs)))) for maker, globs in stated.items()]
