"""A small plot of letters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEIGHT = 12
MARGIN = 8
"""Columns before the plot: a figure and the axis."""

WIDEST = 72


class Mark(NamedTuple):
    """A letter and where it stands."""

    letter: str
    x: float
    y: float


def plot(marks: Sequence[Mark], *, width: int, across: str, up: str) -> Iterator[str]:
    """Lines that fit; x is logarithmic where it is positive and spreads over more than ten times.

    Where several stand at one place, a dot gives way and the first of the others stays.
    """
    columns = min(width, WIDEST) - MARGIN - 1
    xs, ys = [mark.x for mark in marks], [mark.y for mark in marks]
    is_log = min(xs) > 0 and max(xs) > 10 * min(xs)
    scale = math.log if is_log else float
    grid = [[" "] * columns for _ in range(HEIGHT)]
    for mark in marks:
        column = _place(scale(mark.x), scale(min(xs)), scale(max(xs)), columns)
        line = grid[HEIGHT - 1 - _place(mark.y, min(ys), max(ys), HEIGHT)]
        if line[column] in " .":
            line[column] = mark.letter
    yield up
    for number, row in enumerate(grid):
        figure = {0: f"{max(ys):.3f}", HEIGHT - 1: f"{min(ys):.3f}"}.get(number, "")
        yield f"{figure:>{MARGIN - 2}} |{''.join(row)}".rstrip()
    yield f"{'':>{MARGIN - 2}} +{'-' * columns}"
    low, high = f"{min(xs):.3g}", f"{max(xs):.3g}"
    words = f"{across}, logarithmic" if is_log else across
    yield f"{'':>{MARGIN - 1}}{low}{words:^{columns - len(low) - len(high)}}{high}"


def _place(value: float, low: float, high: float, count: int) -> int:
    if high <= low:
        return 0
    return min(count - 1, max(0, round((value - low) / (high - low) * (count - 1))))
