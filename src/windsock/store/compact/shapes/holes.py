"""What a shape has in place of a number that left, and a column that was taken apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple


@dataclass(frozen=True, slots=True, eq=False)
class Hole:
    """Where a number belongs that has left.

    kind    value, or what it is made into: moment, money, hex (an id); at, weights and sums (of
            weights) are made of what is there; same: see `column`
    column  whose number it is, where that is another column's
    """

    kind: str
    column: int | None = None


VALUE, MOMENT, MONEY, HEX = map(Hole, ("value", "moment", "money", "hex"))
AT, WEIGHTS, SUMS = map(Hole, ("at", "weights", "sums"))
MADE = frozenset({AT, WEIGHTS, SUMS})
NOTHING: Final = object()
"""In place of a number where none has left."""


@cache
def same_as(column: int) -> Hole:
    """The number of an earlier column once more, if it has one of its own."""
    return Hole("same", column)


class Written(NamedTuple):
    """A column: what stands in the shape of each record, and the number that left it.

    numbers     None where none has left any; NOTHING where one has not
    has_gaps    whether there is such a one
    """

    marks: Iterable[Any]
    numbers: Sequence[Any] | None = None
    has_gaps: bool = False


def written(parts: Iterable[tuple[Any, Any]]) -> Written:
    """A column whose values were taken apart one by one, each into its mark and its number."""
    marks, numbers = zip(*parts, strict=True)
    gaps = numbers.count(NOTHING)
    return Written(marks) if gaps == len(numbers) else Written(marks, numbers, gaps > 0)


@dataclass(slots=True)
class Batch:
    """Records of one form. Money and shared numbers that occur twice in one are taken once.

    at          unix s, of each
    shared      by place in the batch: the hole of each number that was taken
    money       columns of money so far, as texts
    """

    at: Sequence[float]
    shared: defaultdict[int, dict[float, Hole]] = field(default_factory=lambda: defaultdict(dict))
    money: list[tuple[int, Sequence[str]]] = field(default_factory=list)


Write = Callable[[Sequence[Any], Batch, int], Written]
"""Takes a column apart, whose number it is told."""
