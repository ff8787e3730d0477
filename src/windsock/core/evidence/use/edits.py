"""How much of an answer was left in what was used."""

from __future__ import annotations

import re

import numpy as np

MOST_CHARS = 3_000
"""Of texts that are compared by characters; longer ones by words."""

MOST_WORDS = 3_000
"""Compared; of longer texts their beginning."""

WORD = re.compile(r"\w+|[^\w\s]")


def kept_share(answer: str, used: str) -> float:
    """1 less the Levenshtein distance as a share of the longer text, 0..1.

    Spaces at line ends and around the text are no edits. Source: V. I. Levenshtein, "Binary codes
    capable of correcting deletions, insertions, and reversals", 1966.
    """
    first, second = _plain(answer), _plain(used)
    if first == second:
        return 1.0
    if max(len(first), len(second)) <= MOST_CHARS:
        a, b = list(first), list(second)
    else:
        a, b = WORD.findall(first)[:MOST_WORDS], WORD.findall(second)[:MOST_WORDS]
    longest = max(len(a), len(b))
    return 1.0 - _distance(a, b) / longest if longest else 1.0


def _distance(a: list[str], b: list[str]) -> int:
    """Row by row; what is inserted in a row is carried on by a running minimum."""
    numbers = {part: number for number, part in enumerate({*a, *b})}
    other = np.array([numbers[part] for part in b], dtype=np.int64)
    steps = np.arange(len(b) + 1)
    row = steps.copy()
    for deleted, part in enumerate(a, start=1):
        best = np.minimum(row[1:] + 1, row[:-1] + (other != numbers[part]))
        row = np.minimum.accumulate(np.concatenate(([deleted], best)) - steps) + steps
    return int(row[-1])


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
