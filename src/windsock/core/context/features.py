"""Request text to cheap numbers, for learnt segments. The numbers are kept, the text is not."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

HASHED = 16
"""Buckets that word pairs are hashed into."""

MOST_CHARACTERS = 2_000
"""Of the text that is looked at: the beginning and the end."""

MOST_WORDS = 60
"""Words whose pairs are hashed."""


NAMES = (
    "length",
    "code",
    "digits",
    "arithmetic",
    "questions",
    "lines",
    "non_latin",
    "capitals",
    "turns",
    "system",
    "json_schema",
    "tools",
    *(f"words_{i}" for i in range(HASHED)),
)
"""What each number of `features` is."""

EXTREMES = (
    ("short prompts", "long prompts"),
    ("no code", "code"),
    ("few digits", "many digits"),
    ("no arithmetic", "arithmetic"),
    ("no questions", "questions"),
    ("few lines", "many lines"),
    ("latin script", "other than latin script"),
    ("few capitals", "many capitals"),
    ("single turns", "long conversations"),
    ("no system prompt", "a system prompt"),
    ("free text", "a JSON schema"),
    ("no tools", "tools"),
)
"""What little and much of each number but the hashed words is called, for people."""

CODE = re.compile(r"```|\bdef |\bclass |\bimport |=>|\bSELECT\b|#include|[{};]\s*$", re.MULTILINE)
ARITHMETIC = re.compile(r"\d\s*[-+*/=<>^]\s*\d|\bhow many\b|\bsum\b|\bpercent\b", re.IGNORECASE)
WORDS = re.compile(r"\w+")
DIGIT = re.compile(r"\d")
CAPITAL = re.compile(r"[A-Z]")
NON_LATIN = re.compile("[^\u0000-\u024f]")


def features(
    texts: Sequence[str],
    *,
    turns: int = 1,
    has_system: bool = False,
    has_schema: bool = False,
    tools: int = 0,
) -> tuple[float, ...]:
    """Numbers of about unit size, in the order of NAMES; a pure function of the request.

    texts   message contents, oldest first
    """
    text = _clip("\n".join(texts))
    size = max(1, len(text))
    return (
        math.log1p(sum(map(len, texts))) / 3.0 - 2.0,
        min(2.0, len(CODE.findall(text)) / 3.0),
        5.0 * len(DIGIT.findall(text)) / size,
        min(2.0, float(len(ARITHMETIC.findall(text)))),
        min(2.0, text.count("?") / 2.0),
        min(2.0, text.count("\n") / 20.0),
        0.0 if text.isascii() else 2.0 * len(NON_LATIN.findall(text)) / size,
        5.0 * len(CAPITAL.findall(text)) / size,
        math.log1p(max(0, turns - 1)),
        float(has_system),
        float(has_schema),
        min(2.0, tools / 4.0),
        *_hashed_pairs(text),
    )


def _clip(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    return text[:half] + text[-half:]


def _hashed_pairs(text: str) -> list[float]:
    """Signed counts of single words and word pairs in buckets, scaled to unit length."""
    words = WORDS.findall(text[: 12 * MOST_WORDS].lower())[:MOST_WORDS]
    buckets = [0.0] * HASHED
    for item in [*words, *(" ".join(pair) for pair in pairwise(words))]:
        mark = zlib.crc32(item.encode())
        buckets[mark % HASHED] += 1.0 if mark & 0x10000 else -1.0
    norm = math.sqrt(sum(count * count for count in buckets)) or 1.0
    return [2.0 * count / norm for count in buckets]
