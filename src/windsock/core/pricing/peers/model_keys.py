"""By which part of its name a model is the same as another seller's, or of the same family."""

from __future__ import annotations

import re
from functools import lru_cache

from windsock.core.model.model_names import SNAPSHOT

VARIANT = re.compile(r":(?!\d+$)")
"""`:free`, `:batch`: another product; `:0` of Bedrock is a revision."""

AUTHOR = re.compile(r"^(?:[a-z]+\.)+(?=.)")
"""`us.anthropic.`, `moonshotai.`: who made it and where it runs."""

REVISION = re.compile(r"(?:-v\d+|-1)?:\d+$")
"""`-v1:0`, and `-1:0` of `gpt-oss-20b-1:0`."""

BEDROCK_REVISION = re.compile(r"-v1$")
"""Of a name that begins with its author and a point; elsewhere it may be a version."""

MAKER = re.compile(
    r"^(?:anthropic|openai|databricks|google|meta|alibaba|alicloud|zai-org|z-ai|x-?ai|nvidia"
    r"|microsoft|amazon|azure|cohere|moonshotai|mistralai|deepseek-ai)-(?=[a-z])"
)
"""Who made it or sells it, joined by a dash to a name that tells the model without."""

SAME_PRODUCT = re.compile(r"-(?:maas|tee|hf|fp8|bf16)$")
"""Ways of serving a model that say nothing of another one."""

DECIMAL_P = re.compile(r"(?<=\d)p(?=\d)")
"""`k2p5` for `k2.5`."""

SIZED = re.compile(r"\d+(?:\.\d+)?b(?![a-z])|[a-z]+")
"""Words and sizes: no version, no number of active parameters."""

ACTIVE = re.compile(r"a\d+(?:\.\d+)?b(?![a-z])")

SAYS_LITTLE = frozenset({"instruct", "chat", "preview", "latest", "exp", "it", "v", "fp8", "hf"})
"""Words that tell no model of another price apart."""

LATEST = re.compile(r"latest(?:@|$)", re.IGNORECASE)

MAX_NAMES = 32768


@lru_cache(maxsize=MAX_NAMES)
def model_key(name: str) -> str | None:
    """The same for one model at every seller, whatever its date, spelling and order of words.

    None for a variant with prices of its own and for names of one word, which many models may have.
    """
    words = re.findall(r"[a-z]+|\d+", _line(name))
    return "-".join(sorted(words, key=_place)) if len(words) > 1 else None


def is_moving(name: str) -> bool:
    """True for a name that may mean another model tomorrow: `gemini-flash-latest`."""
    return LATEST.search(name) is not None


def _place(word: str) -> tuple[bool, str]:
    """Words by their letters, then numbers as they come: claude-opus-4-5, not 5-4."""
    return (True, "") if word.isdigit() else (False, word)


@lru_cache(maxsize=MAX_NAMES)
def family_key(name: str) -> str | None:
    """The same for the versions of one line: glm-4.6 and glm-5, not gpt-5 and gpt-5-mini."""
    if model_key(name) is None:
        return None
    words = SIZED.findall(ACTIVE.sub("", _line(name)))
    return " ".join(sorted({*words} - SAYS_LITTLE)) or None


def _line(name: str) -> str:
    """The model's own name as any seller may write it."""
    return DECIMAL_P.sub(".", SAME_PRODUCT.sub("", MAKER.sub("", _model(name))))


def _model(name: str) -> str:
    """The model's own name without seller, author, date and revision; empty for a variant."""
    model = name.lower().rsplit("/", 1)[-1]
    if VARIANT.search(model):
        return ""
    model = REVISION.sub("", model)
    if AUTHOR.match(model):
        model = BEDROCK_REVISION.sub("", AUTHOR.sub("", model))
    return SNAPSHOT.sub("", model).partition("@")[0]


def own_name(name: str) -> str:
    """The model's name without seller, author, date, revision and variant, in lower case."""
    return _model(VARIANT.split(name.lower().rsplit("/", 1)[-1], maxsplit=1)[0])
