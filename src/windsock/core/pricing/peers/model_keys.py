"""By which part of its name a model is the same as another seller's, or of the same family."""

from __future__ import annotations

import re
from functools import lru_cache

from windsock.core.model.model_names import SNAPSHOT

VARIANT = re.compile(r":(?!\d+$)")
"""`:free`, `:batch`: another product; `:0` of Bedrock is a revision."""

AUTHOR = re.compile(r"^(?:[a-z]+\.)+(?=.)")
"""`us.anthropic.`, `moonshotai.`: who made it and where it runs."""

REVISION = re.compile(r"(?:-v\d+)?:\d+$")

SIZED = re.compile(r"\d+(?:\.\d+)?b(?![a-z])|[a-z]+")
"""Words and sizes: no version, no number of active parameters."""

ACTIVE = re.compile(r"a\d+(?:\.\d+)?b(?![a-z])")

SAYS_LITTLE = frozenset({"instruct", "chat", "preview", "latest", "exp", "it", "v", "fp8", "hf"})
"""Words that tell no model of another price apart."""

MAX_NAMES = 32768


@lru_cache(maxsize=MAX_NAMES)
def model_key(name: str) -> str | None:
    """The same for one model at every seller, whatever its date and spelling.

    None for a variant with prices of its own and for names of one word, which many models may have.
    """
    model = _model(name)
    words = re.findall(r"[a-z]+|\d+", model) if model else []
    return "-".join(words) if len(words) > 1 else None


@lru_cache(maxsize=MAX_NAMES)
def family_key(name: str) -> str | None:
    """The same for the versions of one line: glm-4.6 and glm-5, not gpt-5 and gpt-5-mini."""
    if model_key(name) is None:
        return None
    words = SIZED.findall(ACTIVE.sub("", _model(name)))
    return " ".join(sorted({*words} - SAYS_LITTLE)) or None


def _model(name: str) -> str:
    """The model's own name without seller, author, date and revision; empty for a variant."""
    model = name.lower().rsplit("/", 1)[-1]
    if VARIANT.search(model):
        return ""
    model = SNAPSHOT.sub("", AUTHOR.sub("", REVISION.sub("", model)))
    return model.partition("@")[0]


def own_name(name: str) -> str:
    """The model's name without seller, author, date, revision and variant, in lower case."""
    return _model(VARIANT.split(name.lower().rsplit("/", 1)[-1], maxsplit=1)[0])
