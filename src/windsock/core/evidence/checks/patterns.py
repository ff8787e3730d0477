"""How long a caller's pattern may take: Python's engine tries every way to repeat its parts."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import NamedTuple

SIGN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
"""One character, or one of a set."""

HEAD = re.compile(r"\(\?(?:P?<\w+>|<?[=!]|[a-zA-Z-]*:)")
"""How a group begins that says what it is."""

GROUP = re.compile(r"\(([^()*+?{}]*)\)")
"""A group within which nothing is repeated."""

REPEATED = re.compile(r"\)(?:[*+]|\{(?P<least>\d*)(?P<most>,\d*)?\})")
AGAIN = re.compile(r"(?P<any>[*+])|\{(?P<least>\d*)(?P<to>,?)(?P<most>\d*)\}|\?")
LAZY = re.compile(r"([*+?}])[?+]")

CHOICE = "\0"
"""Stands for a group within which there is a choice."""

MOST_TIMES = 16
"""That a group of repeated parts may stand in a row."""

LEAST_STEPS = 50
"""As many as looking a pattern up takes."""

MOST_CHARS = 500
"""Of a pattern."""


class Shape(NamedTuple):
    """What a match may be made of: parts of any length, and ways to choose between others."""

    loops: int
    ways: float
    is_anchored: bool


def steps(pattern: str, chars: int) -> float:
    """At most so many, roughly, for a text of so many characters; inf where that is not known."""
    shape = _shape(pattern) if len(pattern) <= MOST_CHARS else None
    if shape is None:
        return math.inf
    starts = 1 if shape.is_anchored else chars + 1
    return LEAST_STEPS + len(pattern) + shape.ways * starts * float(chars + 1) ** shape.loops


@lru_cache(maxsize=256)
def _shape(pattern: str) -> Shape | None:
    """None where a choice stands within a repetition, or what is no plain pattern."""
    text, ways = LAZY.sub(r"\1", HEAD.sub("(", SIGN.sub("x", pattern))), 1.0
    while (group := GROUP.search(text)) is not None:
        choices, rest = group[1].count("|") + 1, text[group.end() :]
        stands = CHOICE if choices > 1 or CHOICE in group[1] else "x"
        if stands == CHOICE and rest.startswith(("*", "+", "{")):
            return None
        ways *= choices
        text = text[: group.start()] + stands + rest
    times = _times(text)
    if times is None or "(?" in text:
        return None
    loops, more = _repetitions(text)
    ways *= more * 2.0 ** text.count("|")
    return Shape(loops * times, min(ways, 1e9) ** times, text.startswith("^"))


def _times(text: str) -> int | None:
    """How often groups stand in a row that have repeated parts; None where that is not fixed."""
    times = 1
    for found in REPEATED.finditer(text):
        if not found["least"] or found["most"]:
            return None
        times *= int(found["least"][:4])
    return times if times <= MOST_TIMES else None


def _repetitions(text: str) -> tuple[int, float]:
    """Parts of any length, and the lengths that all others can have together."""
    loops, lengths = 0, 1.0
    for found in AGAIN.finditer(text):
        if found["any"] or (found["to"] and not found["most"]):
            loops += 1
        elif found["to"]:
            lengths *= max(1, int(found["most"][:6]) - int(found["least"][:6] or 0) + 1)
        elif found[0] == "?":
            lengths *= 2
    return loops, min(lengths, 1e9)
